import { type AccountName, configOf, ZONE } from './accounts.ts';
import { type FakeProcess, startFakeProcess } from './fakes.ts';
import { type Findings, goal, table } from './part.ts';
import { namesIn, openPlace, VALUE } from './place.ts';
import { drawPlot } from './plot.ts';
import type { Cost } from './process.ts';

type Action = 'add' | 'remove' | 'add and wait';

interface Batch extends Cost {
  readonly provider: AccountName;
  readonly action: Action;
  readonly names: number;
  readonly requests: number;
}

/** The numbers of names in a batch, by provider. */
const SIZES = {
  rfc2136: [1, 10, 100, 1000, 10_000],
  powerdns: [1, 10, 100, 1000],
} as const satisfies Partial<Record<AccountName, readonly number[]>>;

/** The cost of a name in the largest batch against one a tenth as large. More than this is not noise. */
const TOLERANCE = 1.2;

const PICTURE = 'growth-names.svg';

/** Batches of more and more names, on fakes in processes of their own. */
export async function growthOfBatches(): Promise<Findings> {
  const batches: Batch[] = [];
  for (const [provider, sizes] of Object.entries(SIZES) as [keyof typeof SIZES, readonly number[]][]) {
    for (const names of sizes) batches.push(...(await addAndRemove(provider, names)));
  }
  for (const names of SIZES.rfc2136) batches.push(await addAndWait('rfc2136', names));
  const each = ({ milliseconds, names }: Batch) => milliseconds / names;
  return {
    lines: [
      'One `dns01 batch` each, on a fake in a process of its own, the start of the program included. The wait queries a',
      'name server that shows everything at once: two rounds of queries. ms and CPU ms are for one name.',
      '',
      ...table(
        ['provider', 'batch', 'names', 'seconds', 'ms', 'CPU ms', 'requests', 'peak MB'],
        batches.map((batch) => [
          batch.provider,
          batch.action,
          String(batch.names),
          (batch.milliseconds / 1000).toFixed(2),
          each(batch).toFixed(2),
          batch.processor === undefined ? '' : (batch.processor / batch.names).toFixed(2),
          (batch.requests / batch.names).toFixed(2),
          batch.peak?.toFixed(0) ?? '',
        ]),
      ),
      '',
      `![ms for one name, by the number of names in a batch](${PICTURE})`,
      '',
      ...seriesOf(batches).map(goalOf),
    ],
    pictures: {
      [PICTURE]: drawPlot({
        title: 'One name of a batch',
        x: 'names in the batch',
        y: 'ms for a name',
        // Lines on top of each other show nothing more.
        series: seriesOf(batches)
          .filter(({ name }) => name !== 'powerdns, remove')
          .map(({ name, list }) => ({ name, points: list.map((batch) => [batch.names, each(batch)] as const) })),
      }),
    },
  };
}

interface SeriesOfBatches {
  readonly name: string;
  readonly list: readonly Batch[];
}

function seriesOf(batches: readonly Batch[]): SeriesOfBatches[] {
  const nameOf = ({ provider, action }: Batch) => `${provider}, ${action}`;
  return [...new Set(batches.map(nameOf))].map((name) => ({
    name,
    list: batches.filter((batch) => nameOf(batch) === name),
  }));
}

function goalOf({ name, list }: SeriesOfBatches): string {
  const costOf = (batch: Batch | undefined) =>
    batch ? (batch.processor ?? batch.milliseconds) / batch.names : Number.NaN;
  const [before, largest] = [list.at(-2), list.at(-1)];
  const ratio = costOf(largest) / costOf(before);
  return goal(
    `${name}: no more than linear`,
    `a name costs ${ratio.toFixed(2)} × the CPU in a batch of ${largest?.names} that it costs in one of ${before?.names}`,
    ratio <= TOLERANCE,
  );
}

async function addAndRemove(provider: AccountName, count: number): Promise<Batch[]> {
  const fake = await startFakeProcess(provider);
  const place = openPlace();
  const names = namesIn(ZONE, count);
  try {
    place.configure(configOf(fake.ready.login ?? {}));
    const done = async (action: 'add' | 'remove', cost: Cost) => ({
      ...{ provider, action, names: count, ...cost },
      requests: await requestsTo(fake),
    });
    return [
      await done('add', await place.batch('add', names, '--no-wait')),
      await done('remove', await place.batch('remove', names)),
    ];
  } finally {
    place.remove();
    await fake.close();
  }
}

async function addAndWait(provider: AccountName, count: number): Promise<Batch> {
  const [fake, dns] = await Promise.all([startFakeProcess(provider), startFakeProcess('dns')]);
  const place = openPlace();
  const names = namesIn(ZONE, count);
  try {
    await dns.ask({ show: { names, value: VALUE } });
    place.configure({
      ...configOf(fake.ready.login ?? {}),
      dns: { followCnames: false, nameservers: { [ZONE]: [dns.ready.at] } },
    });
    const cost = await place.batch('add', names);
    return { provider, action: 'add and wait', names: count, ...cost, requests: await requestsTo(fake) };
  } finally {
    place.remove();
    await Promise.all([fake.close(), dns.close()]);
  }
}

const requestsTo = async (fake: FakeProcess): Promise<number> => (await fake.ask({})).requests ?? Number.NaN;
