import { afterEach, describe, expect, it } from 'vitest';
import definition from '../../../providers/technitium/index.ts';
import { type DnsProvider, normaliseName } from '../../../src/provider.ts';
import { startTechnitiumFake, type TechnitiumFake, type TechnitiumFakeSettings } from '../../fakes/technitium.ts';
import { failureOf, inProcessOf, NAME, OTHER, recordOf, VALUE, ZONE, zonesOf } from '../../support/one-provider.ts';

const inProcess = inProcessOf(definition);
let fake: TechnitiumFake;
afterEach(() => fake.close());
const start = async (settings: TechnitiumFakeSettings = {}) => {
  fake = await startTechnitiumFake(settings);
};
const calls = () => fake.server.takeCalls();
const run = <Result>(use: (provider: DnsProvider) => Promise<Result>, options = fake.options) =>
  inProcess({ options }, use);
const releases = [['12'], ['15']] as const;

describe('technitium asks no more than it has to', () => {
  it.each([[], [OTHER]])('two requests to add beside %j, one to remove by the journal', async (...others) => {
    await start();
    for (const other of others) fake.plant(NAME, other);
    await run(async (provider) => {
      const { changed, ...handle } = await provider.addTxt(recordOf());
      expect([changed, handle.proven, calls()]).toEqual([true, true, ['records/get', 'records/add']]);
      expect((await provider.addTxt(recordOf())).changed).toBe(false);
      expect(calls()).toEqual(['records/get']);
      expect(await provider.removeTxt(recordOf(), handle)).toBe('removed');
      expect(calls()).toEqual(['records/delete']);
      expect(await provider.removeTxt(recordOf(), handle)).toBe('absent');
      expect(await provider.removeTxt(recordOf())).toBe('absent');
      expect(calls()).toEqual(['records/delete', 'records/get']);
      await provider.addTxt(recordOf());
      calls();
      expect(await provider.removeTxt(recordOf())).toBe('removed');
      expect(calls()).toEqual(['records/get', 'records/delete']);
    });
    expect(fake.held(NAME)).toEqual(others);
  });
});

describe('technitium sends', () => {
  it('exactly this, and the token in no address', async () => {
    await start();
    await run(async (provider) => {
      const { changed: _, ...handle } = await provider.addTxt(recordOf());
      await provider.removeTxt(recordOf(), handle);
      await zonesOf(provider);
    });
    const sent = fake.server.requests.map(({ method, path, query, body }) => [method, path, query, body]);
    const token = `token=${fake.options['token']}`;
    const at = `${token}&domain=${NAME}&zone=${ZONE}`;
    expect(sent).toEqual([
      ['POST', '/api/zones/records/get', '', at],
      ['POST', '/api/zones/records/add', '', `${at}&type=TXT&ttl=60&text=${VALUE}`],
      ['POST', '/api/zones/records/delete', '', `${at}&type=TXT&text=${VALUE}`],
      ['POST', '/api/zones/list', '', `${token}&pageNumber=1&zonesPerPage=500`],
    ]);
  });
});

describe('technitium finds', () => {
  it('zones on the second page, and leaves out copies and its own', async () => {
    const zones = Array.from({ length: 501 }, (_, index) => `z${String(index).padStart(3, '0')}.example`);
    await start({ zones: [...zones, 'copy.example'], types: { 'copy.example': 'Secondary' } });
    expect(await run(zonesOf)).toEqual(zones.map((name) => ({ name, active: true })));
    expect(calls()).toEqual(['list', 'list']);
  });

  it('the name servers of a zone', async () => {
    await start();
    fake.plant(ZONE, 'NS1.example.net.', 'NS');
    expect(await run(async (provider) => provider.nameServers?.(ZONE))).toEqual(['ns1.example.net']);
  });

  it.each(['addTxt', 'removeTxt'] as const)('that a name is in a zone above, and changes nothing: %s', async (verb) => {
    await start();
    fake.plant('_acme-challenge.sub.example.com', VALUE);
    const name = normaliseName('_acme-challenge.sub.example.com');
    const record = recordOf({ name, zone: normaliseName('sub.example.com') });
    const failure = await failureOf(run<unknown>((provider) => provider[verb](record)));
    expect(failure).toMatchObject({ code: 'E_ZONE', hint: expect.stringContaining('example.com') });
    expect(fake.everything()).toHaveLength(1);
  });
});

