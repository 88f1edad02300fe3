import { afterEach, describe, expect, it } from 'vitest';
import hetzner from '../../../providers/hetzner/index.ts';
import { type HetznerFakeSettings, startHetznerFake } from '../../fakes/hetzner.ts';
import type { StandIn } from '../../fakes/stand-in.ts';
import document from '../../schemas/hetzner.json' with { type: 'json' };
import { answerAgain, itShares, NAME, OTHER, recordOf, VALUE, verbsOn } from '../../support/one-provider.ts';
import { vendorSchema } from '../../support/vendor-schema.ts';

const ADD = 'POST add_records';
const REMOVE = 'POST remove_records';
const POLL = 'GET action';

describe('hetzner', () => {
  let fake: StandIn;
  const start = async (settings: HetznerFakeSettings = {}) => {
    fake = await startHetznerFake(settings);
    return fake;
  };
  afterEach(() => fake.close());

  const { run, add, remove, zones, nameServers } = verbsOn(hetzner, () => fake);

  const NOTHING: readonly string[] = [];
  it.each([
    { at: 'an empty name', there: NOTHING, calls: [ADD, POLL] },
    { at: 'an empty name, with an action that ends at once', actionSteps: 0, there: NOTHING, calls: [ADD] },
    { at: 'an empty name, with a slow action', actionSteps: 3, there: NOTHING, calls: [ADD, POLL, POLL, POLL] },
    { at: 'a name with another value and the same TTL', plantTtl: 60, there: [OTHER], calls: [ADD, POLL] },
    { at: 'a name with another value and the TTL of the zone', plantTtl: null, there: [OTHER], calls: [ADD, POLL] },
    { at: 'a name with another TTL', there: [OTHER], calls: [ADD, 'GET rrsets', ADD, POLL] },
    { at: 'a name that has the value', there: [VALUE, OTHER], calls: [ADD, 'GET rrsets'] },
    { at: 'a locked zone', lockedChanges: 2, there: NOTHING, calls: [ADD, ADD, ADD, POLL] },
  ])('adds at $at', async ({ at: _, there, calls, ...settings }) => {
    await start(settings);
    for (const value of there) fake.plant(NAME, value);
    expect(await add()).toEqual({ zone: 'example.com', changed: !there.includes(VALUE) });
    expect(fake.server.takeCalls()).toEqual(calls);
    expect(fake.held(NAME).sort()).toEqual([...new Set([VALUE, ...there])].sort());
  });

  it.each([
    { from: 'a name with other values', there: [VALUE, OTHER], calls: [REMOVE, POLL], result: 'removed' },
    { from: 'an empty name', there: NOTHING, calls: [REMOVE, 'GET rrsets'], result: 'absent' },
    { from: 'a name without it', there: [OTHER], calls: [REMOVE, 'GET rrsets'], result: 'absent' },
    { from: 'a locked zone', lockedChanges: 1, there: [VALUE], calls: [REMOVE, REMOVE, POLL], result: 'removed' },
  ])('removes from $from', async ({ from: _, there, calls, result, ...settings }) => {
    await start(settings);
    for (const value of there) fake.plant(NAME, value);
    fake.plant(NAME, '192.0.2.1', 'A');
    expect(await remove()).toBe(result);
    expect(fake.server.takeCalls()).toEqual(calls);
    expect(fake.held(NAME)).toEqual(there.filter((value) => value !== VALUE));
    expect(fake.everything().some((line) => line.includes('192.0.2.1'))).toBe(true);
  });

  it('adds and removes at the apex of a zone', async () => {
    await start();
    await add(recordOf({ name: 'example.com' }));
    expect(fake.everything()).toEqual([`example.com @ TXT 60 "${VALUE}"`]);
    expect(await remove(recordOf({ name: 'example.com' }))).toBe('removed');
  });

  it('makes an action that failed again, and says when all of them fail', async () => {
    await start({ failingActions: 1 });
    expect((await add()).changed).toBe(true);
    expect(fake.server.takeCalls()).toEqual([ADD, POLL, 'GET rrsets', ADD, POLL]);
    await fake.close();
    await start({ failingActions: 9 });
    await expect(add()).rejects.toMatchObject({
      code: 'E_REMOTE',
      outcomeUnknown: true,
      message: expect.stringContaining('it has failed: action_failed: Action failed'),
    });
    expect(fake.held(NAME)).toEqual([]);
  });

  it.each(['500', '200-html', 'reset', 'truncated'] as const)(
    'keeps the outcome after a poll with %s',
    async (kind) => {
      await start();
      fake.server.inject({ kind, call: POLL, effect: 'before', times: 9 });
      expect((await add()).changed).toBe(true);
      expect(await remove()).toBe('removed');
      expect(fake.held(NAME)).toEqual([]);
    },
  );

  it('never names another zone after a poll that says 404', async () => {
    await start();
    fake.server.inject({ kind: '409', call: POLL, effect: 'before' });
    fake.server.inject({ kind: '500', call: 'GET rrsets', effect: 'before', times: 9 });
    await expect(add()).rejects.toMatchObject({ code: 'E_REMOTE', outcomeUnknown: true, tryNextZone: false });
  });

  it.each([
    [
      {},
      { token: 'old-dns-console-token' },
      { code: 'E_AUTH', loginRefused: true, hint: expect.stringContaining('dns.hetzner.com') },
    ],
    [{ readOnly: true }, {}, { code: 'E_AUTH', hint: expect.stringContaining('Read & Write') }],
    [{ zones: ['example.net'] }, {}, { code: 'E_ZONE', tryNextZone: true, hint: expect.stringContaining('project') }],
    [
      { zones: [], secondaryZones: ['example.com'] },
      {},
      { code: 'E_REJECTED', tryNextZone: false, message: expect.stringContaining('secondary mode') },
    ],
    [
      { lockedChanges: 99 },
      {},
      { code: 'E_REMOTE', outcomeUnknown: false, message: expect.stringContaining('locked') },
    ],
  ])('says what is wrong: %j %j', async (settings, options, expected) => {
    await start(settings);
    const failure = await run((provider) => provider.addTxt(recordOf()), options).catch((error: unknown) => error);
    expect(failure).toMatchObject(expected);
    await expect(run((provider) => provider.removeTxt(recordOf()), options)).rejects.toMatchObject(expected);
  });

  it('lists the zones of all pages, without secondary ones', async () => {
    const names = Array.from({ length: 51 }, (_, index) => `zone${index}.example`);
    await start({ zones: names, secondaryZones: ['copy.example'] });
    const listed = await zones();
    expect(listed).toEqual(names.map((name) => ({ name, active: true })));
    expect(fake.server.takeCalls()).toEqual(['GET zones', 'GET zones']);
  });

  it('knows the name servers of a zone, and its patterns know them too', async () => {
    await start();
    const servers = (await nameServers()) ?? [];
    expect(servers).toEqual(['hydrogen.ns.hetzner.com', 'oxygen.ns.hetzner.com', 'helium.ns.hetzner.de']);
    for (const server of servers)
      expect(hetzner.nameServerPatterns?.some((pattern) => pattern.test(server))).toBe(true);
  });

  it('sends and reads what the published schema says', async () => {
    await start();
    fake.plant(NAME, OTHER);
    await add();
    await remove();
    await zones();
    await nameServers();
    await expect(add(recordOf({ name: 'a.nowhere.test', zone: 'nowhere.test' }))).rejects.toMatchObject({
      code: 'E_ZONE',
    });
    const fits = vendorSchema(document);
    const schema = (name: string) => `/components/schemas/${name}`;
    const seen = new Set<string>();
    for (const request of [...fake.server.requests]) {
      const name = SCHEMAS[request.call];
      if (name === undefined) throw new Error(`no schema for ${request.call}`);
      seen.add(request.call);
      if (request.body) fits(schema(`${name}_request`), JSON.parse(request.body));
      const { status, body } = await answerAgain(fake, request);
      fits(schema(status < 400 ? `${name}_response` : 'error_response'), body);
    }
    expect([...seen].sort()).toEqual(Object.keys(SCHEMAS).sort());
  });
});

itShares(hetzner, () => startHetznerFake({ actionSteps: 4 }));

const SCHEMAS: Readonly<Record<string, string>> = {
  [ADD]: 'add_records_to_rrset',
  [REMOVE]: 'remove_records_from_rrset',
  [POLL]: 'get_action',
  'GET rrsets': 'list_rrsets',
  'GET zone': 'get_zone',
  'GET zones': 'list_zones',
};
