import { afterEach, describe, expect, it } from 'vitest';
import definition from '../../../providers/virtualmin/index.ts';
import type { DnsProvider } from '../../../src/provider.ts';
import { startVirtualminFake, type VirtualminFake, type VirtualminFakeSettings } from '../../fakes/virtualmin.ts';
import {
  all,
  changesOf,
  failureOf,
  inProcessOf,
  NAME,
  OTHER,
  recordOf,
  statesOf,
  VALUE,
  ZONE,
  zonesOf,
} from '../../support/one-provider.ts';

const inProcess = inProcessOf(definition);
let fake: VirtualminFake;
afterEach(() => fake.close());
const start = async (settings: VirtualminFakeSettings = {}) => {
  fake = await startVirtualminFake(settings);
};
const calls = () => fake.server.takeCalls();
const run = <Result>(use: (provider: DnsProvider) => Promise<Result>, options = fake.options) =>
  inProcess({ options }, use);

describe('virtualmin asks no more than it has to', () => {
  it.each([[], [OTHER]])('two commands to add and two to remove beside %j', async (...others) => {
    await start();
    for (const other of others) fake.plant(NAME, other);
    await run(async (provider) => {
      expect((await provider.addTxt(recordOf())).changed).toBe(true);
      expect(calls()).toEqual(['get-dns', 'modify-dns']);
      expect((await provider.addTxt(recordOf())).changed).toBe(false);
      expect(calls()).toEqual(['get-dns']);
      expect(await provider.removeTxt(recordOf())).toBe('removed');
      expect(calls()).toEqual(['get-dns', 'modify-dns']);
      expect(await provider.removeTxt(recordOf())).toBe('absent');
      expect(calls()).toEqual(['get-dns']);
    });
    expect(fake.held(NAME)).toEqual(others);
  });

  it('two for 50 changes of a zone', async () => {
    await start();
    await run(async (provider) => {
      expect(await statesOf(provider, changesOf('add', 50))).toEqual(all(true, 50));
      expect(calls()).toEqual(['get-dns', 'modify-dns']);
      expect(await statesOf(provider, changesOf('remove', 51))).toEqual([...all(true, 50), false]);
      expect(calls()).toEqual(['get-dns', 'modify-dns']);
    });
    expect(fake.everything()).toEqual([]);
  });
});

describe('virtualmin sends', () => {
  it('exactly this, and the password in a header only', async () => {
    await start();
    await run(async (provider) => {
      await provider.addTxt(recordOf());
      await provider.removeTxt(recordOf());
      await zonesOf(provider);
    });
    const sent = fake.server.requests.map(({ method, path, query, body }) => [method, path, query, body]);
    const to = (form: Record<string, string>, program: string) => [
      ...['POST', '/virtual-server/remote.cgi', ''],
      new URLSearchParams({ program, json: '1', ...form }).toString(),
    ];
    const look = to({ domain: ZONE, type: 'TXT', name: NAME, multiline: '' }, 'get-dns');
    expect(sent).toEqual([
      look,
      to({ domain: ZONE, 'add-record-with-ttl': `${NAME}. TXT 60 ${VALUE}` }, 'modify-dns'),
      look,
      to({ domain: ZONE, 'remove-record': `${NAME}. TXT ${VALUE}` }, 'modify-dns'),
      to({ 'with-feature': 'dns', 'name-only': '' }, 'list-domains'),
    ]);
    const { username, password } = fake;
    const login = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    for (const { headers } of fake.server.requests) expect(headers['authorization']).toBe(login);
  });
});

describe('virtualmin finds', () => {
  it('the virtual servers and the name servers of a zone', async () => {
    await start({ zones: ['example.com', 'example.net'] });
    fake.plant(ZONE, 'NS1.example.net.', 'NS');
    expect(await run(zonesOf)).toEqual([{ name: 'example.com' }, { name: 'example.net' }]);
    expect(await run(async (provider) => provider.nameServers?.(ZONE))).toEqual(['ns1.example.net']);
  });
});

