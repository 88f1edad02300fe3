import { afterEach, describe, expect, it } from 'vitest';
import ionos from '../../../providers/ionos/index.ts';
import type { TxtChange, TxtOutcome } from '../../../src/provider.ts';
import { type IonosFake, type IonosFakeSettings, startIonosFake } from '../../fakes/ionos.ts';
import document from '../../schemas/ionos.json' with { type: 'json' };
import { answerAgain, itShares, NAME, OTHER, recordOf, VALUE, verbsOn, ZONE } from '../../support/one-provider.ts';
import { vendorSchema } from '../../support/vendor-schema.ts';

const ZONES = 'GET zones';
const READ = 'GET zone';
const ADD = 'POST records';
const REMOVE = 'DELETE records';

describe('ionos', () => {
  let fake: IonosFake;
  const start = async (settings: IonosFakeSettings = {}) => {
    fake = await startIonosFake(settings);
  };
  afterEach(() => fake.close());
  const { run, add, zones, nameServers } = verbsOn(ionos, () => fake);

  const NOTHING: readonly string[] = [];
  it.each([
    { at: 'an empty name', there: NOTHING, calls: [ZONES, READ, ADD] },
    { at: 'an empty name, with zoneId', withZoneId: true, there: NOTHING, calls: [READ, ADD] },
    { at: 'a name with another value', there: [OTHER], calls: [ZONES, READ, ADD] },
    { at: 'a name that has the value', there: [OTHER, VALUE], calls: [ZONES, READ] },
  ])('adds at $at', async ({ at: _, there, calls, ...settings }) => {
    await start(settings);
    for (const value of there) fake.plant(NAME, value);
    const added = await add();
    expect(added).toMatchObject({
      zone: ZONE,
      changed: !there.includes(VALUE),
      id: expect.any(String),
      proven: !there.includes(VALUE),
    });
    expect(fake.server.takeCalls()).toEqual(calls);
    expect(fake.held(NAME).sort()).toEqual([...new Set([VALUE, ...there])].sort());
  });

  it('looks a zone up once, and removes by the id of the add', async () => {
    await start();
    await run(async (provider) => {
      const { changed: _, ...handle } = await provider.addTxt(recordOf());
      const other = await provider.addTxt(recordOf({ value: OTHER }));
      fake.server.takeCalls();
      expect(await provider.removeTxt(recordOf(), handle)).toBe('removed');
      expect(await provider.removeTxt(recordOf({ value: OTHER }), { zone: ZONE, id: other.id })).toBe('removed');
      expect(await provider.removeTxt(recordOf({ value: OTHER }))).toBe('absent');
    });
    expect(fake.server.takeCalls()).toEqual([REMOVE, READ, REMOVE, READ]);
  });

  it('does fifty adds with one read and one write, and tells each one', async () => {
    await start();
    const changes = Array.from({ length: 50 }, (_, nth): TxtChange => {
      return { action: 'add', record: recordOf({ name: `_acme-challenge.n${nth}.example.com` }) };
    });
    fake.plant('_acme-challenge.n7.example.com', VALUE);
    fake.plant('_acme-challenge.n8.example.com', OTHER);
    const outcomes = await run(async (provider) => provider.changeTxt?.(ZONE, changes));
    expect(fake.server.takeCalls()).toEqual([ZONES, READ, ADD]);
    expect(outcomes?.map(changedIn)).toEqual(changes.map((_, nth) => nth !== 7));
    expect(fake.held('_acme-challenge.n8.example.com').sort()).toEqual([VALUE, OTHER].sort());
    const removals = changes.map(({ record }): TxtChange => ({ action: 'remove', record }));
    const removed = await run(async (provider) => provider.changeTxt?.(ZONE, removals));
    expect(removed?.map(changedIn)).toEqual(changes.map(() => true));
    expect(fake.server.takeCalls()).toEqual([ZONES, READ, ...changes.map(() => REMOVE)]);
  });

  it.each([
    ['reset', 'after', 'done'],
    ['reset', 'before', 'done'],
    ['200-html', 'after', 'done'],
  ] as const)('finds out what became of many adds: %s %s', async (kind, effect, state) => {
    await start();
    fake.server.inject({ kind, effect, call: ADD });
    const changes = [recordOf(), recordOf({ value: OTHER })].map((record): TxtChange => ({ action: 'add', record }));
    const outcomes = await run(async (provider) => provider.changeTxt?.(ZONE, changes));
    expect(outcomes).toEqual(changes.map(() => expect.objectContaining({ state, changed: true })));
    expect(fake.held(NAME).sort()).toEqual([VALUE, OTHER].sort());
  });

  it('says refused or unknown for many changes, and throws what is about the zone', async () => {
    await start({ slaveZones: ['copy.example'] });
    const change = (name: string, zone: string): TxtChange => ({ action: 'add', record: recordOf({ name, zone }) });
    const refused = change('a.copy.example', 'copy.example');
    expect(await run(async (provider) => provider.changeTxt?.(refused.record.zone, [refused]))).toMatchObject([
      { state: 'refused', error: { code: 'E_REJECTED' } },
    ]);
    const elsewhere = change('a.nowhere.test', 'nowhere.test');
    await expect(
      run(async (provider) => provider.changeTxt?.(elsewhere.record.zone, [elsewhere])),
    ).rejects.toMatchObject({ code: 'E_ZONE' });
  });

  it.each([401, 404] as const)('finds a zone again whose cached id the API answers with %d', async (missingZone) => {
    await start({ missingZone });
    await run(async (provider) => {
      await provider.addTxt(recordOf());
      fake.renew(ZONE);
      fake.server.takeCalls();
      expect(await provider.listTxt(NAME, ZONE)).toEqual([]);
      expect(fake.server.takeCalls()).toEqual([READ, ZONES, READ]);
    });
  });

  it('does not see a record that is switched off, and adds the value anew', async () => {
    await start();
    fake.plant(NAME, VALUE);
    fake.switchOff(NAME);
    expect((await add()).changed).toBe(true);
    expect(fake.everything().filter((line) => line.includes('TXT'))).toEqual([`${NAME} TXT "${VALUE}" 60 false`]);
  });

  it.each([
    [{}, { apiKey: 'prefix.wrong' }, { code: 'E_AUTH', loginRefused: true, hint: expect.stringContaining('prefix') }],
    [{}, { apiKey: 'prefix-without-secret' }, { code: 'E_CONFIG', hint: expect.stringContaining('dot') }],
    [{}, { apiKey: 'prefix.secret\nx: y' }, { code: 'E_CONFIG' }],
    [{ zones: ['example.net'] }, {}, { code: 'E_ZONE', tryNextZone: true, hint: expect.stringContaining('contract') }],
    [{ missingZone: 404 as const }, { zoneId: 'no-such-id' }, { code: 'E_ZONE', tryNextZone: true }],
  ])('says what is wrong: %j %j', async (settings, options, expected) => {
    await start(settings);
    await expect(run((provider) => provider.addTxt(recordOf()), options)).rejects.toMatchObject(expected);
    await expect(run((provider) => provider.removeTxt(recordOf()), options)).rejects.toMatchObject(expected);
  });

  it('refuses another zone than that of zoneId', async () => {
    await start({ withZoneId: true, zones: ['example.com', 'example.net'] });
    const record = recordOf({ name: '_acme-challenge.example.net', zone: 'example.net' });
    await expect(add(record)).rejects.toMatchObject({ code: 'E_ZONE' });
    expect(fake.held(record.name)).toEqual([]);
  });

  it('shows which field of a record is refused', async () => {
    await start();
    const quoted = run((provider) => provider.addTxt({ ...recordOf(), value: 'a"b' }));
    await expect(quoted).rejects.toMatchObject({ message: expect.stringContaining('invalidFields content') });
  });

  it('lists zones without copies of other servers, and name servers', async () => {
    await start({ zones: ['example.com', 'example.net'], slaveZones: ['copy.example'] });
    expect((await zones()).map(({ name }) => name)).toEqual(['example.com', 'example.net']);
    const servers = (await nameServers()) ?? [];
    expect(servers).toHaveLength(4);
    for (const server of servers)
      expect(
        ionos.nameServerPatterns?.some((one) => one.test(server)),
        server,
      ).toBe(true);
  });

  it('sends exactly these requests, which fit the published schema as their answers do', async () => {
    await start({ withZoneId: true });
    const long = `${'x'.repeat(255)}y`;
    const { changed: _, ...handle } = await add({ ...recordOf({ value: 'a;b c=d' }), ttl: 30 });
    await add(recordOf({ value: long }));
    await run((provider) => provider.removeTxt(recordOf({ value: 'a;b c=d' }), handle));
    await zones();
    const requests = [...fake.server.requests];
    const zone = `/dns/v1/zones/${fake.options['zoneId']}`;
    const read = `GET ${zone}?recordType=TXT&recordName=${NAME} `;
    const body = (content: string, ttl: number) => JSON.stringify([{ name: NAME, type: 'TXT', content, ttl }]);
    expect(requests.map(({ method, path, query, body }) => `${method} ${path}${query && `?${query}`} ${body}`)).toEqual(
      [
        read,
        `POST ${zone}/records ${body('a;b c=d', 60)}`,
        read,
        `POST ${zone}/records ${body(`"${'x'.repeat(255)}" "y"`, 60)}`,
        `DELETE ${zone}/records/${handle.id} `,
        'GET /dns/v1/zones ',
      ],
    );
    const fits = vendorSchema(document);
    const schema = (name: string) => `/components/schemas/${name}`;
    for (const request of requests) {
      if (request.body) fits(schema('records'), JSON.parse(request.body));
      const answer = await answerAgain(fake, request);
      const name = { [READ]: 'customer-zone', [ADD]: 'records-created', [ZONES]: 'zones' }[request.call];
      // The record of the DELETE is not there the second time.
      fits(schema(answer.status < 400 && name ? name : 'errors'), answer.body);
    }
  });
});

itShares(ionos, startIonosFake);

const changedIn = (outcome: TxtOutcome): unknown => (outcome.state === 'done' ? outcome.changed : outcome.error);
