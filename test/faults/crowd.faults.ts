import { readFile } from 'node:fs/promises';
import { afterEach, expect, it, type TestContext } from 'vitest';
import { startZoneidFake } from '../fakes/zoneid.ts';
import { examineForeign, noFindings, tallyOf } from './support/examine.ts';
import { isShort } from './support/extent.ts';
import { openPlace, type Place } from './support/place.ts';
import { randomFrom, randomValue } from './support/random.ts';
import { FOREIGN, NAME, SUBJECTS, type SubjectName, ZONE } from './support/subjects.ts';
import { count } from './support/tally.ts';
import { addOf, removeOf } from './support/verbs.ts';

const CROWD = 20;
const LARGE_CROWD = 200;
const random = randomFrom(4711);
const manyValues = Array.from({ length: LARGE_CROWD }, () => randomValue(random));

/** Those whose name is the same, and those that share nothing but the zone. */
const LAYOUTS = {
  'one name': () => NAME,
  'one zone': (index: number) => `_acme-challenge.host${index}.${ZONE}`,
} as const;

let place: Place;
afterEach(() => place.close());

const SCENES: readonly (readonly [SubjectName, keyof typeof LAYOUTS])[] = [
  ['powerdns', 'one name'],
  ['powerdns', 'one zone'],
  ['olspanel', 'one name'],
  ['ispconfig', 'one name'],
  ['zoneid', 'one name'],
  ['zoneid', 'one zone'],
  ['panelalpha with line numbers', 'one name'],
  ['rfc2136', 'one name'],
  ['embedded', 'one name'],
  ['cpanel', 'one name'],
  ['directadmin', 'one name'],
  ['hestiacp', 'one name'],
  ['plesk', 'one name'],
  ['poweradmin', 'one name'],
  ['technitium', 'one name'],
  ['virtualmin', 'one name'],
  ['froxlor', 'one name'],
];

it.for(isShort ? SCENES.slice(0, 1) : SCENES)(
  'twenty processes at once, %s, on %s',
  async ([subject, layout], { task }) => {
    place = await openPlace(SUBJECTS[subject]);
    await workAtOnce(place, LAYOUTS[layout], task);
  },
);

/** As many as an hour's cron jobs of a large machine; slow, so one provider with a lock and one without. */
it.for(isShort ? [] : (['powerdns', 'ispconfig'] as const))(
  'two hundred processes at once, %s',
  { timeout: 600_000 },
  async (subject, { task }) => {
    place = await openPlace(SUBJECTS[subject]);
    await workAtOnce(place, LAYOUTS['one zone'], task, manyValues);
  },
);

it('twenty processes on one budget draw no 429', async ({ task }) => {
  place = await openPlace({ provider: SMALL_BUDGET, start: smallBudget });
  await workAtOnce(place, LAYOUTS['one name'], task);
  expect(place.gate.statuses).toHaveLength(2 * CROWD);
  expect(place.gate.statuses.filter((status) => status === 429)).toEqual([]);
});

/** All add at once, then all remove at once. */
async function workAtOnce(
  { subject, start, journal, secretsInTheOpen }: Place,
  nameOf: (index: number) => string,
  task: TestContext['task'],
  values = manyValues.slice(0, CROWD),
): Promise<void> {
  const findings = noFindings();
  const foreign = await subject.everything();
  const all = async (commandOf: (value: string, name: string) => string[]) => {
    const ended = await Promise.all(values.map((value, index) => start(commandOf(value, nameOf(index))).ended));
    findings.problems.push(...ended.filter(({ code }) => code !== 0).map(({ stderr }) => stderr));
  };
  const missing = async () => {
    const held = await Promise.all(values.map((_, index) => subject.held(nameOf(index))));
    return values.filter((value, index) => held[index]?.filter((one) => one === value).length !== 1);
  };

  await all(addOf);
  findings.lost += (await missing()).length;
  examineForeign('all added', await subject.everything(), foreign, findings);
  expect(await journal()).toHaveLength(values.length);

  await all(removeOf);
  const rest = await subject.everything();
  examineForeign('all removed', rest, foreign, findings);
  findings.lost += Math.max(0, rest.length - foreign.length);
  findings.problems.push(...(await secretsInTheOpen()));
  count(task, { crowd: 2 * values.length, ...tallyOf(findings) });
  expect(findings).toEqual(noFindings());
  expect(await journal()).toEqual([]);
}

const SMALL_BUDGET = new URL('support/small-budget.mjs', import.meta.url).pathname;

/**
 * ZoneID's API with a window that a test can wait for. The provider keeps to one that is longer, for what a busy machine
 * adds between the counting of a request and its coming to the server.
 */
async function smallBudget() {
  const fake = await startZoneidFake({ rateLimit: { requests: 8, window: 1000 } });
  for (const [name, value] of FOREIGN) await fake.plant(name, value);
  expect(await readFile(SMALL_BUDGET, 'utf8')).toContain('requests: 8, windowMs: 2');
  return {
    server: fake.server,
    options: { url: fake.url, username: fake.username, apiKey: fake.apiKey },
    secrets: [fake.apiKey],
    held: async (name: string) => fake.held(name),
    everything: async () => [...fake.zones.values()].flat().map((record) => JSON.stringify(record)),
    close: () => fake.close(),
  };
}
