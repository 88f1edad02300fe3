import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { missingPostgres, startPostgres } from '../../test/e2e/lab/postgres.ts';
import { type Fleet, openClient, startFleet } from '../../test/e2e/support/fleet.ts';
import { startCloudflareFake } from '../../test/fakes/cloudflare.ts';
import { startFakeDns } from '../../test/fakes/dns-server.ts';
import { startZoneidFake } from '../../test/fakes/zoneid.ts';
import { openGate } from '../../test/faults/support/gate.ts';
import { quantile } from './numbers.ts';
import { type Findings, goal, leftOut, type Part, table } from './part.ts';
import { openPlace } from './place.ts';
import { zoneidWithWindow } from './zoneid-window.ts';

const CLIENTS = 200;
const NAMES = 10_000;
const ZONES = ['example.com', 'example.org'];
/** Milliseconds that the stand-in for a provider takes for an answer, as one over the internet does. */
const LATENCY_MS = 100;
/** Seconds in place of the minute in which ZoneID allows 60 requests. */
const WINDOW_S = 1;
const LIMITED_NAMES = 3000;
const PATIENCE_MS = 900_000;

interface Outcome {
  readonly seconds: number;
  /** Milliseconds until an add was answered, in order. */
  readonly publishMs: readonly number[];
  /** At the provider. */
  readonly requests: number;
}

/** Gateways that share a database, as many clients, and a provider with or without a rate limit. */
export const fleet: Part = {
  title: 'A fleet',
  async run(): Promise<Findings> {
    const missing = missingPostgres();
    if (missing.length > 0) return { lines: [leftOut('the fleet', `${missing.join(', ')} not installed`)] };
    const dns = await startFakeDns({ zones: ZONES.map((name) => ({ name })) });
    try {
      const nameservers = Object.fromEntries(ZONES.map((zone) => [zone, [dns.at]]));
      return { lines: [...(await unlimited({ nameservers })), '', ...(await limited({ nameservers }))] };
    } finally {
      await dns.close();
    }
  },
};

/** Names a second, with one gateway and its files, and with one and three gateways and a database. */
async function unlimited(dns: object): Promise<string[]> {
  const rows: { readonly way: string; readonly outcome: Outcome }[] = [];
  for (const [way, gateways, shared] of [
    ['1 gateway, files', 1, false],
    ['1 gateway, PostgreSQL', 1, true],
    ['3 gateways, PostgreSQL', 3, true],
  ] as const) {
    const api = await startCloudflareFake({ zones: ZONES });
    const url = new URL(String(api.options['url']));
    const gate = await openGate(url.host);
    gate.guard({
      async request() {
        await delay(LATENCY_MS);
        return undefined;
      },
      answer: async () => undefined,
    });
    const account = { provider: 'cloudflare', ...api.options, url: `http://${gate.host}${url.pathname}` };
    const outcome = await withFleet({ gateways, shared, account, dns }, (each) =>
      addAndRemove(each, NAMES, () => gate.statuses.length),
    );
    rows.push({ way, outcome });
    await gate.close();
    await api.close();
  }
  const [files, , three] = rows;
  const eachName = (three?.outcome.requests ?? 0) / NAMES;
  return [
    `${NAMES} names in two zones, added and removed by ${CLIENTS} clients over HTTP at a stand-in for Cloudflare, which takes many`,
    `changes in one request and ${LATENCY_MS} ms for each answer. Clients, gateways, PostgreSQL and the stand-in share the processors of this machine.`,
    '',
    ...table(
      ['', 'names/s', '×', 'p50 of an add, ms', 'p99, ms', 'requests at the provider for each name'],
      rows.map(({ way, outcome }) => [
        way,
        (NAMES / outcome.seconds).toFixed(0),
        ((files?.outcome.seconds ?? 0) / outcome.seconds).toFixed(2),
        quantile(outcome.publishMs, 0.5).toFixed(0),
        quantile(outcome.publishMs, 0.99).toFixed(0),
        (outcome.requests / NAMES).toFixed(3),
      ]),
    ),
    '',
    goal('at most 0.1 requests for each name', eachName.toFixed(3), eachName <= 0.1),
  ];
}

/** How much of a rate limit three gateways use together, and whether they stay below it. */
async function limited(dns: object): Promise<string[]> {
  const place = openPlace();
  const api = await startZoneidFake({ zones: ZONES, rateLimit: { requests: 60, window: WINDOW_S * 1000 } });
  const gate = await openGate(new URL(api.url).host);
  try {
    const provider = await zoneidWithWindow(place.directory, WINDOW_S);
    const account = { provider, url: `http://${gate.host}/v2`, username: api.username, apiKey: api.apiKey };
    const { seconds, requests } = await withFleet({ gateways: 3, shared: true, account, dns }, (each) =>
      addAndRemove(each, LIMITED_NAMES, () => gate.statuses.length),
    );
    const used = requests / ((60 * seconds) / WINDOW_S);
    const refused = gate.statuses.filter((status) => status === 429).length;
    return [
      `${LIMITED_NAMES} names through three gateways at ZoneID, whose minute is ${WINDOW_S} s here: ${requests} requests in ${seconds.toFixed(0)} s.`,
      '',
      goal('no 429', `${refused} × 429`, refused === 0),
      goal('at least 95 % of the limit used', `${(used * 100).toFixed(0)} %`, used >= 0.95),
    ];
  } finally {
    await gate.close();
    await api.close();
    place.remove();
  }
}

interface Setting {
  readonly gateways: number;
  readonly shared: boolean;
  readonly account: object;
  readonly dns: object;
}

async function withFleet<Result>(
  { gateways, shared, account, dns }: Setting,
  work: (fleet: Fleet) => Promise<Result>,
): Promise<Result> {
  const database = shared ? await startPostgres() : undefined;
  try {
    const running = await startFleet({
      gateways,
      database: database?.url(),
      account,
      zones: ZONES,
      dns,
      users: CLIENTS,
    });
    return await work(running).finally(running.close);
  } finally {
    await database?.close();
  }
}

async function addAndRemove(running: Fleet, count: number, requests: () => number): Promise<Outcome> {
  const publishMs: number[] = [];
  const clients = running.users.map((user, index) => ({ user, index, ...openClient(running, index, PATIENCE_MS) }));
  const each = (path: '/present' | '/cleanup', index: number, user: string, name: number) => {
    const what = { user, name: `_acme-challenge.host${name}.${ZONES[name % ZONES.length]}`, value: VALUES[name] ?? '' };
    return clients[index]?.insist({ path, ...what }, PATIENCE_MS);
  };
  // A login costs a hash once; that is not what this measures.
  await Promise.all(
    clients.flatMap(({ insist, user }) =>
      running.nodes.map(() =>
        insist({ path: '/cleanup', user, name: '_acme-challenge.example.com', value: VALUES[0] ?? '' }, PATIENCE_MS),
      ),
    ),
  );
  const started = performance.now();
  const before = requests();
  await Promise.all(
    clients.map(async ({ user, index }) => {
      for (let name = index; name < count; name += clients.length) {
        publishMs.push((await each('/present', index, user, name)) ?? 0);
        await each('/cleanup', index, user, name);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  for (const client of clients) client.close();
  return { seconds, publishMs, requests: requests() - before };
}

const VALUES = Array.from({ length: NAMES }, () => randomBytes(32).toString('base64url'));
