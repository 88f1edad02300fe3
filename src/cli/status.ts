import type { Run } from '../challenge/run.ts';
import { isLasting, sweep } from '../challenge/sweep.ts';
import type { Io } from '../output/io.ts';
import { oneColumn } from '../output/text.ts';
import type { JournalEntry } from '../state/journal.ts';
import { withRun } from './open-run.ts';
import { type CommonOptions, parseDuration } from './options.ts';
import { MAX_LINES_TOGETHER, printLines } from './output.ts';

export interface StatusOptions extends CommonOptions {
  readonly olderThan: string;
}

interface Row
  extends Pick<JournalEntry, 'name' | 'value' | 'account' | 'provider' | 'since' | 'until' | 'by' | 'target'> {
  /** `begun`: it may be published; `lasting`: a sweep never takes it. */
  readonly state: 'published' | 'begun' | 'lasting';
  /** Whether a sweep would take it now. */
  readonly sweep: boolean;
}

/** `dns01 status`: what the journal has as published, and what a sweep would take. @throws E_CONFIG for a damaged journal */
export function status(options: StatusOptions, io: Io): Promise<void> {
  const seconds = parseDuration(options.olderThan, '--older-than');
  return withRun(options, io, async (run) => {
    const { leftovers, damage } = await takenBySweep(run, seconds);
    const rows: Row[] = [];
    let count = 0;
    const lines = printLines(io, MAX_LINES_TOGETHER);
    for await (const entry of run.state.journal.list()) {
      if (options.account !== undefined && options.account !== entry.account) continue;
      const row = rowOf(entry, leftovers);
      count++;
      if (options.json) rows.push(row);
      else lines.add(asLine(row));
    }
    lines.flush();
    if (damage) throw damage.error;
    if (options.json) io.stdout(`${JSON.stringify({ ok: true, action: 'status', values: rows })}\n`);
    else if (count === 0) run.log.info('nothing is published');
  });
}

/** A damaged journal fails at the end, after all entries that can be read. */
async function takenBySweep(run: Run, olderThan: number) {
  const leftovers = new Set<string>();
  try {
    for await (const { entry } of sweep(run, olderThan, true)) leftovers.add(keyOf(entry));
  } catch (error) {
    return { leftovers, damage: { error } };
  }
  return { leftovers, damage: undefined };
}

const keyOf = ({ name, value }: JournalEntry): string => `${name} ${value}`;

function rowOf(entry: JournalEntry, leftovers: ReadonlySet<string>): Row {
  const { name, value, account, provider, since, until, by } = entry;
  const target = entry.target === name ? undefined : entry.target;
  const state = isLasting(entry) ? 'lasting' : entry.state === 'intent' ? 'begun' : 'published';
  return { state, name, target, value, account, provider, since, until, by, sweep: leftovers.has(keyOf(entry)) };
}

function asLine({ state, name, target, value, account, since, until, by, sweep: isLeftover }: Row): string {
  const columns = [
    state,
    target === undefined ? name : `${name} at ${target}`,
    value,
    account,
    `since ${since}`,
    ...(until === undefined ? [] : [`until ${until}`]),
    ...(by === undefined ? [] : [`by ${by}`]),
    ...(isLeftover ? ['sweep would remove it'] : []),
  ];
  return `${columns.map(oneColumn).join('\t')}\n`;
}
