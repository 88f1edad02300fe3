/** The providers that run programs: whatever becomes of the program, nobody is told that it has done what it has not. */
import { describe, expect, it } from 'vitest';
import { noFindings, tallyOf } from './support/examine.ts';
import { isShort } from './support/extent.ts';
import { tryTrial, VERBS } from './support/matrix.ts';
import { openPlace } from './support/place.ts';
import { mishapsOf, PROGRAM_NAMES, startProgram } from './support/programs.ts';
import { count } from './support/tally.ts';
import { REMOVE } from './support/verbs.ts';

const CELLS = PROGRAM_NAMES.flatMap((name) =>
  VERBS.flatMap((verb) => mishapsOf(name).map((mishap) => ({ name, verb, mishap }))),
);

/** One cell of so many is tried; no multiple of what the cells are made of. */
const SAMPLE = isShort ? 7 : 1;

describe.concurrent('a program that goes wrong', () => {
  for (const { name, verb, mishap } of CELLS.filter((_, index) => index % SAMPLE === 0)) {
    const { kind, call, effect, again } = mishap;
    it(`${name}, ${verb}: ${kind} ${effect} the ${call}${again ? ', every time' : ''}`, async ({ task }) => {
      const findings = noFindings();
      const subject = await startProgram(name);
      const place = await openPlace({ provider: name, start: async () => subject });
      const trial = {
        verb,
        loudness: ['--verbose'],
        endsWith: REMOVE,
        most: 1,
        async struck(_: typeof place, args: readonly string[]) {
          await subject.suffer(mishap);
          const ended = await place.run(args, kind === 'hangs' ? 'hasty' : 'patient');
          expect(await subject.recover()).toBe(true);
          return ended;
        },
      };
      try {
        await tryTrial(trial, place, findings);
      } finally {
        await place.close();
      }
      count(task, { faults: 1, ...tallyOf(findings) });
      expect(findings.problems).toEqual([]);
    });
  }
});
