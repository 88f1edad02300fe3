import { afterEach, describe, expect, it } from 'vitest';
import definition from '../../../providers/froxlor/index.ts';
import { type DnsProvider, normaliseName } from '../../../src/provider.ts';
import { type FroxlorFake, type FroxlorFakeSettings, startFroxlorFake } from '../../fakes/froxlor.ts';
import { failureOf, inProcessOf, NAME, OTHER, recordOf, VALUE, ZONE, zonesOf } from '../../support/one-provider.ts';

const inProcess = inProcessOf(definition);
let fake: FroxlorFake;
afterEach(() => fake.close());
const start = async (settings: FroxlorFakeSettings = {}) => {
  fake = await startFroxlorFake(settings);
};
const calls = () => fake.server.takeCalls().map((call) => call.replace('DomainZones.', ''));
const run = <Result>(use: (provider: DnsProvider) => Promise<Result>, options = fake.options) =>
  inProcess({ options }, use);

describe('froxlor asks no more than it has to', () => {
  it.each([[], [OTHER]])('two requests to add and two to remove beside %j', async (...others) => {
    await start();
    for (const other of others) fake.plant(NAME, other);
    await run(async (provider) => {
      expect((await provider.addTxt(recordOf())).changed).toBe(true);
      expect(calls()).toEqual(['get', 'listing', 'add']);
      await provider.addTxt(recordOf({ value: 'another' }));
      expect(calls()).toEqual(['listing', 'add']);
      expect((await provider.addTxt(recordOf())).changed).toBe(false);
      expect(calls()).toEqual(['listing']);
      for (const value of [VALUE, 'another']) {
        expect(await provider.removeTxt(recordOf({ value }))).toBe('removed');
        expect(calls()).toEqual(['listing', 'delete']);
      }
      expect(await provider.removeTxt(recordOf())).toBe('absent');
    });
    expect(fake.held(NAME)).toEqual(others);
  });
});

describe('froxlor sends', () => {
  it('exactly this, and its secrets in a header only', async () => {
    await start();
    await run(async (provider) => {
      await provider.addTxt(recordOf());
      await provider.removeTxt(recordOf());
      await zonesOf(provider);
    });
    const sent = fake.server.requests.map(({ method, path, query, body }) => [method, path, query, JSON.parse(body)]);
    const to = (command: string, params: object) => ['POST', '/api.php', '', { command, params }];
    const domainname = ZONE;
    const added = { domainname, record: '_acme-challenge', type: 'TXT', content: VALUE, ttl: 60 };
    expect(sent).toEqual([
      to('DomainZones.get', { domainname }),
      to('DomainZones.listing', { domainname }),
      to('DomainZones.add', added),
      to('DomainZones.listing', { domainname }),
      to('DomainZones.delete', { domainname, entry_id: '101' }),
      to('SubDomains.listing', { with_ips: false }),
    ]);
    const { apiKey, apiSecret } = fake.options;
    const login = `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`;
    for (const { headers } of fake.server.requests) expect(headers['authorization']).toBe(login);
  });

  it('international labels as they are read, and finds them again', async () => {
    await start();
    const record = recordOf({ name: normaliseName('_acme-challenge.bücher.example.com') });
    await run((provider) => provider.addTxt(record));
    expect(fake.server.requests.at(-1)?.body).toContain('"record":"_acme-challenge.bücher"');
    expect(fake.held('_acme-challenge.xn--bcher-kva.example.com')).toEqual([VALUE]);
    expect(await run((provider) => provider.removeTxt(record))).toBe('removed');
  });

  it('the name of the zone itself as @', async () => {
    await start();
    await run((provider) => provider.addTxt(recordOf({ name: ZONE })));
    expect(fake.held(ZONE)).toEqual([VALUE]);
  });
});

