import { startZoneidFake } from '../../test/fakes/zoneid.ts';
import { openGate } from '../../test/faults/support/gate.ts';
import { configOf, ZONE } from './accounts.ts';
import { type Findings, goal, type Part, table } from './part.ts';
import { namesIn, openPlace, type Place, VALUE } from './place.ts';
import { zoneidWithWindow } from './provider-limits.ts';

/** Seconds in place of the minute in which ZoneID allows 60 requests. */
const WINDOW_S = 30;
const NAMES = namesIn(ZONE, 100);
/** Seconds. Each of a hundred processes waits for its turn. */
const PATIENCE = ['--timeout', '600'];

/** Of 200 requests, 60 fit into a window: the last 20 begin after three windows. */
const GOAL = 3.1;

interface Spent {
  readonly way: string;
  readonly requests: number;
  readonly refused: number;
  /** From the first request to the answer of the last. */
  readonly windows: number;
}

/** A hundred names, added and removed at a provider that allows 60 requests a minute. */
export const rateLimit: Part = {
  title: 'A rate limit',
  async run(): Promise<Findings> {
    const spent = [
      await spend('one `dns01 batch` to add, one to remove', async (place, action) => {
        await place.batch(action, NAMES, ...(action === 'add' ? ['--no-wait'] : []), ...PATIENCE);
      }),
      await spend('100 processes at once to add, then 100 to remove', async (place, action) => {
        const verb = action === 'add' ? ['add-txt', '--no-wait'] : ['remove-txt'];
        const ended = await Promise.allSettled(NAMES.map((name) => place.run([...verb, ...PATIENCE, name, VALUE])));
        for (const each of ended) if (each.status === 'rejected') throw each.reason;
      }),
    ];
    return {
      lines: [
        `100 names added and removed at ZoneID, which allows 60 requests a minute. Here the minute is ${WINDOW_S} s, at the server and in`,
        'the provider, so that the cost of a start counts twice as much as with the real one.',
        '',
        ...table(
          ['100 names', 'requests', 'of these refused (429)', 'windows'],
          spent.map(({ way, requests, refused, windows }) => [
            way,
            String(requests),
            String(refused),
            windows.toFixed(2),
          ]),
        ),
        '',
        ...spent.map(({ way, refused, windows }) =>
          goal(
            `${way}: all within ${GOAL} windows and no 429`,
            `${windows.toFixed(2)} windows, ${refused} × 429`,
            windows <= GOAL && refused === 0,
          ),
        ),
      ],
    };
  },
};

async function spend(way: string, work: (place: Place, action: 'add' | 'remove') => Promise<void>): Promise<Spent> {
  const fake = await startZoneidFake({ zones: [ZONE], rateLimit: { requests: 60, window: WINDOW_S * 1000 } });
  const gate = await openGate(new URL(fake.url).host);
  const place = openPlace();
  let [first, last] = [Number.NaN, Number.NaN];
  gate.guard({
    async request() {
      if (Number.isNaN(first)) first = performance.now();
      return undefined;
    },
    async answer() {
      last = performance.now();
      return undefined;
    },
  });
  try {
    const { username, apiKey } = fake;
    const provider = await zoneidWithWindow(place.directory, WINDOW_S);
    place.configure(configOf({ provider, url: `http://${gate.host}/v2`, username, apiKey }));
    await work(place, 'add');
    await work(place, 'remove');
    const refused = gate.statuses.filter((status) => status === 429).length;
    return { way, requests: gate.statuses.length, refused, windows: (last - first) / (WINDOW_S * 1000) };
  } finally {
    place.remove();
    await gate.close();
    await fake.close();
  }
}
