import { setTimeout as delay } from 'node:timers/promises';
import { startCloudflareFake } from '../../test/fakes/cloudflare.ts';
import { startFakeDns } from '../../test/fakes/dns-server.ts';
import { startZoneidFake } from '../../test/fakes/zoneid.ts';
import { openGate } from '../../test/faults/support/gate.ts';
import { type Load, measure, missingForFleet, ZONES } from './fleet-load.ts';
import { quantile, sum } from './numbers.ts';
import { type Findings, goal, leftOut, type Part, type Size, table } from './part.ts';
import { openPlace } from './place.ts';
import { providerWithLimits, zoneidWithWindow } from './provider-limits.ts';

const CLIENTS = 200;
const NAMES = 10_000;
/** Milliseconds that the stand-in for a provider takes for an answer, as one over the internet does. */
const LATENCY_MS = 100;

/** Seconds in place of the minute in which ZoneID allows 60 requests. */
const WINDOW_S = 10;
const LIMITED_NAMES = 400;

interface Setting {
  readonly dns: object;
  readonly clients: number;
  readonly names: number;
}

/** Gateways that share a database, as many clients, and a provider with or without a rate limit. */
export const fleet: Part = {
  title: 'A fleet',
  async run(_, { clients = CLIENTS, names = NAMES }: Size): Promise<Findings> {
    const missing = missingForFleet();
    if (missing.length > 0) return { lines: [leftOut('the fleet', `${missing.join(', ')} not installed`)] };
    const dns = await startFakeDns({ zones: ZONES.map((name) => ({ name })) });
    try {
      const nameservers = Object.fromEntries(ZONES.map((zone) => [zone, [dns.at]]));
      const setting = { dns: { nameservers }, clients, names };
      return {
        lines: [
          ...(await unlimited(setting)),
          '',
          ...(await limited({ ...setting, names: Math.min(names, LIMITED_NAMES) })),
        ],
      };
    } finally {
      await dns.close();
    }
  },
};

/** Names a second, with one gateway and its files, and with one and three gateways and a database. */
async function unlimited(setting: Setting): Promise<string[]> {
  const rows: { readonly name: string; readonly load: Load }[] = [];
  const place = openPlace();
  try {
    const provider = await providerWithLimits(place.directory, 'cloudflare', []);
    for (const [name, gateways, shared] of [
      ['1 gateway, files', 1, false],
      ['1 gateway, PostgreSQL', 1, true],
      ['2 gateways, PostgreSQL', 2, true],
      ['3 gateways, PostgreSQL', 3, true],
    ] as const) {
      rows.push({ name, load: await atCloudflare({ name, gateways, shared }, provider, setting) });
    }
  } finally {
    place.remove();
  }
  const [files] = rows;
  const three = rows.at(-1)?.load;
  const eachName = three ? three.requests / three.names : Number.NaN;
  const { names, clients } = setting;
  return [
    `${names} names in two zones, added and removed by ${clients} clients over HTTP at a stand-in for Cloudflare, which takes many`,
    `changes in one request and ${LATENCY_MS} ms for each answer. The limit of 1,200 requests in five minutes is taken away.`,
    'Clients, gateways, PostgreSQL and the stand-in share one machine. Files and PostgreSQL both wait until the disk has each write.',
    '',
    ...table(
      ['', 'names/s', '×', 'p50 of an add, ms', 'p99, ms', 'requests for each name', 'SQL statements for each name'],
      rows.map(({ name, load }) => [
        name,
        rate(load).toFixed(0),
        (rate(load) / (files ? rate(files.load) : Number.NaN)).toFixed(2),
        quantile(load.publishMs, 0.5).toFixed(0),
        quantile(load.publishMs, 0.99).toFixed(0),
        (load.requests / load.names).toFixed(3),
        (load.statements / load.names).toFixed(1),
      ]),
    ),
    '',
    goal('three gateways: at most 0.1 requests for each name', eachName.toFixed(3), eachName <= 0.1),
  ];
}

const rate = ({ names, seconds }: Load): number => names / seconds;

async function atCloudflare(
  way: { readonly name: string; readonly gateways: number; readonly shared: boolean },
  provider: string,
  setting: Setting,
): Promise<Load> {
  const api = await startCloudflareFake({ zones: ZONES });
  const url = new URL(String(api.options['url']));
  const gate = await openGate(url.host);
  gate.guard({
    async request() {
      await delay(LATENCY_MS);
      return undefined;
    },
  });
  const account = { ...api.options, provider, url: `http://${gate.host}${url.pathname}` };
  try {
    return await measure({ ...way, ...setting, account, requests: () => gate.statuses.length });
  } finally {
    await gate.close();
    await api.close();
  }
}

/** How much of a rate limit three gateways use together, and whether they stay below it. */
async function limited(setting: Setting): Promise<string[]> {
  const place = openPlace();
  const limit = { requests: 60, window: WINDOW_S * 1000 };
  const api = await startZoneidFake({ zones: ZONES, rateLimit: limit });
  const gate = await openGate(new URL(api.url).host);
  const startedAt: number[] = [];
  gate.guard({
    async request() {
      startedAt.push(performance.now());
      return undefined;
    },
  });
  try {
    const provider = await zoneidWithWindow(place.directory, WINDOW_S);
    const account = { provider, url: `http://${gate.host}/v2`, username: api.username, apiKey: api.apiKey };
    const name = '3 gateways, 60 requests in a window';
    const load = await measure({
      ...setting,
      name,
      gateways: 3,
      shared: true,
      account,
      requests: () => startedAt.length,
    });
    const used = shareUsed(startedAt, limit.requests);
    const refused = gate.statuses.filter((status) => status === 429).length;
    return [
      `${load.names} names by ${setting.clients} clients through three gateways at ZoneID, which allows 60 requests a minute. Here the minute is ${WINDOW_S} s, at the`,
      `server and in the provider, so that whatever is lost in a window counts ${60 / WINDOW_S} times as much as with the real one:`,
      `${load.requests} requests in ${load.seconds.toFixed(0)} s. The share is that of the windows after the first, which begins empty.`,
      '',
      goal('no 429', `${refused} × 429`, refused === 0),
      goal('at least 95 % of the limit used', `${(used * 100).toFixed(1)} %`, used >= 0.95),
    ];
  } finally {
    await gate.close();
    await api.close();
    place.remove();
  }
}

/**
 * Of what the limit allows: how long it took from each request of the first window to the one in its place in the last
 * whole window.
 */
function shareUsed(startedAt: readonly number[], limit: number): number {
  const windows = Math.floor(startedAt.length / limit) - 1;
  const last = startedAt.slice(windows * limit, (windows + 1) * limit);
  const tookMs = sum(last.map((at, place) => at - (startedAt[place] ?? Number.NaN))) / limit;
  return (windows * WINDOW_S * 1000) / tookMs;
}