describe('froxlor finds', () => {
  it('the domains that are zones, and the name servers of one', async () => {
    await start({
      zones: ['example.com', 'example.net'],
      subdomains: ['www.example.com'],
      withoutDns: ['example.org'],
    });
    expect(await run(zonesOf)).toEqual(['example.com', 'example.net'].map((name) => ({ name, active: true })));
    expect(await run(async (provider) => provider.nameServers?.(ZONE))).toEqual(['ns1.example.net']);
  });

  it.each(['addTxt', 'removeTxt'] as const)('that a subdomain is no zone: %s', async (verb) => {
    await start({ subdomains: ['www.example.com'] });
    const zone = normaliseName('www.example.com');
    const record = recordOf({ zone, name: normaliseName('_acme-challenge.www.example.com') });
    expect(await failureOf(run<unknown>((provider) => provider[verb](record)))).toMatchObject({ code: 'E_ZONE' });
    expect(fake.everything()).toEqual([]);
  });
});

describe('froxlor and others', () => {
  it('leaves other records and other values alone', async () => {
    await start();
    fake.plant(NAME, VALUE.toLowerCase());
    fake.plant(`_acme-challenge.www.${ZONE}`, VALUE);
    fake.plant(ZONE, 'v=spf1 -all');
    fake.plant(`www.${ZONE}`, '192.0.2.1', 'A');
    const before = fake.everything();
    await run((provider) => provider.addTxt(recordOf()));
    await run((provider) => provider.removeTxt(recordOf()));
    expect(fake.everything()).toEqual(before);
  });

  it('takes the same value with another TTL as its own, and removes all of them', async () => {
    await start();
    fake.plantWithTtl(NAME, VALUE, 3600);
    expect((await run((provider) => provider.addTxt(recordOf()))).changed).toBe(false);
    fake.plantWithTtl(NAME, VALUE, 300);
    expect(await run((provider) => provider.removeTxt(recordOf()))).toBe('removed');
    expect(fake.everything()).toEqual([]);
  });

  it.each(['en', 'de'] as const)(
    'adds one record where two processes add it at once (messages in %s)',
    async (language) => {
      await start({ language });
      const both = await Promise.all([1, 2].map(() => run((provider) => provider.addTxt(recordOf()))));
      expect(both.map(({ changed }) => changed).sort()).toEqual([false, true]);
      expect(fake.held(NAME)).toEqual([VALUE]);
    },
  );
});

describe('froxlor is refused', () => {
  it.each([
    ['a wrong key', {}, { apiKey: 'wrong' }, { code: 'E_AUTH', status: 403, loginRefused: true }, /Allowed from/],
    ['an API that is off', { apiEnabled: false }, {}, { code: 'E_AUTH', loginRefused: false }, /Froxlor API/],
    ['a customer without the DNS editor', { dnsAllowed: false }, {}, { code: 'E_AUTH', status: 405 }, /DNS editor/],
    ['a domain of another customer', { zones: [] }, {}, { code: 'E_ZONE', status: 404 }, undefined],
    ['a domain without DNS', { zones: [], withoutDns: [ZONE], language: 'de' }, {}, { tryNextZone: true }, undefined],
    ['a wrong address', {}, { url: '/panel' }, { code: 'E_PROTOCOL' }, /login page/],
  ] as const)('%s', async (_, settings, options, expected, hint) => {
    await start(settings);
    const more = 'url' in options ? { url: fake.server.origin + options.url } : options;
    const failure = await failureOf(run((provider) => provider.addTxt(recordOf()), { ...fake.options, ...more }));
    expect(failure).toMatchObject(expected);
    if (hint) expect(failure.hint).toMatch(hint);
    expect(fake.everything()).toEqual([]);
  });

  it.each([
    ['a name beside a CNAME', '_acme-challenge', 'CNAME record'],
    ['a name that is too long', `_acme-challenge.${'x'.repeat(50)}`, 'up to 63 characters'],
  ])('%s', async (_, host, text) => {
    await start();
    fake.plant(NAME, 'www.example.net', 'CNAME');
    const record = recordOf({ name: normaliseName(`${host}.${ZONE}`) });
    const failure = await failureOf(run((provider) => provider.addTxt(record)));
    expect(failure).toMatchObject({ code: 'E_REJECTED', status: 406, message: expect.stringContaining(text) });
    expect(fake.everything()).toHaveLength(1);
  });
});
