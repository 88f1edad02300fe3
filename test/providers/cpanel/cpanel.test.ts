import { afterEach, describe, expect, it } from 'vitest';
import definition from '../../../providers/cpanel/index.ts';
import { type DnsProvider, normaliseName } from '../../../src/provider.ts';
import { CPANEL_TOKEN, type CpanelFake, type CpanelFakeSettings, startCpanelFake } from '../../fakes/cpanel.ts';
import { startFaultServer } from '../../fakes/fault-server.ts';
import {
  changesOf,
  failureOf,
  inProcessOf,
  NAME,
  OTHER,
  recordOf,
  statesOf,
  VALUE,
  ZONE,
} from '../../support/one-provider.ts';

const inProcess = inProcessOf(definition);

let fake: CpanelFake;
afterEach(() => fake.close());
const start = async (settings: CpanelFakeSettings = {}) => {
  fake = await startCpanelFake(settings);
};
const calls = () => fake.server.takeCalls();

const run = <Result>(
  use: (provider: DnsProvider) => Promise<Result>,
  options: Readonly<Record<string, unknown>> = fake.options,
) => inProcess({ options }, use);

describe.each([{}, { whm: true }, { nested: true }])('cpanel (%o) asks no more than it has to', (settings) => {
  const read = settings.whm ? 'GET parse_dns_zone' : 'GET parse_zone';

  it('two requests to add and to remove, one where nothing is to do', async () => {
    await start(settings);
    fake.plant(NAME, OTHER);
    await run(async (provider) => {
      expect((await provider.addTxt(recordOf())).changed).toBe(true);
      expect(calls()).toEqual([read, 'mass_edit add']);
      expect((await provider.addTxt(recordOf())).changed).toBe(false);
      expect(calls()).toEqual([read]);
      expect(await provider.removeTxt(recordOf())).toBe('removed');
      expect(calls()).toEqual([read, 'mass_edit remove']);
      expect(await provider.removeTxt(recordOf())).toBe('absent');
      expect(calls()).toEqual([read]);
    });
    expect(fake.held(NAME)).toEqual([OTHER]);
  });

  it('two for 50 changes', async () => {
    await start(settings);
    await run(async (provider) => {
      expect(new Set(await statesOf(provider, changesOf('add', 50)))).toEqual(new Set([true]));
      expect(calls()).toEqual([read, 'mass_edit add']);
      const mixed = [...changesOf('remove', 50), { action: 'add', record: recordOf() } as const];
      expect(new Set(await statesOf(provider, mixed))).toEqual(new Set([true]));
      expect(calls()).toEqual([read, 'mass_edit add remove']);
    });
    expect(fake.held(NAME)).toEqual([VALUE]);
  });

  it('lists zones and name servers', async () => {
    await start({ ...settings, zones: ['example.com', 'example.net'] });
    await run(async (provider) => {
      const zones: string[] = [];
      for await (const { name } of provider.listZones?.() ?? []) zones.push(name);
      expect(zones).toEqual(['example.com', 'example.net']);
      expect(await provider.nameServers?.(ZONE)).toEqual(['ns1.host.example', 'ns2.host.example']);
    });
  });
});

it.each([false, true])('cpanel sends what the documents show (WHM: %s)', async (whm) => {
  await start({ whm });
  const value = 'x'.repeat(300);
  await run((provider) => provider.addTxt(recordOf({ value })));
  fake.server.takeCalls();
  await run((provider) => provider.removeTxt(recordOf({ value })));
  const [read, add, , remove] = fake.server.requests;
  expect(`${read?.method} ${read?.path}?${read?.query}`).toBe(
    whm
      ? 'GET /json-api/parse_dns_zone?api.version=1&zone=example.com'
      : 'GET /execute/DNS/parse_zone?zone=example.com',
  );
  expect(read?.headers['authorization']).toBe(`${whm ? 'whm' : 'cpanel'} hostuser:${CPANEL_TOKEN}`);
  expect(`${add?.method} ${add?.path}`).toBe(
    whm ? 'POST /json-api/mass_edit_dns_zone' : 'POST /execute/DNS/mass_edit_zone',
  );
  const version = whm ? { 'api.version': '1' } : {};
  const record = { dname: `${NAME}.`, ttl: 60, record_type: 'TXT', data: ['x'.repeat(255), 'x'.repeat(45)] };
  expect(Object.fromEntries(new URLSearchParams(add?.body))).toEqual({
    ...version,
    zone: ZONE,
    serial: '2026112101',
    add: JSON.stringify(record),
  });
  expect(Object.fromEntries(new URLSearchParams(remove?.body))).toEqual({
    ...version,
    zone: ZONE,
    serial: '2026112102',
    // A comment, a directive, an SOA record of six lines and two name servers come first.
    remove: '10',
  });
});

