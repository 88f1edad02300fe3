/** What a 409 means is the provider's to say, and a server that says when it is back is believed. */
import { describe, expect, it } from 'vitest';
import { examine, noFindings, tallyOf } from './support/examine.ts';
import { openPlace } from './support/place.ts';
import { isWrite } from './support/stops.ts';
import { isRead } from './support/strikes.ts';
import { SUBJECTS, type SubjectName } from './support/subjects.ts';
import { count } from './support/tally.ts';
import { ADD } from './support/verbs.ts';

const HTTP = (Object.keys(SUBJECTS) as SubjectName[]).filter((name) => name !== 'rfc2136' && name !== 'embedded');

/** Providers whose vendor means "another request is in progress" by it. */
const REPEATING: ReadonlySet<SubjectName> = new Set(['zoneid', 'desec', 'hetzner']);

async function callsOf(subject: SubjectName): Promise<{ readonly made: readonly string[]; readonly write: string }> {
  const place = await openPlace(SUBJECTS[subject]);
  place.subject.server?.takeCalls();
  await place.run(ADD);
  const made = place.subject.server?.takeCalls() ?? [];
  const write = place.subject.writes?.add ?? made.find((call) => isWrite(call, place.subject)) ?? '';
  await place.close();
  return { made, write };
}

const calls = new Map(await Promise.all(HTTP.map(async (subject) => [subject, await callsOf(subject)] as const)));

describe.concurrent('a conflict (409) at the write', () => {
  for (const subject of HTTP) {
    const isRepeated = REPEATING.has(subject);
    it(`${subject}: ${isRepeated ? 'is tried again, as this provider means it' : 'is not sent again at once'}`, async ({
      task,
    }) => {
      const { ended, times, took, findings } = await strike(subject, '409', calls.get(subject)?.write ?? '');
      expect(ended.code).not.toBe(70);
      if (isRepeated) expect({ code: ended.code, isRepeated: times > 1 }).toEqual({ code: 0, isRepeated });
      else expect({ times, isQuick: took < 6000 }).toEqual({ times: 1, isQuick: true });
      count(task, { faults: 1, ...tallyOf(findings) });
      expect(findings.problems).toEqual([]);
    });
  }
});

describe.concurrent('a server that is away (503) and says for how long', () => {
  for (const subject of HTTP) {
    const call = calls.get(subject)?.made.find(isRead);
    if (call === undefined) continue;
    it(`${subject}: is asked again then`, async ({ task }) => {
      const { ended, took, findings } = await strike(subject, '503', call);
      expect({ code: ended.code, waited: took >= 2000 }, ended.stderr).toEqual({ code: 0, waited: true });
      count(task, { faults: 1, ...tallyOf(findings) });
      expect(findings.problems).toEqual([]);
    });
  }
});

async function strike(subject: SubjectName, kind: '409' | '503', call: string) {
  const findings = noFindings();
  const place = await openPlace(SUBJECTS[subject]);
  try {
    const foreign = await place.subject.everything();
    place.subject.server?.takeCalls();
    place.subject.server?.inject({ kind, call, effect: 'before' });
    const began = performance.now();
    const ended = await place.run(ADD);
    const took = performance.now() - began;
    const made = place.subject.server?.takeCalls() ?? [];
    const copies = ended.code === 0 ? ([1, 1] as const) : ([0, 0] as const);
    await examine(`after ${kind}`, place, { copies, foreign }, findings);
    return { ended, took, times: made.filter((each) => each === call).length, findings };
  } finally {
    await place.close();
  }
}
