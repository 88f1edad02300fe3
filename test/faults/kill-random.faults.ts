import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { examineForeign, noFindings, tallyOf } from './support/examine.ts';
import { isShort } from './support/extent.ts';
import { kill } from './support/killed.ts';
import { openPlace, type Started } from './support/place.ts';
import { randomFrom, randomValue } from './support/random.ts';
import { NAME, SUBJECTS, type SubjectName } from './support/subjects.ts';
import { count } from './support/tally.ts';
import { addOf, removeOf, sweepUntilQuiet } from './support/verbs.ts';

const ROUNDS = isShort ? 24 : 200;
const SEED = Number(process.env['DNS01_FAULTS_SEED'] ?? Date.now() % 1_000_000);

/** Who is at work when one of them is killed. The others go on, and have to do what they were asked. */
const SCENES = ['add', 'remove', 'two adds', 'the same value twice', 'add and remove'] as const;

const PLAYED: readonly SubjectName[] = ['ispconfig', 'zoneid', 'embedded', 'panelalpha', 'powerdns'];

const typical = await typicalTime();
process.stdout.write(`kills at random: DNS01_FAULTS_SEED=${SEED}, a run takes ${Math.round(typical)} ms\n`);

describe.concurrent('a process that is killed at any time', () => {
  for (let round = 0; round < ROUNDS; round++) {
    const random = randomFrom(SEED + round * 7919);
    const subject = PLAYED[round % PLAYED.length] ?? 'zoneid';
    const scene = SCENES[Math.floor(random() * SCENES.length)] ?? 'add';
    const moment = random() * typical * 1.3;
    const [mine = '', other = ''] = [randomValue(random), randomValue(random)];

    it(`round ${round}: ${subject}, ${scene}, after ${Math.round(moment)} ms`, async ({ task }) => {
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
        await delay(moment);
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

/** Milliseconds that a whole run takes here and now: kills after that would come too late. */
async function typicalTime(): Promise<number> {
  const place = await openPlace(SUBJECTS.zoneid);
  const started = performance.now();
  await place.start(addOf(randomValue(randomFrom(SEED)))).ended;
  const time = performance.now() - started;
  await place.close();
  return time;
}
