import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { examineForeign, noFindings, tallyOf } from './support/examine.ts';
import { isShort } from './support/extent.ts';
import { kill } from './support/killed.ts';
import { openPlace, type Place, type Started } from './support/place.ts';
import { randomFrom, randomValue } from './support/random.ts';
import { NAME, SUBJECTS, type SubjectName } from './support/subjects.ts';
import { count } from './support/tally.ts';
import { addOf, removeOf, sweepUntilQuiet } from './support/verbs.ts';

const ROUNDS = isShort ? 24 : 500;
const SEED = Number(process.env['DNS01_FAULTS_SEED'] ?? Date.now() % 1_000_000);

/** Who is at work when one of them is killed. The others go on, and have to do what they were asked. */
const SCENES = ['add', 'remove', 'two adds', 'the same value twice', 'add and remove'] as const;

const PLAYED: readonly SubjectName[] = [
  'ispconfig',
  'zoneid',
  'embedded',
  'panelalpha',
  'powerdns',
  'rfc2136',
  'olspanel',
];

const typical = await typicalTimes();
process.stdout.write(
  `kills at random: DNS01_FAULTS_SEED=${SEED}, a start takes ${Math.round(typical.start)} ms, the work ${Math.round(typical.work)} ms\n`,
);

describe.concurrent('a process that is killed at any time', () => {
  for (let round = 0; round < ROUNDS; round++) {
    const random = randomFrom(SEED + round * 7919);
    const subject = PLAYED[round % PLAYED.length] ?? 'zoneid';
    const scene = SCENES[Math.floor(random() * SCENES.length)] ?? 'add';
    // Most of a process's life is its start: three of four are left alone until they have something to lose.
    const isAtWork = random() < 0.75;
    const after = random() * (isAtWork ? typical.work : typical.start) * 1.5;
    const [mine = '', other = ''] = [randomValue(random), randomValue(random)];

    it(`round ${round}: ${subject}, ${scene}, after ${Math.round(after)} ms ${isAtWork ? 'of work' : 'in all'}`, async ({
      task,
    }) => {
      const findings = noFindings();
      const { problems } = findings;
      const place = await openPlace(SUBJECTS[subject]);
      let wasKilled = false;
      try {
        const foreign = await place.subject.everything();
        for (const value of { remove: [mine], 'add and remove': [other] }[scene as string] ?? []) {
          await place.run(addOf(value));
        }
        const victim = place.start(scene === 'remove' ? removeOf(mine) : addOf(mine));
        const survivors: Started[] = [];
        if (scene === 'two adds') survivors.push(place.start(addOf(other)));
        if (scene === 'the same value twice') survivors.push(place.start(addOf(mine)));
        if (scene === 'add and remove') survivors.push(place.start(removeOf(other)));
        if (isAtWork) await signOfWork(place, victim);
        await delay(after);
        wasKilled = await kill(victim);
        for (const { ended } of survivors) {
          const { code, stderr } = await ended;
          if (code !== 0) problems.push(`the other process fails: ${stderr}`);
        }
        await place.gate.settled();

        const held = await place.subject.held(NAME);
        const wanted = { 'two adds': other, 'the same value twice': mine }[scene as string];
        if (wanted !== undefined && !held.includes(wanted)) {
          problems.push('what the other process has published is not there');
          findings.lost++;
        }
        if (scene === 'add and remove' && held.includes(other)) problems.push('what the other withdrew is still there');

        const swept = await sweepUntilQuiet(place);
        if (swept.code !== 0) problems.push(`the sweep fails: ${swept.stderr}`);
        const rest = await place.subject.everything();
        examineForeign('swept', rest, foreign, findings);
        if (rest.length > foreign.length) {
          problems.push(`a value was left behind: ${(await place.subject.held(NAME)).join(' ')}`);
          findings.lost += rest.length - foreign.length;
        }
        problems.push(...(await place.secretsInTheOpen()));
      } finally {
        await place.close();
      }
      count(task, { kills: wasKilled && problems.length === 0 ? 1 : 0, ...tallyOf(findings) });
      expect(problems, `DNS01_FAULTS_SEED=${SEED}`).toEqual([]);
    });
  }
});

/** Milliseconds, here and now: kills after that would come too late. */
async function typicalTimes(): Promise<{ readonly start: number; readonly work: number }> {
  const place = await openPlace(SUBJECTS.ispconfig);
  const began = performance.now();
  const run = place.start(addOf(randomValue(randomFrom(SEED))));
  await signOfWork(place, run);
  const start = performance.now() - began;
  await run.ended;
  await place.close();
  return { start, work: performance.now() - began - start };
}

/** Resolves as soon as the process has asked its server something, or has written to its journal. */
async function signOfWork({ subject, stateDirectory }: Place, { child }: Started): Promise<void> {
  const asked = subject.server?.requests.length;
  const journal = join(stateDirectory, 'journal');
  const entries = () => (existsSync(journal) ? readdirSync(journal).join() : '');
  const before = entries();
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  while (isAlive() && subject.server?.requests.length === asked && entries() === before) await delay(1);
}
