import { afterEach, describe, expect, it } from 'vitest';
import porkbun from '../../../providers/porkbun/index.ts';
import { type PorkbunFakeSettings, startPorkbunFake } from '../../fakes/porkbun.ts';
import type { StandIn } from '../../fakes/stand-in.ts';
import document from '../../schemas/porkbun.json' with { type: 'json' };
import { answerAgain, itShares, NAME, OTHER, recordOf, VALUE, verbsOn, ZONE } from '../../support/one-provider.ts';
import { vendorSchema } from '../../support/vendor-schema.ts';

const ADD = 'POST create';
const READ = 'POST retrieveByNameType';
const REMOVE = 'POST delete';

describe('porkbun', () => {
  let fake: StandIn;
  const start = async (settings: PorkbunFakeSettings = {}) => {
    fake = await startPorkbunFake(settings);
  };
  afterEach(() => fake.close());
  const { run, add, remove, zones, nameServers } = verbsOn(porkbun, () => fake);

  it.each([
    { at: 'an empty name', there: [] as string[], calls: [ADD] },
    { at: 'a name with another value', there: [OTHER], calls: [ADD] },
    { at: 'a name that has the value', there: [OTHER, VALUE], calls: [ADD, READ] },
    {
      at: 'a name that has the value, with errors that have no codes',
      codes: false,
      there: [VALUE],
      calls: [ADD, READ],
    },
    {
      at: 'a name that has the value, with errors of status 200',
      errorStatus: 200,
      there: [VALUE],
      calls: [ADD, READ],
    },
  ] as const)('adds at $at', async ({ at: _, there, calls, ...settings }) => {
    await start(settings);
    for (const value of there) fake.plant(NAME, value);
    expect(await add()).toMatchObject({ zone: ZONE, changed: !there.some((value) => value === VALUE) });
    expect(fake.server.takeCalls()).toEqual(calls);
    expect(fake.held(NAME).sort()).toEqual([...new Set([VALUE, ...there])].sort());
  });

  it('reads before it deletes, because no answer proves an id', async () => {
    await start();
    const { changed: _, ...handle } = await add();
    expect(handle).toEqual({ zone: ZONE, id: expect.stringMatching(/^\d+$/), proven: false });
    fake.plant(NAME, OTHER);
    fake.plant(NAME, '192.0.2.1', 'A');
    fake.server.takeCalls();
    expect(await run((provider) => provider.removeTxt(recordOf(), handle))).toBe('removed');
    expect(fake.server.takeCalls()).toEqual([READ, REMOVE]);
    expect(await remove()).toBe('absent');
    expect(fake.server.takeCalls()).toEqual([READ]);
    expect(fake.everything()).toHaveLength(2);
  });

  it('removes both of two equal records, where the API takes them', async () => {
    await start({ duplicates: 'accept', ids: 'text' });
    fake.plant(NAME, VALUE);
    await add();
    expect(fake.held(NAME)).toEqual([VALUE, VALUE]);
    expect(await remove()).toBe('removed');
    expect(fake.held(NAME)).toEqual([]);
  });

  it('adds and removes at the apex and deep in the zone', async () => {
    await start();
    for (const name of ['example.com', '_acme-challenge.a.b.example.com']) {
      await add(recordOf({ name }));
      expect(fake.held(name)).toEqual([VALUE]);
      expect(await remove(recordOf({ name }))).toBe('removed');
    }
  });

  it.each(['Invalid record ID.', 'Could not delete record.'])(
    'takes "%s" for gone only after a look',
    async (unknownId) => {
      await start({ unknownId });
      const { id } = await add();
      await remove();
      fake.server.takeCalls();
      const handle = { zone: ZONE, id, proven: true };
      expect(await run((provider) => provider.removeTxt(recordOf(), handle))).toBe('absent');
      expect(fake.server.takeCalls()).toEqual([REMOVE, 'POST retrieve']);
    },
  );

  it.each([
    [{}, { secretApiKey: 'sk1_wrong' }, { code: 'E_AUTH', loginRefused: true, hint: expect.stringContaining('pk1_') }],
    [
      { zones: [], closedZones: ['example.com'] },
      {},
      {
        code: 'E_AUTH',
        loginRefused: false,
        tryNextZone: false,
        hint: expect.stringContaining('API ACCESS for example.com'),
      },
    ],
    [{ zones: ['example.net'] }, {}, { code: 'E_ZONE', tryNextZone: true, hint: expect.stringContaining('account') }],
    [{ zones: ['example.net'], codes: false, errorStatus: 200 as const }, {}, { code: 'E_ZONE', tryNextZone: true }],
  ])('says what is wrong: %j %j', async (settings, options, expected) => {
    await start(settings);
    const failures = await Promise.all(
      [
        run((provider) => provider.addTxt(recordOf()), options),
        run((provider) => provider.removeTxt(recordOf()), options),
        run((provider) => provider.listTxt(NAME, ZONE), options),
      ].map((verb) => verb.catch((error: unknown) => error)),
    );
    for (const failure of failures) {
      expect(failure).toMatchObject(expected);
      expect(String(failure)).not.toMatch(/[ps]k1_/);
    }
  });

  it('says that a record cannot be created where it is not there either', async () => {
    await start();
    fake.plant(NAME, 'elsewhere.example.net', 'CNAME');
    await expect(add()).rejects.toMatchObject({ code: 'E_REJECTED', hint: expect.stringContaining('CNAME') });
    expect(fake.server.takeCalls()).toEqual([ADD, READ]);
  });

  it('lists the domains of all pages that the keys reach, and checks the keys', async () => {
    const names = Array.from({ length: 1001 }, (_, index) => `zone${index}.example`);
    await start({ zones: names, closedZones: ['closed.example'] });
    expect(await zones()).toEqual(names.map((name) => ({ name, active: true })));
    expect(await run(async (provider) => provider.checkRights?.())).toEqual([
      { right: 'the API keys are valid', held: true },
    ]);
    expect(fake.server.takeCalls()).toEqual(['POST listAll', 'POST listAll', 'POST ping']);
  });

  it('shows the name servers of a zone', async () => {
    await start();
    const servers = ['curitiba', 'fortaleza', 'maceio', 'salvador'].map((city) => `${city}.ns.porkbun.com`);
    for (const server of servers) fake.plant(ZONE, server, 'NS');
    expect(await nameServers()).toEqual(servers);
    for (const server of [...servers, 'maceio.porkbun.com']) {
      expect(
        porkbun.nameServerPatterns?.some((one) => one.test(server)),
        server,
      ).toBe(true);
    }
  });

  it('sends exactly these requests, which fit the published schema as their answers do', async () => {
    await start({ ids: 'text' });
    await add({ ...recordOf({ value: 'a;b c=d', name: '_acme-challenge.www.example.com' }), ttl: 30 });
    await remove(recordOf({ value: 'a;b c=d', name: '_acme-challenge.www.example.com' }));
    await zones();
    await run(async (provider) => provider.checkRights?.());
    const requests = [...fake.server.requests];
    const keys = { apikey: fake.options['apiKey'], secretapikey: fake.options['secretApiKey'] };
    const record = { name: '_acme-challenge.www', type: 'TXT', content: 'a;b c=d', ttl: 600 };
    expect(requests.map(({ method, path, body }) => [method, path.slice(12), JSON.parse(body)])).toEqual([
      ['POST', '/dns/create/example.com', { ...keys, ...record }],
      ['POST', '/dns/retrieveByNameType/example.com/TXT/_acme-challenge.www', keys],
      ['POST', expect.stringMatching(/^\/dns\/delete\/example\.com\/\d+$/), keys],
      ['POST', '/domain/listAll', { ...keys, start: 0 }],
      ['POST', '/ping', keys],
    ]);
    const fits = vendorSchema(document);
    const schema = (name: string) => `/components/schemas/${name}`;
    for (const request of requests) {
      const { status, body } = await answerAgain(fake, request);
      const [asked, answered] = SCHEMAS[request.call] ?? [];
      fits(schema(asked ?? request.call), JSON.parse(request.body));
      fits(schema(status === 200 ? (answered ?? request.call) : 'ErrorResponse'), body);
    }
  });
});

itShares(porkbun, startPorkbunFake);

const SCHEMAS: Readonly<Record<string, readonly [asked: string, answered: string]>> = {
  [ADD]: ['CreateDnsRequest', 'CreateDnsResponse'],
  [READ]: ['AuthRequest', 'DnsRecordsResponse'],
  [REMOVE]: ['AuthRequest', 'BasicResponse'],
  'POST listAll': ['ListAllRequest', 'DomainListAllResponse'],
  'POST ping': ['AuthRequest', 'PingResponse'],
};