describe('cpanel uses a line index only with the serial that it was read with', () => {
  it('reads again where another program has added a record before it', async () => {
    let isPlanted = false;
    await start({
      afterCall(call) {
        if (call !== 'GET parse_zone' || isPlanted || fake.held(NAME).length === 0) return;
        isPlanted = true;
        fake.plantFirst(NAME, OTHER);
      },
    });
    fake.plant(`www.${ZONE}`, '192.0.2.1', 'A');
    fake.plant(NAME, VALUE);
    fake.plant(`mail.${ZONE}`, '192.0.2.2', 'A');
    expect(await run((provider) => provider.removeTxt(recordOf()))).toBe('removed');
    expect(calls()).toEqual(['GET parse_zone', 'mass_edit remove', 'GET parse_zone', 'mass_edit remove']);
    expect(fake.held(NAME)).toEqual([OTHER]);
    expect(fake.everything()).toHaveLength(5);
  });

  it('gives up after five times and has changed nothing', async () => {
    await start({ afterCall: (call) => call === 'GET parse_zone' && fake.plantFirst(`busy.${ZONE}`, 'x') });
    const failure = await failureOf(run((provider) => provider.addTxt(recordOf())));
    expect(failure).toMatchObject({ code: 'E_REMOTE', message: expect.stringContaining('5 times in a row') });
    expect(calls().filter((call) => call === 'mass_edit add')).toHaveLength(5);
    expect(fake.held(NAME)).toEqual([]);
  });

  it('says absent where another program has removed the value in between', async () => {
    let isRemoved = false;
    await start({
      afterCall(call) {
        if (call !== 'GET parse_zone' || isRemoved) return;
        isRemoved = true;
        fake.unplant(NAME);
      },
    });
    fake.plant(NAME, VALUE);
    expect(await run((provider) => provider.removeTxt(recordOf()))).toBe('absent');
  });

  it('keeps both values of two processes that add at once', async () => {
    await start();
    const values = [VALUE, OTHER, VALUE];
    const added = await Promise.all(values.map((value) => run((provider) => provider.addTxt(recordOf({ value })))));
    expect(added.map(({ changed }) => changed).sort()).toEqual([false, true, true]);
    expect(fake.held(NAME).sort()).toEqual([VALUE, OTHER].sort());
  });

  it.each(['before', 'after'] as const)('makes many changes once where the answer is lost %s', async (effect) => {
    await start();
    fake.server.inject({ kind: 'reset', call: 'mass_edit add', effect });
    expect(await run((provider) => statesOf(provider, changesOf('add', 3)))).toEqual([true, true, true]);
    expect(fake.everything().filter((line) => line.includes(VALUE))).toHaveLength(3);
  });
});

describe('cpanel says what to do', () => {
  it('where the token is wrong, without repeating it', async () => {
    await start();
    const options = { ...fake.options, token: 'WRONGTOKEN' };
    const failure = await failureOf(run((provider) => provider.addTxt(recordOf()), options));
    expect(failure).toMatchObject({ code: 'E_AUTH', hint: expect.stringContaining('Manage API Tokens') });
    expect(JSON.stringify([failure.message, failure.hint])).not.toMatch(/WRONGTOKEN|Access denied/);
  });

  it('where the hosting company has not switched on the Zone Editor', async () => {
    await start({ zoneEditor: false });
    const failure = await failureOf(run((provider) => provider.addTxt(recordOf())));
    expect(failure).toMatchObject({ code: 'E_AUTH', hint: expect.stringContaining('Zone Editor') });
    expect(await run(async (provider) => provider.checkRights?.())).toMatchObject([{ right: 'zoneedit', held: false }]);
  });

  it('where the zone is not in the account', async () => {
    await start({ whm: true });
    const zone = normaliseName('example.org');
    const failure = await failureOf(run((provider) => provider.listTxt(zone, zone)));
    expect(failure).toMatchObject({ code: 'E_ZONE', message: expect.stringContaining('do not control a DNS zone') });
  });

  it('where one change of many is refused, and makes none', async () => {
    await start();
    fake.plant(`_acme-challenge.host1.${ZONE}`, 'elsewhere.example.', 'CNAME');
    const outcomes = await run((provider) => statesOf(provider, changesOf('add', 3)));
    expect(outcomes).toEqual(['E_REJECTED', 'E_REJECTED', 'E_REJECTED']);
    expect(calls()).toEqual(['GET parse_zone', 'mass_edit add', 'GET parse_zone']);
    expect(fake.held(`_acme-challenge.host0.${ZONE}`)).toEqual([]);
  });

  it.each([
    [404, '<html>Not found</html>', { code: 'E_CONFIG', hint: expect.stringContaining(':2083') }],
    [200, '<html>Log in</html>', { code: 'E_PROTOCOL' }],
    [200, '{"metadata":{}}', { code: 'E_PROTOCOL' }],
    [200, '{"status":1,"data":[]}', { code: 'E_PROTOCOL', message: expect.stringContaining('no SOA') }],
    [200, '{"status":1,"data":{"a":1}}', { code: 'E_PROTOCOL' }],
  ])('where another server answers %i %s', async (status, body, expected) => {
    await start();
    const other = await startFaultServer({ nameOf: () => 'any', reply: () => ({ status, body }) });
    const verb = run((provider) => provider.addTxt(recordOf()), { ...fake.options, url: other.origin });
    expect(await failureOf(verb)).toMatchObject(expected);
    await other.close();
  });
});

it('cpanel knows WHM by its port', async () => {
  await start();
  const { rights = [] } = definition.docs;
  expect(rights.join()).toContain('2087');
  const checks = (url: string) => run(async (provider) => 'checkRights' in provider, { ...fake.options, url });
  expect(await checks('https://panel.example:2083')).toBe(true);
  expect(await checks('https://panel.example:2087')).toBe(false);
});
