/** A zone with 50,000 TXT records and an account with 10,000 zones: no request more than paging demands, little memory. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import zoneid from '../../providers/zoneid/index.ts';
import { normaliseName } from '../../src/names.ts';
import type { FaultServer } from '../fakes/fault-server.ts';
import { startIspconfigFake } from '../fakes/ispconfig.ts';
import { startOlspanelFake } from '../fakes/olspanel.ts';
import { startPanelalphaFake } from '../fakes/panelalpha.ts';
import { startPowerdnsFake } from '../fakes/powerdns.ts';
import { startZoneidFake, type ZoneidFake } from '../fakes/zoneid.ts';
import { openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { createTestContext } from '../support/context.ts';

const RECORDS = 50_000;
const ZONES = Array.from({ length: 10_000 }, (_, index) => `z${index}.example`);
const NAME = '_acme-challenge.example.com';

/** Megabytes of the whole process. It takes 60 to start, and 145 for the longest list; never what grows with each page. */
const MOST_MEMORY = 300;

/** Milliseconds: a busy machine takes its time for so many requests. */
const PATIENCE = 120_000;

const PEAK_MEMORY = fileURLToPath(new URL('../support/peak-memory.cjs', import.meta.url));

let here: Workplace;
let server: FaultServer;
beforeEach(async () => {
  here = await openWorkplace();
});
afterEach(() => Promise.all([here.remove(), server.close()]));

async function configure(started: FaultServer, account: string): Promise<void> {
  server = started;
  await here.configure(`accounts:\n  big: ${account}\nzones: { example.com: big }\ndns: { followCnames: false }\n`);
}

/** One process: what it printed, what it asked, after its memory was looked at. */
async function run(args: readonly string[], input = '') {
  const peakFile = join(here.directory, 'peak');
  const env = { NODE_OPTIONS: `--require ${PEAK_MEMORY}`, DNS01_TEST_PEAK_FILE: peakFile };
  const { code, stdout, stderr } = await here.run(args, { env, input });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const peak = Number(await readFile(peakFile, 'utf8')) / 1024;
  expect(peak).toBeGreaterThan(10);
  expect(peak).toBeLessThan(MOST_MEMORY);
  return { stdout, calls: countCalls() };
}

function countCalls(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const call of server.takeCalls()) counts[call] = (counts[call] ?? 0) + 1;
  return counts;
}

const add = ['add-txt', '--no-wait', NAME, VALUE];
const remove = ['remove-txt', NAME, VALUE];
const list = ['list-txt', NAME];
const everyZone = ['example.com', ...ZONES].map((zone) => `big\t${zone}\n`).join('');

