import { type AccountName, configOf, ZONE } from './accounts.ts';
import { type FakeProcess, startFakeProcess } from './fakes.ts';
import { median, spread } from './numbers.ts';
import { type Findings, goal, table } from './part.ts';
import { openPlace, type Place, VALUE } from './place.ts';
import { drawPlot } from './plot.ts';
import type { Cost } from './process.ts';

interface Sized {
  readonly subject: string;
  readonly records: number;
  readonly requests: number;
  readonly costs: readonly Cost[];
}

const SIZES = [10, 100, 1000, 10_000, 50_000];

/** The verb to measure: an add, or a removal that has to search the zone for the record. */
const SUBJECTS = {
  ispconfig: 'add',
  powerdns: 'add',
  panelalpha: 'add',
  zoneid: 'remove, no journal',
} as const satisfies Partial<Record<AccountName, string>>;

/** Five times the records may cost five times as much, plus some noise. */
const TOLERANCE = 1.2;

const PICTURE = 'growth-zones.svg';

/** One add or removal in larger and larger zones, on fakes in processes of their own. */
export async function growthOfZones(rounds: number): Promise<Findings> {
  const repeats = Math.min(rounds, 5);
  const sized: Sized[] = [];
  for (const [provider, subject] of Object.entries(SUBJECTS) as [keyof typeof SUBJECTS, string][]) {
    sized.push(...(await measure(provider, `${provider}, ${subject}`, repeats)));
  }
  const names = [...new Set(sized.map(({ subject }) => subject))];
  const of = (name: string) => sized.filter(({ subject }) => subject === name);
  return {
    lines: [
      `One process for one name, ${repeats} times; the fake runs in a process of its own, whose search of the zone counts in`,
      'the time but not in the CPU time.',
      '',
      ...table(
        ['provider', 'records in the zone', 'median ms', 'min', 'max', 'CPU ms', 'requests', 'peak MB'],
        sized.map(({ subject, records, requests, costs }) => [
          subject,
          String(records),
          ...spread(costs.map(({ milliseconds }) => milliseconds)),
          medianOf(costs.map(({ processor }) => processor)),
          String(requests),
          medianOf(costs.map(({ peak }) => peak)),
        ]),
      ),
      '',
      `![CPU ms for one name, by the number of records in its zone](${PICTURE})`,
      '',
      ...names.map((name) => goalOf(name, of(name))),
    ],
    pictures: {
      [PICTURE]: drawPlot({
        title: 'One name in a large zone',
        x: 'records in the zone',
        y: 'CPU ms',
        series: names.map((name) => ({
          name,
          points: of(name).map(({ records, costs }) => [records, ownTimeOf(costs)] as const),
        })),
      }),
    },
  };
}

/** The time of dns01 alone, where it is known. */
const ownTimeOf = (costs: readonly Cost[]): number =>
  median(costs.map(({ processor, milliseconds }) => processor ?? milliseconds));

const medianOf = (numbers: readonly (number | undefined)[]): string =>
  numbers.includes(undefined) ? '' : median(numbers.map(Number)).toFixed(0);

function goalOf(name: string, sizes: readonly Sized[]): string {
  const [before, largest] = [sizes.at(-2), sizes.at(-1)];
  const times = (largest?.records ?? 0) / (before?.records ?? 1);
  const ratio = ownTimeOf(largest?.costs ?? []) / ownTimeOf(before?.costs ?? []);
  return goal(
    `${name}: no more than linear`,
    `${ratio.toFixed(2)} × the CPU with ${times} × the records`,
    ratio <= times * TOLERANCE,
  );
}

async function measure(provider: keyof typeof SUBJECTS, subject: string, repeats: number): Promise<Sized[]> {
  const fake = await startFakeProcess(provider);
  const place = openPlace();
  place.configure(configOf(fake.ready.login ?? {}));
  const once = SUBJECTS[provider] === 'add' ? add : removeWithoutJournal;
  const sized: Sized[] = [];
  try {
    for (const records of SIZES) {
      const costs: Cost[] = [];
      let requests = 0;
      await fake.ask({ records });
      for (let round = -1; round < repeats; round++) {
        const done = await once(place, fake, `_acme-challenge.to${records}round${round + 1}.${ZONE}`);
        // The first round only warms up.
        if (round < 0) continue;
        costs.push(done.cost);
        requests = done.requests;
      }
      sized.push({ subject, records, requests, costs });
    }
  } finally {
    place.remove();
    await fake.close();
  }
  return sized;
}

interface Done {
  readonly cost: Cost;
  readonly requests: number;
}

async function add(place: Place, fake: FakeProcess, name: string): Promise<Done> {
  const cost = await place.run(['add-txt', '--no-wait', name, VALUE]);
  const requests = await requestsTo(fake);
  await place.run(['remove-txt', name, VALUE]);
  await requestsTo(fake);
  return { cost, requests };
}

/** As on another machine, without the journal of the add. */
async function removeWithoutJournal(place: Place, fake: FakeProcess, name: string): Promise<Done> {
  await place.run(['add-txt', '--no-wait', name, VALUE]);
  await requestsTo(fake);
  place.forget();
  const cost = await place.run(['remove-txt', name, VALUE]);
  return { cost, requests: await requestsTo(fake) };
}

const requestsTo = async (fake: FakeProcess): Promise<number> => (await fake.ask({})).requests ?? Number.NaN;