describe('virtualmin and others', () => {
  it('leaves other records and other values alone', async () => {
    await start();
    fake.plant(NAME, VALUE.toLowerCase());
    fake.plant(`_acme-challenge.www.${ZONE}`, VALUE);
    fake.plant(ZONE, 'v=spf1 -all');
    fake.plant(`www.${ZONE}`, '192.0.2.1', 'A');
    const before = fake.everything();
    await run((provider) => provider.addTxt(recordOf()));
    await run((provider) => provider.removeTxt(recordOf()));
    await run((provider) => statesOf(provider, changesOf('add', 3)));
    await run((provider) => statesOf(provider, changesOf('remove', 3)));
    expect(fake.everything()).toEqual(before);
  });

  it('does not remove a value that is another one and the same to the command', async () => {
    await start();
    fake.plantStrings(NAME, ['a b']);
    fake.plantStrings(NAME, ['a', 'b']);
    const failure = await failureOf(run((provider) => provider.removeTxt(recordOf({ value: 'a b' }))));
    expect(failure).toMatchObject({ code: 'E_REJECTED', hint: expect.stringContaining('DNS Records') });
    expect(fake.everything()).toHaveLength(2);
  });

  it.each(['a  b', ' a', 'a '])('refuses %j, of which the command would lose blanks', async (value) => {
    await start();
    const failure = await failureOf(run((provider) => provider.addTxt(recordOf({ value }))));
    expect(failure.code).toBe('E_REJECTED');
    expect(calls()).toEqual([]);
  });

  it.each(['before', 'after'] as const)('makes changes once where the answer is lost %s', async (effect) => {
    await start();
    fake.server.inject({ kind: 'reset', call: 'modify-dns', effect });
    expect(await run((provider) => statesOf(provider, changesOf('add', 3)))).toEqual(all(true, 3));
    expect(fake.everything()).toHaveLength(3);
  });

  it('says that it does not know where some of many changes were refused', async () => {
    const [, second] = changesOf('add', 2);
    await start({ login: 'owner', refuses: ({ name }) => name === `${second?.record.name}.` });
    const outcomes = await run(async (provider) => provider.changeTxt?.(ZONE, changesOf('add', 3)));
    expect(outcomes).toMatchObject(all({ state: 'unknown', error: { code: 'E_REJECTED' } }, 3));
    expect(fake.everything()).toHaveLength(1);
  });

  it.each([
    ['refused', { login: 'owner', refuses: () => true }, { code: 'E_REJECTED', outcomeUnknown: false }],
    ['written and not loaded', { failsToLoad: true }, undefined],
  ] as const)('knows of one change that it was %s', async (_, settings, expected) => {
    await start(settings);
    const adding = run((provider) => provider.addTxt(recordOf()));
    if (expected) expect(await failureOf(adding)).toMatchObject(expected);
    else expect((await adding).changed).toBe(true);
  });
});

describe('virtualmin is refused', () => {
  it.each([
    ['a wrong password', {}, { password: 'wrong' }, { code: 'E_AUTH', loginRefused: true }, /two-factor/],
    ['a login without the right', { login: 'nobody' }, {}, { code: 'E_AUTH' }, /Can call remote API/],
    ['an unknown virtual server', { zones: [] }, {}, { code: 'E_ZONE' }, undefined],
    [
      'one of others, in German',
      { login: 'owner', zones: [], othersZones: [ZONE], language: 'de' },
      {},
      { tryNextZone: true },
      undefined,
    ],
    ['an alias', { zones: [], aliases: [ZONE] }, {}, { code: 'E_REJECTED', outcomeUnknown: false }, /DNS Records/],
    ['a wrong address', {}, { url: '/panel' }, { code: 'E_PROTOCOL' }, /address of Webmin/],
  ] as const)('%s', async (_, settings, options, expected, hint) => {
    await start(settings);
    const more = 'url' in options ? { url: fake.server.origin + options.url } : options;
    const failure = await failureOf(run((provider) => provider.addTxt(recordOf()), { ...fake.options, ...more }));
    expect(failure).toMatchObject(expected);
    if (hint) expect(failure.hint).toMatch(hint);
    expect(fake.everything()).toEqual([]);
  });
});
