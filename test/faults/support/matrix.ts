import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { examine, type Findings, noFindings, tallyOf } from './examine.ts';
import { isShort } from './extent.ts';
import { type Ended, openPlace, type Place } from './place.ts';
import {
  isRead,
  mannersOf,
  type Request,
  requestsOf,
  runStruck,
  type Strike,
  type StrikeKind,
  shown,
} from './strikes.ts';
import { SUBJECTS, type SubjectName } from './subjects.ts';
import { count } from './tally.ts';
import { ADD, REMOVE, SWEEP } from './verbs.ts';

/** What is struck. `remove without a journal`: by a machine that has not published the value itself. */
export const VERBS = ['add', 'remove', 'remove without a journal'] as const;
export type Verb = (typeof VERBS)[number];

interface Cell {
  readonly verb: Verb;
  readonly strikes: readonly Strike[];
}

/** One cell of so many is tried. */
const SAMPLE = isShort ? 10 : 1;

/**
 * Every request of every verb, gone wrong in every way; and where that leads to further requests, these as well.
 * @param rarity further thins the cells out, for a variant of what is tried in full elsewhere
 * @param untold false answers that the protocol itself cannot tell from true ones: these are left out
 */
export async function describeMatrix(name: SubjectName, rarity = 1, untold: readonly StrikeKind[] = []): Promise<void> {
  const all = (await Promise.all(VERBS.map((verb) => cellsOf(name, verb)))).flat();
  const cells = all.filter(({ strikes }) => !strikes.some(({ kind }) => untold.includes(kind)));
  describe.concurrent(`${name}, every request gone wrong`, () => {
    for (const [index, cell] of cells.entries()) {
      if (index % (SAMPLE * rarity) !== 0) continue;
      it(`${cell.verb}: ${cell.strikes.map(shown).join(', then ')}`, async ({ task }) => {
        const findings = noFindings();
        const place = await openPlace(SUBJECTS[name]);
        try {
          await tryTrial(trialOf(cell, index), place, findings);
        } finally {
          await place.close();
        }
        count(task, { faults: cell.strikes.length, ...tallyOf(findings) });
        expect(findings.problems).toEqual([]);
      });
    }
  });
}

function trialOf({ verb, strikes }: Cell, index: number): Trial {
  return {
    verb,
    loudness: LOUDNESS[index % LOUDNESS.length] ?? [],
    endsWith: index % 2 === 0 ? REMOVE : SWEEP,
    // Nobody can see a request that has not come yet: that the value is there twice is all that it may do.
    most: strikes.some(({ kind }) => kind === 'late') ? 2 : 1,
    struck: (place, args) => runStruck(place, args, strikes),
  };
}

/** One run in which something goes wrong, and what has to hold after it. */
export interface Trial {
  readonly verb: Verb;
  /** How much is printed. Secrets are looked for at every level. */
  readonly loudness: readonly string[];
  /** What takes the value away in the end. */
  readonly endsWith: readonly string[];
  /** How often the value may be there. */
  readonly most: number;
  /** The run itself. */
  struck(place: Place, args: readonly string[]): Promise<Ended>;
}

/** The record is there as often as the exit code says, a second run heals, and the end is as the beginning was. */
export async function tryTrial(trial: Trial, place: Place, findings: Findings): Promise<void> {
  const { verb, most } = trial;
  const { problems } = findings;
  const foreign = await place.subject.everything();
  await prepare(place, verb);
  const healed: [number, number] = verb === 'add' ? [1, most] : [0, 0];

  const { code, stderr } = await trial.struck(place, [...argsOf(verb), ...trial.loudness]);
  const when = `after exit code ${code} (${stderr.match(/error: (.*)/)?.[1]})`;
  if (code === 70) problems.push(`crashed: ${stderr}`);
  const journal = verb === 'remove without a journal' ? { journal: 'unaware' as const } : {};
  await examine(when, place, { copies: code === 0 ? healed : [0, most], foreign, ...journal }, findings);

  const again = await place.run(argsOf(verb));
  if (again.code !== 0) problems.push(`the second run fails: ${again.stderr}`);
  await examine(`${when} and a second run`, place, { copies: healed, foreign }, findings);

  const last = await place.run(trial.endsWith);
  if (last.code !== 0) problems.push(`the removal fails: ${last.stderr}`);
  await examine(`${when} and at the end`, place, { copies: [0, 0], foreign, journal: 'closed' }, findings);
  const rest = await place.subject.everything();
  if (rest.length !== foreign.length) problems.push(`at the end there are ${rest.length} records`);
  problems.push(...(await place.secretsInTheOpen()));
}

const LOUDNESS: readonly (readonly string[])[] = [[], ['--quiet'], ['--verbose']];

const argsOf = (verb: Verb): readonly string[] => (verb === 'add' ? ADD : REMOVE);

async function prepare(place: Place, verb: Verb): Promise<void> {
  if (verb === 'add') return;
  const { code, stderr } = await place.run(ADD);
  if (code !== 0) throw new Error(`the add failed before anything was struck: ${stderr}`);
  // As on another machine: the value is there, and nothing is known of it.
  if (verb !== 'remove') await rm(`${place.stateDirectory}/journal`, { recursive: true });
}

async function cellsOf(name: SubjectName, verb: Verb): Promise<Cell[]> {
  const requests = await discover(name, verb, []);
  const single = requests.flatMap((request) =>
    mannersOf(request.call).flatMap((manner) => [false, true].map((again) => [{ ...request, ...manner, again }])),
  );
  const doubled = await Promise.all(requests.map((request) => twiceStruck(name, verb, requests, request)));
  return [...single, ...doubled.flat()].map((strikes) => ({ verb, strikes }));
}

/** What is lost is looked for: the requests that do this can go wrong, too, each in every way. */
async function twiceStruck(
  name: SubjectName,
  verb: Verb,
  requests: readonly Request[],
  struck: Request,
): Promise<readonly (readonly Strike[])[]> {
  const found: Strike[][] = [];
  for (const effect of isRead(struck.call) ? (['before'] as const) : (['before', 'after'] as const)) {
    const first = { ...struck, kind: 'reset', effect, again: false } as const;
    const further = await discover(name, verb, [first]);
    for (const next of further.slice(struck.nth + 1, struck.nth + 3)) {
      // Where it goes on as if nothing had been, there is nothing new.
      if (next.call === struck.call || next.line === requests[next.nth]?.line) continue;
      found.push(...mannersOf(next.call).map((manner) => [first, { ...next, ...manner, again: true }]));
    }
  }
  return found;
}

async function discover(name: SubjectName, verb: Verb, strikes: readonly Strike[]): Promise<Request[]> {
  const place = await openPlace(SUBJECTS[name]);
  try {
    await prepare(place, verb);
    return await requestsOf(place, argsOf(verb), strikes);
  } finally {
    await place.close();
  }
}
