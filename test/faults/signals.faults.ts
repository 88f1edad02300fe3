/** A signal ends the work in order, wherever it is; a second one ends it at once. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { examine, type Findings, noFindings, tallyOf } from './support/examine.ts';
import { isShort } from './support/extent.ts';
import {
  exitCodeOf,
  openStopPlace,
  requestsOfVerbs,
  SIGNALS,
  type Signal,
  STOPPED,
  type StopPlace,
  type Stopped,
  type StoppedName,
  stopWhen,
} from './support/stops.ts';
import { VALUE } from './support/subjects.ts';
import { count } from './support/tally.ts';
import { ADD, REMOVE, sweepUntilQuiet } from './support/verbs.ts';

/** Milliseconds from a signal to the end: a logout may take three seconds, and the machine may be busy. */
const MAX_END_MS = 8000;

const DEPLOY = ['hook', 'dehydrated', 'deploy_challenge', 'example.com', 'token', VALUE];
const BEGIN = ['hook', 'uacme', 'begin', 'dns-01', 'example.com', 'token', VALUE];
const WAITED = ADD.filter((word) => word !== '--no-wait');

interface Scene {
  readonly title: string;
  /** What holds after the signal, beside what always holds. */
  play(place: StopPlace, signal: Signal): Promise<Stopped>;
  /** The value is withdrawn by the program itself. */
  readonly undoes?: boolean;
  /** The value is there before. */
  readonly begins?: 'published';
}

const atRequest = (verb: 'add' | 'remove', which: number): Scene => ({
  title: `${verb}, request ${which + 1}`,
  ...(verb === 'remove' ? { begins: 'published' } : {}),
  play: async (place, signal) => stopWhen(place, verb === 'add' ? ADD : REMOVE, signal, await place.hold(which)),
});

const inWait = (args: readonly string[], title: string, undoes: boolean): Scene => ({
  title,
  undoes,
  play: (place, signal) => stopWhen(place, args, signal, { reached: place.waiting() }),
});

const hookAtWrite = (args: readonly string[], which: number): Scene => ({
  title: `hook ${args[1]}, in the write`,
  undoes: true,
  play: async (place, signal) => stopWhen(place, args, signal, await place.hold(which, 0)),
});

const openBatch: Scene = {
  title: 'a batch that reads, waits and has more to come',
  async play(place, signal) {
    const line = JSON.stringify({ action: 'add', name: '_acme-challenge.example.com', value: VALUE });
    const stopped = await stopWhen(place, ['batch'], signal, { reached: place.waiting() }, { input: `${line}\n` });
    const [result] = stopped.stdout
      .split('\n')
      .filter(Boolean)
      .map((text) => JSON.parse(text));
    expect(result, stopped.stderr).toMatchObject({ line: 1, name: '_acme-challenge.example.com', value: VALUE });
    return stopped;
  },
};

interface Case {
  readonly subject: StoppedName;
  readonly scene: Scene;
  readonly signal: Signal;
}

async function scenesOf(subject: StoppedName): Promise<Scene[]> {
  const { add, remove } = await requestsOfVerbs(subject);
  const every = (verb: 'add' | 'remove', { count: requests, write }: typeof add) =>
    Array.from({ length: requests }, (_, which) => which)
      .filter((which) => !isShort || which === write)
      .map((which) => atRequest(verb, which));
  // What sends nothing for a removal cannot be held up in one.
  const removals = subject === 'acme-dns' ? [] : every('remove', remove);
  const undoes = subject !== 'acme-dns';
  return [
    ...every('add', add),
    ...removals,
    inWait(WAITED, 'add, in the wait', false),
    openBatch,
    ...(undoes
      ? [inWait(DEPLOY, 'hook dehydrated, in the wait', true), inWait(BEGIN, 'hook uacme, in the wait', true)]
      : []),
    ...(undoes ? [hookAtWrite(DEPLOY, add.write)] : []),
  ];
}

const scenes = (
  await Promise.all(STOPPED.map(async (subject) => (await scenesOf(subject)).map((scene) => ({ subject, scene }))))
).flat();

/** One scene of so many is tried, each with the next signal; else all with all. */
const SAMPLE = 3;

