/**
 * acme-dns cannot be asked what is there, takes nothing away, and keeps the two newest values: what was sent twice has
 * pushed the other value of the pair out. So what can be lost is the other one.
 */
import { describe, expect, it } from 'vitest';
import { examine, type Findings, noFindings, tallyOf } from './support/examine.ts';
import { openPlace, type Place } from './support/place.ts';
import { mannersOf, runStruck, type Strike, shown } from './support/strikes.ts';
import { FOREIGN_VALUE, NAME, SUBJECTS, VALUE } from './support/subjects.ts';
import { count } from './support/tally.ts';
import { ADD, addOf, REMOVE } from './support/verbs.ts';

const UPDATE = { call: 'POST /update', line: 'POST /update', occurrence: 0, nth: 0 } as const;

const STRIKES: readonly Strike[] = mannersOf(UPDATE.call).flatMap((manner) =>
  [false, true].map((again) => ({ ...UPDATE, ...manner, again })),
);

describe.concurrent('acme-dns, every request gone wrong', () => {
  for (const strike of STRIKES) {
    it(`add: ${shown(strike)}`, async ({ task }) => {
      const findings = noFindings();
      const place = await openPlace(SUBJECTS['acme-dns']);
      try {
        await tryStrike(strike, place, findings);
      } finally {
        await place.close();
      }
      count(task, { faults: 1, ...tallyOf(findings) });
      expect(findings.problems).toEqual([]);
    });
  }
});

async function tryStrike(strike: Strike, place: Place, findings: Findings): Promise<void> {
  const { problems } = findings;
  const { subject } = place;
  const foreign = await subject.everything();
  expect(foreign).toHaveLength(2);
  expect((await place.run(addOf(FOREIGN_VALUE))).code).toBe(0);

  const { code, stderr } = await runStruck(place, ADD, [strike]);
  const when = `after exit code ${code} (${stderr.match(/error: (.*)/)?.[1]})`;
  if (code === 70) problems.push(`crashed: ${stderr}`);
  await examine(when, place, { copies: code === 0 ? [1, 1] : [0, 1], foreign }, findings);
  await seeTheOther(when, place, findings);

  // It is sent again, for nobody can see that it is there; what it then pushes out, docs/providers tells of.
  const again = await place.run(ADD);
  if (again.code !== 0) problems.push(`the second run fails: ${again.stderr}`);
  await examine(`${when} and a second run`, place, { copies: [1, 2], foreign }, findings);

  const requests = subject.server?.requests.length;
  const removed = await place.run(REMOVE);
  if (removed.code !== 0) problems.push(`the removal fails: ${removed.stderr}`);
  expect(subject.server?.requests).toHaveLength(requests ?? 0);
  const left = await place.journal();
  if (left.some(({ value }) => value === VALUE)) problems.push('the journal still has an entry');
  problems.push(...(await place.secretsInTheOpen()));
}

/** The other value of the pair stands until somebody asks for the same one twice. */
async function seeTheOther(when: string, { subject }: Place, findings: Findings): Promise<void> {
  if ((await subject.held(NAME)).includes(FOREIGN_VALUE)) return;
  findings.problems.push(`${when}: the other value was pushed out`);
  findings.lost++;
}
