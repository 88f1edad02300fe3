import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { examine, noFindings, tallyOf } from './support/examine.ts';
import { isShort } from './support/extent.ts';
import type { Guards } from './support/gate.ts';
import { kill } from './support/killed.ts';
import { openPlace, type Place, type Started } from './support/place.ts';
import { SUBJECTS, type SubjectName } from './support/subjects.ts';
import { count } from './support/tally.ts';
import { ADD, REMOVE, sweepUntilQuiet } from './support/verbs.ts';

/**
 * When a process is killed. At a request: before it leaves the machine, when it is on its way and will arrive, or when
 * it is done and the answer is there. At a change of the journal: as soon as that can be seen.
 */
type Moment =
  | { readonly request: number; readonly state: 'not sent' | 'on its way' | 'answered' }
  | { readonly journal: 'intent' | 'published' | 'closed' };

interface Step {
  readonly subject: SubjectName;
  readonly verb: 'add' | 'remove';
  readonly moment: Moment;
}

const PANELS: readonly SubjectName[] = [
  'cpanel',
  'directadmin',
  'hestiacp',
  'plesk',
  'poweradmin',
  'technitium',
  'virtualmin',
  'froxlor',
];
const ALL: readonly SubjectName[] = ['ispconfig', 'zoneid', 'panelalpha', 'powerdns', 'rfc2136', 'embedded', ...PANELS];

/** One step of so many is tried. */
const SAMPLE = isShort ? 3 : 1;

const steps = (await Promise.all(ALL.map(stepsOf))).flat().filter((_, index) => index % SAMPLE === 0);

describe.concurrent('a process that is killed at every step', () => {
  for (const [index, { subject, verb, moment }] of steps.entries()) {
    it(`${subject}, ${verb}, ${JSON.stringify(moment)}`, async ({ task }) => {
      const findings = noFindings();
      const place = await openPlace(SUBJECTS[subject]);
      let wasKilled = false;
      try {
        const foreign = await place.subject.everything();
        if (verb === 'remove') await place.run(ADD);
        wasKilled = await killAt(moment, verb, place);
        await examine('killed', place, { copies: [0, 1], foreign }, findings);

        const runAgain = index % 2 === 0;
        if (runAgain) {
          const again = await place.run(verb === 'add' ? ADD : REMOVE);
          if (again.code !== 0) findings.problems.push(`the second run fails: ${again.stderr}`);
          const copies = verb === 'add' ? ([1, 1] as const) : ([0, 0] as const);
          await examine('after a second run', place, { copies, foreign }, findings);
        }
        const swept = await sweepUntilQuiet(place);
        if (swept.code !== 0) findings.problems.push(`the sweep fails: ${swept.stderr}`);
        await examine('swept', place, { copies: [0, 0], foreign, journal: 'closed' }, findings);
        if ((await place.subject.everything()).length !== foreign.length) findings.problems.push('more than was there');
        findings.problems.push(...(await place.secretsInTheOpen()));
      } finally {
        await place.close();
      }
      const isGood = findings.problems.length === 0;
      count(task, { kills: wasKilled && isGood ? 1 : 0, ...tallyOf(findings) });
      expect(findings.problems).toEqual([]);
    });
  }
});

async function killAt(moment: Moment, verb: Step['verb'], place: Place): Promise<boolean> {
  let killed: Promise<boolean> | undefined;
  // A guard may be called before the process is known here.
  let started: Started | undefined;
  const strike = () => {
    killed ??= started && kill(started);
    return killed;
  };
  if ('request' in moment) place.gate.guard(guardsFor(moment, strike));
  started = place.start(verb === 'add' ? ADD : REMOVE);
  if ('journal' in moment) await whenJournal(moment.journal, place, started, strike);
  await started.ended;
  place.gate.guard({});
  await place.gate.settled();
  return (await killed) ?? false;
}

function guardsFor(
  { request: wanted, state }: Extract<Moment, { request: number }>,
  strike: () => Promise<boolean> | undefined,
): Guards {
  if (state === 'answered') {
    return {
      async answer({ nth }) {
        if (nth === wanted) await strike();
        return undefined;
      },
    };
  }
  return {
    async request({ nth }) {
      if (nth !== wanted) return undefined;
      await strike();
      return state === 'not sent' ? 'drop' : undefined;
    },
  };
}

/** Looks as often as it can: what is seen has just happened. */
async function whenJournal(
  wanted: 'intent' | 'published' | 'closed',
  place: Place,
  { child }: Started,
  strike: () => Promise<boolean> | undefined,
): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const [entry] = await place.journal();
    if (wanted === (entry?.state ?? 'closed')) break;
    await delay(0);
  }
  await strike();
}

async function stepsOf(subject: SubjectName): Promise<Step[]> {
  const place = await openPlace(SUBJECTS[subject]);
  try {
    const found: Step[] = [];
    for (const verb of ['add', 'remove'] as const) {
      const before = place.subject.server?.requests.length ?? 0;
      await place.run(verb === 'add' ? ADD : REMOVE);
      const requests = (place.subject.server?.requests.length ?? 0) - before;
      const moments: Moment[] = Array.from({ length: requests }, (_, request) =>
        (['not sent', 'on its way', 'answered'] as const).map((state) => ({ request, state })),
      ).flat();
      const changes = verb === 'add' ? (['intent', 'published'] as const) : (['closed'] as const);
      moments.push(...changes.map((journal) => ({ journal })));
      found.push(...moments.map((moment) => ({ subject, verb, moment })));
    }
    return found;
  } finally {
    await place.close();
  }
}
