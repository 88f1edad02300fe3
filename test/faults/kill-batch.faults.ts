/** A batch of a hundred values that is killed in the middle: all of them are known, and all come to their end. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { examineForeign, type Findings, noFindings, tallyOf } from './support/examine.ts';
import { isShort } from './support/extent.ts';
import { kill } from './support/killed.ts';
import { openPlace, type Place } from './support/place.ts';
import { randomFrom, randomValue } from './support/random.ts';
import { SUBJECTS, type SubjectName, ZONE } from './support/subjects.ts';
import { count } from './support/tally.ts';
import { sweepUntilQuiet } from './support/verbs.ts';

const VALUES = 100;
const ROUNDS = isShort ? 1 : 12;
const SEED = Number(process.env['DNS01_FAULTS_SEED'] ?? Date.now() % 1_000_000);

/** The providers that change many values in one call, and those that do so one by one. */
const PLAYED: readonly SubjectName[] = isShort
  ? ['rfc2136', 'powerdns', 'ispconfig', 'embedded']
  : ['rfc2136', 'powerdns', 'olspanel', 'ispconfig', 'embedded', 'zoneid', 'panelalpha'];

const ACTIONS = ['add', 'remove'] as const;
type Action = (typeof ACTIONS)[number];

interface Entry {
  readonly name: string;
  readonly value: string;
}

describe.concurrent('a batch of a hundred values', () => {
  for (const [index, subject] of PLAYED.entries()) {
    for (const action of ACTIONS) {
      for (let round = 0; round < ROUNDS; round++) {
        const random = randomFrom(SEED + index * 7919 + round * 104_729);
        it(`${subject}, ${action}, killed in the middle (${round + 1})`, async ({ task }) => {
          const findings = noFindings();
          const { problems } = findings;
          const place = await openPlace(SUBJECTS[subject]);
          let wasKilled = false;
          try {
            const foreign = await place.subject.everything();
            // Every fourth name has two values, as for a domain and its wildcard.
            const entries = Array.from({ length: VALUES }, (_, nth) => ({
              name: `_acme-challenge.h${nth - (nth % 4 === 3 ? 1 : 0)}.${ZONE}`,
              value: randomValue(random),
            }));
            if (action === 'remove') expect((await batch(place, 'add', entries).ended).code).toBe(0);
            const victim = batch(place, action, entries);
            await atWork(place, action, entries, random, victim.child);
            wasKilled = await kill(victim);
            await place.gate.settled();
            await examineValues(place, entries, findings);
            examineForeign('killed', await place.subject.everything(), foreign, findings);

            if (round % 2 === 0) {
              const again = await batch(place, action, entries).ended;
              if (again.code !== 0) problems.push(`the second run fails: ${again.stderr}`);
              await examineValues(place, entries, findings, action === 'add' ? VALUES : 0);
            }
            const swept = await sweepUntilQuiet(place);
            if (swept.code !== 0) problems.push(`the sweep fails: ${swept.stderr}`);
            await examineValues(place, entries, findings, 0);
            const rest = await place.subject.everything();
            examineForeign('swept', rest, foreign, findings);
            if (rest.length !== foreign.length) problems.push('more than was there');
            expect(await place.journal()).toEqual([]);
          } finally {
            await place.close();
          }
          count(task, { kills: wasKilled && problems.length === 0 ? 1 : 0, ...tallyOf(findings) });
          expect(problems, `DNS01_FAULTS_SEED=${SEED}`).toEqual([]);
        });
      }
    }
  }
});

function batch(place: Place, action: Action, entries: readonly Entry[]) {
  const lines = entries.map((entry) => `${JSON.stringify({ action, ...entry })}\n`).join('');
  const started = place.start(['batch', '--no-wait'], { input: lines });
  started.child.stdin?.end();
  return started;
}

/** Resolves somewhere between the first change at the server and what a batch usually takes after it. */
async function atWork(
  { subject, journal }: Place,
  action: Action,
  entries: readonly Entry[],
  random: () => number,
  child: { readonly exitCode: number | null },
): Promise<void> {
  const before = subject.server?.requests.length;
  const isQuiet = async () =>
    subject.server === undefined
      ? (await journal()).length === (action === 'add' ? 0 : entries.length)
      : subject.server.requests.length === before;
  while (child.exitCode === null && (await isQuiet())) await delay(1);
  await delay(random() * 250);
}

/** Every value that is there is in the journal; and all of them are there, or none, where that is known. */
async function examineValues(
  place: Place,
  entries: readonly Entry[],
  findings: Findings,
  wanted?: number,
): Promise<void> {
  const { problems } = findings;
  const known = new Set((await place.journal()).map(({ name, value }) => `${name} ${value}`));
  let there = 0;
  for (const { name, value } of entries) {
    const copies = (await place.subject.held(name)).filter((held) => held === value).length;
    there += copies;
    if (copies > 1) problems.push(`${name} has the value ${copies} times`);
    if (copies === 0 || known.has(`${name} ${value}`)) continue;
    problems.push(`${name}: the value is on the server and not in the journal`);
    findings.lost++;
  }
  if (wanted !== undefined && there !== wanted) problems.push(`${there} values are there, expected ${wanted}`);
}