describe('ispconfig', () => {
  beforeEach(async () => {
    const fake = await startIspconfigFake({ zones: ['example.com', ...ZONES].map((name) => ({ name })) });
    for (let index = 0; index < RECORDS; index++) fake.plant({ name: `r${index}.example.com.`, data: 'v=spf1 -all' });
    const line = `r.example.com. 3600 TXT ${JSON.stringify(VALUE)}\n`;
    for (const zone of fake.zones.slice(0, 1)) zone.rendered_zone = line.repeat(RECORDS);
    const { url, username, password } = fake;
    await configure(fake.server, JSON.stringify({ provider: 'ispconfig', url, username, password }));
  });

  it('adds, lists and removes with as many requests as in a small zone', { timeout: PATIENCE }, async () => {
    const session = { login: 1, logout: 1 };
    expect((await run(add)).calls).toEqual({ ...session, dns_zone_get: 1, dns_txt_get: 1, dns_txt_add: 1 });
    expect(await run(list)).toEqual({ stdout: `${VALUE}\n`, calls: { ...session, dns_zone_get: 1, dns_txt_get: 1 } });
    expect((await run(remove)).calls).toEqual({ ...session, dns_txt_get: 1, dns_txt_delete: 1 });
  });

  it('adds in a batch with one request a value and four more', { timeout: PATIENCE }, async () => {
    const lines = Array.from({ length: 100 }, (_, index) => ({
      action: 'add',
      name: `_acme-challenge.h${index}.example.com`,
      value: VALUE,
    }));
    const { calls } = await run(['batch', '--no-wait'], lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    expect(calls).toEqual({ login: 1, dns_zone_get: 1, dns_txt_get: 1, dns_txt_add: 100, logout: 1 });
  });

  it('lists the zones a thousand at a time', { timeout: PATIENCE }, async () => {
    const { stdout, calls } = await run(['zones']);
    expect(stdout).toBe(everyZone);
    // 25 to see how much they weigh, fewer because one of them is large, then ten pages.
    expect(calls).toEqual({ login: 1, dns_zone_get: 12, logout: 1 });
  });
});

describe('panelalpha', () => {
  const start = async (count: number, paging: 'meta' | 'none') => {
    const fake = await startPanelalphaFake({ accounts: { '12': ['example.com', ...ZONES] }, paging, pageSize: 100 });
    fake.fill('example.com', count);
    const { url, token } = fake;
    await configure(fake.server, JSON.stringify({ provider: 'panelalpha', url, token, accountId: 12 }));
    return fake;
  };

  it('asks for each page of a list once', { timeout: PATIENCE }, async () => {
    const fake = await start(RECORDS - 4, 'meta');
    fake.plant(NAME, VALUE);
    expect(await run(list)).toEqual({ stdout: `${VALUE}\n`, calls: { 'GET records': 501 } });
    expect(await run(['zones'])).toEqual({ stdout: everyZone, calls: { 'GET zones': 101 } });
  });

  it('adds and removes with a list before and one after', { timeout: PATIENCE }, async () => {
    await start(RECORDS, 'none');
    expect((await run(add)).calls).toEqual({ 'GET records': 2, 'POST record': 1 });
    expect((await run(remove)).calls).toEqual({ 'GET records': 2, 'DELETE record': 1 });
  });
});

describe('powerdns', () => {
  const start = async (search: 'works' | 'forbidden') => {
    const zones = Object.fromEntries(['example.com', ...ZONES].map((zone) => [zone, {}]));
    const fake = await startPowerdnsFake({ zones, search });
    const row = { zone: 'example.com', type: 'TXT', content: '"v=spf1 -all"', ttl: 300, disabled: false };
    for (let index = 0; index < RECORDS; index++) fake.rows.push({ ...row, name: `r${index}.example.com` });
    const { url, apiKey } = fake;
    await configure(fake.server, JSON.stringify({ provider: 'powerdns', url, apiKey }));
  };

  it('asks for one name of the zone, and for all zones at once', { timeout: PATIENCE }, async () => {
    await start('works');
    const change = { 'GET rrset': 2, 'GET search-data': 1, 'PATCH zone': 1 };
    expect((await run(add)).calls).toEqual(change);
    expect((await run(remove)).calls).toEqual(change);
    expect(await run(['zones'])).toEqual({ stdout: everyZone, calls: { 'GET zones': 1 } });
  });

  it('asks for the whole zone once where it cannot be searched', { timeout: PATIENCE }, async () => {
    await start('forbidden');
    expect((await run(add)).calls).toEqual({ 'GET rrset': 2, 'GET search-data': 1, 'GET zone': 1, 'PATCH zone': 1 });
  });
});

describe('zoneid', () => {
  const start = async (pager: boolean): Promise<ZoneidFake> => {
    const fake = await startZoneidFake({ pager, rateLimit: { requests: 10_000, window: 60_000 } });
    const records = fake.zones.get('example.com') ?? [];
    for (let id = 100_001; id <= 100_000 + RECORDS; id++) {
      records.push({ id, name: `r${id}.example.com`, destination: 'v=spf1 -all', delete: true });
    }
    const { url, username, apiKey } = fake;
    await configure(fake.server, JSON.stringify({ provider: 'zoneid', url, username, apiKey }));
    return fake;
  };

  it('removes what it does not remember with one list', { timeout: PATIENCE }, async () => {
    const fake = await start(false);
    await fake.plant(NAME, VALUE);
    expect((await run(remove)).calls).toEqual({ 'GET txt': 1, 'DELETE txt': 1 });
    expect(fake.held(NAME)).toEqual([]);
  });

  /** Without the budget of 60 requests a minute, which a process keeps. */
  const openFree = ({ url, username, apiKey }: ZoneidFake) =>
    zoneid.create({ url, username, apiKey }, createTestContext({ time: PATIENCE }));
  const record = { name: normaliseName(NAME), value: VALUE, ttl: 60, zone: normaliseName('example.com') };

  it('reads all pages for a removal, for there may be the same record twice', { timeout: PATIENCE }, async () => {
    const fake = await start(true);
    fake.zones.get('example.com')?.unshift({ id: 90_001, name: NAME, destination: VALUE, delete: true });
    await fake.plant(NAME, VALUE);
    expect(await openFree(fake).removeTxt(record)).toBe('removed');
    expect(fake.held(NAME)).toEqual([]);
    expect(countCalls()).toEqual({ 'GET txt': 501, 'DELETE txt': 2 });
  });

  it('reads no page after the one with the record that is in the way of an add', { timeout: PATIENCE }, async () => {
    const fake = await start(true);
    fake.zones.get('example.com')?.splice(250, 0, { id: 90_001, name: NAME, destination: VALUE, delete: true });
    expect(await openFree(fake).addTxt(record)).toEqual({
      zone: 'example.com',
      id: '90001',
      proven: true,
      changed: false,
    });
    expect(countCalls()).toEqual({ 'POST txt': 1, 'GET txt': 3 });
  });
});

it('olspanel lists all domains at once', { timeout: PATIENCE }, async () => {
  const fake = await startOlspanelFake({ domains: ['example.com', 'www.example.com', ...ZONES] });
  const { url, username, password } = fake;
  await configure(fake.server, JSON.stringify({ provider: 'olspanel', url, username, password }));
  expect(await run(['zones'])).toEqual({ stdout: everyZone, calls: { domain_list: 1 } });
});