describe('technitium and others', () => {
  it.each(releases)('leaves other records and values, and their TTL, alone (release %s)', async (release) => {
    await start({ release });
    fake.plantStrings(NAME, [VALUE.toLowerCase()], { ttl: 3600 });
    fake.plant(`_acme-challenge.www.${ZONE}`, VALUE);
    fake.plant(ZONE, 'v=spf1 -all');
    fake.plant(`www.${ZONE}`, '192.0.2.1', 'A');
    const before = fake.everything();
    await run((provider) => provider.addTxt(recordOf()));
    expect(fake.held(NAME)).toEqual([VALUE, VALUE.toLowerCase()]);
    await run((provider) => provider.removeTxt(recordOf()));
    expect(fake.everything()).toEqual(before);
  });

  it('does not take a disabled value for its own, and says so', async () => {
    await start();
    fake.plantStrings(NAME, [VALUE], { ttl: 300, disabled: true });
    const failure = await failureOf(run((provider) => provider.addTxt(recordOf())));
    expect(failure).toMatchObject({ code: 'E_REJECTED', message: expect.stringContaining('already exists') });
    expect(await run((provider) => provider.removeTxt(recordOf()))).toBe('absent');
    expect(fake.everything()).toHaveLength(1);
  });

  it('removes a long value that another program has split in its own way', async () => {
    await start();
    const value = 'x'.repeat(400);
    fake.plantStrings(NAME, ['x'.repeat(100), 'x'.repeat(300)]);
    expect(await run((provider) => provider.removeTxt(recordOf({ value })))).toBe('removed');
    expect(fake.everything()).toEqual([]);
  });

  it('adds one record where two processes add the same value at once', async () => {
    await start();
    const both = await Promise.all([1, 2].map(() => run((provider) => provider.addTxt(recordOf()))));
    expect(both.map(({ changed }) => changed).sort()).toEqual([false, true]);
    expect(fake.held(NAME)).toEqual([VALUE]);
  });

  it.each(releases)('does not undo what another program writes in between (release %s)', async (release) => {
    let isWritten = false;
    await start({
      release,
      afterCall(call) {
        if (call !== 'records/get' || isWritten) return;
        isWritten = true;
        fake.plant(NAME, OTHER);
      },
    });
    await run((provider) => provider.addTxt(recordOf()));
    expect(fake.held(NAME)).toEqual([VALUE, OTHER].sort());
  });
});

describe('technitium is refused', () => {
  it.each([
    ['a wrong token', {}, { token: 'wrong' }, { code: 'E_AUTH', loginRefused: true }, /Create Token/],
    [
      'a zone of another user',
      { zones: [], forbidden: [ZONE] },
      {},
      { code: 'E_AUTH', tryNextZone: true },
      /Permissions/,
    ],
    ['an unknown zone', { zones: [] }, {}, { code: 'E_ZONE' }, undefined],
    ['a zone that is a copy', { types: { [ZONE]: 'Secondary' } }, {}, { code: 'E_REJECTED' }, /primary zone/],
    ['a wrong address', {}, { url: '/panel' }, { code: 'E_PROTOCOL' }, /web console/],
  ] as const)('%s', async (_, settings, options, expected, hint) => {
    await start(settings);
    const more = 'url' in options ? { url: fake.server.origin + options.url } : options;
    const failure = await failureOf(run((provider) => provider.addTxt(recordOf()), { ...fake.options, ...more }));
    expect(failure).toMatchObject(expected);
    if (hint) expect(failure.hint).toMatch(hint);
    expect(fake.everything()).toEqual([]);
  });

  it('a name beside a CNAME', async () => {
    await start();
    fake.plant(NAME, 'www.example.net', 'CNAME');
    const failure = await failureOf(run((provider) => provider.addTxt(recordOf())));
    expect(failure).toMatchObject({
      code: 'E_REJECTED',
      message: expect.stringContaining('a CNAME record cannot exist'),
    });
  });
});
