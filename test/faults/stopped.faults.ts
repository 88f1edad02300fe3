/** A process that sleeps with a lock, or with another account at the same server: nobody writes over anybody. */
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { examineForeign, noFindings, tallyOf } from './support/examine.ts';
import { isShort } from './support/extent.ts';
import { openPlace, type Place } from './support/place.ts';
import { door, isWrite } from './support/stops.ts';
import { FOREIGN_VALUE, NAME, SUBJECTS, type SubjectName, VALUE } from './support/subjects.ts';
import { count } from './support/tally.ts';
import { addOf, removeOf, sweepUntilQuiet } from './support/verbs.ts';

/** The providers that rewrite what others may rewrite, and have a server that can be looked at. */
const EXCLUSIVE: readonly SubjectName[] = ['powerdns', 'panelalpha with line numbers', 'olspanel', 'panelalpha'];

const OTHER = `${VALUE.slice(0, -1)}A`;

const VERBS = { add: addOf, remove: removeOf } as const;
type Verb = keyof typeof VERBS;

interface Case {
  readonly subject: SubjectName;
  readonly verb: Verb;
  /** Which request of the sleeper it does not come to send. */
  readonly write: number;
}

async function writesOf(subject: SubjectName, verb: Verb): Promise<Case[]> {
  const place = await openPlace(SUBJECTS[subject]);
  if (verb === 'remove') await place.run(addOf(VALUE));
  place.subject.server?.takeCalls();
  await place.run(VERBS[verb](VALUE));
  const calls = place.subject.server?.takeCalls() ?? [];
  await place.close();
  const writes = calls.flatMap((call, write) =>
    isWrite(call, place.subject) && write > 0 ? [{ subject, verb, write }] : [],
  );
  return isShort ? writes.slice(0, 1) : writes;
}

const all = await Promise.all(
  EXCLUSIVE.flatMap((subject) => (Object.keys(VERBS) as Verb[]).map((verb) => writesOf(subject, verb))),
);

/** In the short form one of two is tried. */
const cases = all.flat().filter((_, index) => !isShort || index % 2 === Math.floor(index / 2) % 2);

describe.concurrent('a process that is stopped with its lock, until another has taken that over and written', () => {
  for (const { subject, verb, write } of cases) {
    it(`${subject}, ${verb}, before request ${write + 1}: does not write any more`, async ({ task }) => {
      const findings = noFindings();
      const { problems } = findings;
      const place = await openPlace(SUBJECTS[subject]);
      try {
        const foreign = await place.subject.everything();
        if (verb === 'remove') for (const value of [VALUE, OTHER]) await place.run(addOf(value));
        const stopped = await sleeper(place, VERBS[verb](VALUE), write);
        const second = await place.run(VERBS[verb](OTHER));
        expect(second.code, second.stderr).toBe(0);
        const asked = place.subject.server?.requests.length ?? 0;
        const first = await stopped.wake();
        const after = place.subject.server?.requests.slice(asked).map(({ call }) => call) ?? [];

        examineForeign('awake again', await place.subject.everything(), foreign, findings);
        const held = await place.subject.held(NAME);
        if (held.includes(OTHER) !== (verb === 'add')) {
          problems.push('what the second process did was undone');
          findings.lost++;
        }
        if (first.code === 0 && held.includes(VALUE) !== (verb === 'add')) problems.push('the first process lies');
        if (first.code !== 0 && !first.stderr.includes('was taken over by another dns01')) problems.push(first.stderr);
        if (first.code !== 0 && after.some((call) => isWrite(call, place.subject)))
          problems.push(`it wrote: ${after.join()}`);

        for (const value of [VALUE, OTHER]) await place.run(addOf(value));
        const swept = await sweepUntilQuiet(place);
        if (swept.code !== 0) problems.push(`the sweep fails: ${swept.stderr}`);
        const rest = await place.subject.everything();
        examineForeign('swept', rest, foreign, findings);
        if (rest.length !== foreign.length) problems.push('a value was left behind');
        if ((await readdir(join(place.stateDirectory, 'locks'))).length > 0) problems.push('a lock is left');
      } finally {
        await place.close();
      }
      count(task, { faults: 1, ...tallyOf(findings) });
      expect(problems).toEqual([]);
    });
  }
});

/** A process that is stopped when the answer before that request is there, and whose lock has grown old then. */
async function sleeper(place: Place, args: readonly string[], write: number) {
  const [reached, released] = [door(), door()];
  place.gate.guard({
    async answer({ nth }) {
      if (nth !== write - 1) return undefined;
      reached.open();
      await released.opened;
      return undefined;
    },
  });
  const run = place.start(args);
  await Promise.race([reached.opened, run.ended]);
  run.child.kill('SIGSTOP');
  place.gate.guard({});
  released.open();
  if (isShort) await age(place);
  else await delay(11_000);
  return {
    async wake() {
      run.child.kill('SIGCONT');
      const ended = await run.ended;
      await place.gate.settled();
      return ended;
    },
  };
}

/** As if the process had been stopped for a minute. */
async function age({ stateDirectory }: Place): Promise<void> {
  const folder = join(stateDirectory, 'locks');
  const longAgo = new Date(Date.now() - 60_000);
  for (const name of await readdir(folder)) await utimes(join(folder, name), longAgo, longAgo);
}

describe.concurrent('two accounts at one server', () => {
  for (const subject of isShort ? EXCLUSIVE.slice(0, 2) : EXCLUSIVE) {
    it(`${subject}: write the same zone one after the other, and other zones at once`, async ({ task }) => {
      const findings = noFindings();
      const place = await openPlace(SUBJECTS[subject]);
      try {
        const foreign = await place.subject.everything();
        const [reached, released] = [door(), door()];
        let arrived = 0;
        place.gate.guard({
          async request({ line }) {
            arrived++;
            if (!/^(POST|PATCH) (?!.*domain_list)/.test(line)) return undefined;
            reached.open();
            await released.opened;
            return undefined;
          },
        });
        const first = place.start(addOf(VALUE));
        await Promise.race([reached.opened, first.ended]);
        const before = arrived;
        const second = place.start([...addOf(OTHER), '--account', 'twin', '--zone', 'example.com']);
        const elsewhere = place.start([...addOf(OTHER, '_acme-challenge.example.org'), '--account', 'it']);
        expect((await elsewhere.ended).code).toBe(68);
        const asked = arrived;
        expect(asked).toBeGreaterThan(before);
        await delay(500);
        // The second account waits; it may have asked which domains there are, which changes nothing.
        expect(arrived).toBe(asked);
        released.open();
        const codes = (await Promise.all([first.ended, second.ended])).map(({ code }) => code);
        expect(codes).toEqual([0, 0]);
        expect(await place.subject.held(NAME)).toEqual(expect.arrayContaining([VALUE, OTHER, FOREIGN_VALUE]));
        examineForeign('both added', await place.subject.everything(), foreign, findings);
      } finally {
        await place.close();
      }
      count(task, { crowd: 2, ...tallyOf(findings) });
      expect(findings.problems).toEqual([]);
    });
  }
});