const cases: Case[] = isShort
  ? scenes
      .filter((_, index) => index % SAMPLE === 0)
      .map((each, index) => ({ ...each, signal: SIGNALS[index % SIGNALS.length] ?? 'SIGTERM' }))
  : scenes.flatMap((each) => SIGNALS.map((signal) => ({ ...each, signal })));

describe.concurrent('one signal', () => {
  for (const { subject, scene, signal } of cases) {
    it(`${signal}: ${subject}, ${scene.title}`, async ({ task }) => {
      const findings = noFindings();
      const place = await openStopPlace(subject);
      try {
        const foreign = await place.subject.everything();
        if (scene.begins) expect((await place.run(ADD)).code).toBe(0);
        const stopped = await scene.play(place, signal);
        await examineStop(stopped, signal, place, findings);
        const copies = scene.undoes ? ([0, 0] as const) : ([0, 1] as const);
        const journal = scene.undoes ? { journal: 'closed' as const } : {};
        await examine('stopped', place, { copies, foreign, ...journal }, findings);
        await heal(place, foreign, findings);
      } finally {
        await place.close();
      }
      count(task, { faults: 1, ...tallyOf(findings) });
      expect(findings.problems).toEqual([]);
    });
  }
});

async function examineStop(
  { code, stderr, tookMs }: Stopped,
  signal: Signal,
  { stateDirectory, subject }: StopPlace,
  { problems }: Findings,
): Promise<void> {
  if (code !== exitCodeOf(signal)) problems.push(`exit code ${code} after ${signal}: ${stderr}`);
  if (!stderr.includes(`dns01: error: stopped by ${signal}\n`)) problems.push(`no word of ${signal}: ${stderr}`);
  if (tookMs > MAX_END_MS) problems.push(`it took ${Math.round(tookMs)} ms to end`);
  const locks = await readdir(join(stateDirectory, 'locks')).catch(() => []);
  if (locks.length > 0) problems.push(`locks are left: ${locks.join(' ')}`);
  const calls = subject.server?.requests.map(({ call }) => call) ?? [];
  const sessions = (what: string) => calls.filter((call) => call === what).length;
  // A login whose answer was not awaited has no session that could be closed.
  if (sessions('login') > sessions('logout') + (calls.at(-1) === 'login' ? 1 : 0)) problems.push('it did not log out');
}

async function heal(place: StopPlace, foreign: readonly string[], findings: Findings): Promise<void> {
  const again = await place.run(ADD);
  if (again.code !== 0) findings.problems.push(`the next run fails: ${again.stderr}`);
  const isBlind = place.subject.server?.requests.some(({ call }) => call === 'POST /update') ?? false;
  await examine('after the next run', place, { copies: [1, isBlind ? 2 : 1], foreign }, findings);
  const removed = await place.run(REMOVE);
  if (removed.code !== 0) findings.problems.push(`the removal fails: ${removed.stderr}`);
  // acme-dns takes nothing away.
  if (isBlind) return;
  await sweepUntilQuiet(place);
  await examine('in the end', place, { copies: [0, 0], foreign, journal: 'closed' }, findings);
}

const UNDOING = STOPPED.filter((subject) => subject !== 'acme-dns');

describe.concurrent('a second signal', () => {
  for (const [index, subject] of UNDOING.entries()) {
    if (index % (isShort ? 2 : 1) !== 0) continue;
    it(`ends at once what the first one has to do: ${subject}`, async ({ task }) => {
      const findings = noFindings();
      const place = await openStopPlace(subject);
      try {
        const foreign = await place.subject.everything();
        const run = place.start(DEPLOY);
        await Promise.race([place.waiting(), run.ended]);
        const undo = await place.hold('every');
        run.child.kill('SIGTERM');
        await Promise.race([undo.reached, run.ended]);
        const began = performance.now();
        run.child.kill('SIGINT');
        const { code } = await run.ended;
        expect({ code, isQuick: performance.now() - began < 6000 }).toEqual({ code: 130, isQuick: true });
        await undo.letGo();
        await place.gate.settled();
        await heal(place, foreign, findings);
      } finally {
        await place.close();
      }
      count(task, { faults: 1, ...tallyOf(findings) });
      expect(findings.problems).toEqual([]);
    });
  }
});
