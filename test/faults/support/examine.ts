import type { Place } from './place.ts';
import { NAME, VALUE } from './subjects.ts';
import type { Tally } from './tally.ts';

/** What was found wrong, in words, and counted. */
export interface Findings {
  readonly problems: string[];
  lost: number;
  touched: number;
}

export interface Expected {
  /** How often the value may be on the server. */
  readonly copies: readonly [least: number, most: number];
  /** Everything that was on the server before dns01 came. */
  readonly foreign: readonly string[];
  /** What the journal has to know; without a word, of every value that is on the server. */
  readonly journal?: 'closed' | 'unaware';
}

export const noFindings = (): Findings => ({ problems: [], lost: 0, touched: 0 });

export const tallyOf = ({ lost, touched }: Findings): Partial<Tally> => ({ lost, touched });

/**
 * The three things that hold after anything: what was reported as published is there, what is no longer needed can be
 * found, and nothing else was changed.
 */
export async function examine(when: string, place: Place, expected: Expected, findings: Findings): Promise<void> {
  const { problems } = findings;
  const [least, most] = expected.copies;
  const copies = (await place.subject.held(NAME)).filter((value) => value === VALUE).length;
  if (copies < least || copies > most) {
    problems.push(`${when}: the value is there ${copies} times, expected ${least} to ${most}`);
    findings.lost++;
  }
  const journal = await place.journal();
  const isOpen = journal.some(({ name, value }) => name === NAME && value === VALUE);
  if (copies > 0 && !isOpen && expected.journal !== 'unaware') {
    problems.push(`${when}: the value is on the server and not in the journal`);
    findings.lost++;
  }
  if (expected.journal === 'closed' && isOpen) problems.push(`${when}: the journal still has an entry`);
  examineForeign(when, await place.subject.everything(), expected.foreign, findings);
}

/** Every record of others is as it was, and as often; new ones are counted elsewhere. */
export function examineForeign(
  when: string,
  now: readonly string[],
  before: readonly string[],
  findings: Findings,
): void {
  const left = [...now];
  for (const record of before) {
    const index = left.indexOf(record);
    if (index >= 0) left.splice(index, 1);
    else {
      findings.problems.push(`${when}: a foreign record was touched: ${record}`);
      findings.touched++;
    }
  }
}
