import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import gandi from '../../../providers/gandi/index.ts';
import {
  GANDI_API_KEY,
  GANDI_TOKEN,
  type GandiFake,
  type GandiFakeSettings,
  startGandiFake,
} from '../../fakes/gandi.ts';
import { NAME, OTHER, recordOf, VALUE, verbsOn, ZONE, zonesOf } from '../../support/one-provider.ts';

const [GET, POST, PATCH, DELETE] = ['GET record', 'POST record', 'PATCH record', 'DELETE record'];

let fake: GandiFake;
afterEach(() => fake.close());
const start = async (settings?: GandiFakeSettings) => {
  fake = await startGandiFake(settings);
};
const { add, remove, zones, nameServers, run } = verbsOn(gandi, () => fake);
const calls = () => fake.server.takeCalls();
const bodies = () => fake.server.requests.filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body));

describe('gandi needs as few requests as the API allows', () => {
  it('1 to add at an empty name, 2 to remove', async () => {
    await start();
    expect(await add()).toEqual({ zone: ZONE, changed: true });
    expect(calls()).toEqual([POST]);
    expect(await add()).toMatchObject({ changed: false });
    expect(calls()).toEqual([POST]);
    expect(await remove()).toBe('removed');
    expect(calls()).toEqual([GET, DELETE]);
    expect(await remove()).toBe('absent');
    expect(calls()).toEqual([GET]);
    expect(fake.sets).toEqual([]);
  });

  it('3 to add beside other values, 2 if the value is there, 2 to remove', async () => {
    await start();
    fake.plant(NAME, OTHER);
    const before = fake.everything();
    expect(await add()).toMatchObject({ changed: true });
    expect(calls()).toEqual([POST, GET, PATCH]);
    expect(await add()).toMatchObject({ changed: false });
    expect(calls()).toEqual([POST, GET]);
    expect(await remove()).toBe('removed');
    expect(calls()).toEqual([GET, PATCH]);
    expect(fake.everything()).toEqual(before);
  });

  it('in the form of the documents: quoted values, names relative to the domain, a TTL of at least 300', async () => {
    await start();
    fake.plant(NAME, OTHER);
    await add();
    await remove();
    await add(recordOf({ name: ZONE }));
    await add({ ...recordOf({ name: `_acme-challenge.www.${ZONE}` }), ttl: 9_999_999 });
    expect(bodies()).toEqual([
      { rrset_values: [`"${VALUE}"`], rrset_ttl: 300 },
      { add_rrset_values: [`"${VALUE}"`] },
      { remove_rrset_values: [`"${VALUE}"`] },
      { rrset_values: [`"${VALUE}"`], rrset_ttl: 300 },
      { rrset_values: [`"${VALUE}"`], rrset_ttl: 2_592_000 },
    ]);
    const { requests } = fake.server;
    expect(requests[0]).toMatchObject({
      method: 'POST',
      path: '/v5/livedns/domains/example.com/records/_acme-challenge/TXT',
      headers: { authorization: `Bearer ${GANDI_TOKEN}`, 'content-type': 'application/json' },
    });
    expect(requests.at(-2)?.path).toBe('/v5/livedns/domains/example.com/records/%40/TXT');
    expect(requests.at(-1)?.path).toBe('/v5/livedns/domains/example.com/records/_acme-challenge.www/TXT');
  });
});

describe('gandi, while another program writes', () => {
  it('keeps what that adds between the read and the change', async () => {
    let count = 0;
    await start({ afterCall: (call) => call === GET && fake.plant(NAME, `theirs ${++count}`) });
    fake.plant(NAME, OTHER);
    await add();
    expect(fake.held(NAME)).toEqual([OTHER, 'theirs 1', VALUE]);
    await remove();
    expect(fake.held(NAME)).toEqual([OTHER, 'theirs 1', 'theirs 2']);
  });

  it('adds again where that has deleted the set', async () => {
    await start({ afterCall: (call) => void (call === GET && fake.sets.splice(0)) });
    fake.plant(NAME, OTHER);
    expect(await add()).toMatchObject({ changed: true });
    expect(calls()).toEqual([POST, GET, PATCH, POST]);
    expect(fake.held(NAME)).toEqual([VALUE]);
  });

  it('adds to a set without values, as acme.sh leaves it', async () => {
    await start();
    fake.sets.push({ zone: ZONE, name: '_acme-challenge', type: 'TXT', ttl: 300, values: [] });
    expect(await remove()).toBe('absent');
    expect(await add()).toMatchObject({ changed: true });
    expect(fake.held(NAME)).toEqual([VALUE]);
  });

  it('takes turns with other processes, which the definition asks for', () => {
    expect(gandi.exclusive).toBe(true);
  });
});

it.each(['before', 'after'] as const)(
  'a lost answer %s a PATCH loses nothing, and the value is ours',
  async (effect) => {
    await start();
    fake.plant(NAME, OTHER);
    fake.server.inject({ call: PATCH, kind: 'reset', effect });
    expect(await add()).toMatchObject({ changed: true });
    expect(fake.held(NAME)).toEqual([OTHER, VALUE]);
    fake.server.inject({ call: PATCH, kind: 'reset', effect });
    expect(await remove()).toBe('removed');
    expect(fake.held(NAME)).toEqual([OTHER]);
  },
);

it('a POST that arrives after its repetition has been looked for is ours as well', async () => {
  await start({ afterCall: (call) => call === GET && fake.plant(NAME, VALUE) });
  fake.server.inject({ call: POST, kind: 'reset', effect: 'before' });
  expect(await add()).toMatchObject({ changed: true });
  expect(calls()).toEqual([POST, GET, POST]);
});

describe('gandi says what is wrong', () => {
  const addWith = (options: Readonly<Record<string, unknown>>) =>
    run((provider) => provider.addTxt(recordOf()), options);

  it.each([
    ['a token that has ended', 'pat_ended'],
    ['an API key of the old kind', GANDI_API_KEY],
  ])('%s', async (_, token) => {
    await start();
    const failure = await addWith({ token }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'E_AUTH',
      hint: expect.stringMatching(/has not ended.*API key of the old kind/),
    });
    expect(String(failure)).not.toContain('invalid or has expired');
    await expect(run(zonesOf, { token })).rejects.toMatchObject({ code: 'E_AUTH', tryNextZone: false });
  });

  it('a token without the right for this domain; another zone is tried', async () => {
    await start({ zones: ['example.com', 'www.example.com'], forbidden: ['www.example.com'] });
    const record = recordOf({ name: '_acme-challenge.www.example.com', zone: 'www.example.com' });
    await expect(add(record)).rejects.toMatchObject({
      code: 'E_AUTH',
      message: expect.stringContaining('for www.example.com'),
      tryNextZone: true,
    });
    expect(await add({ ...record, zone: ZONE })).toMatchObject({ changed: true });
  });

  it('a domain that is not in LiveDNS', async () => {
    await start();
    const record = recordOf({ name: '_acme-challenge.nowhere.test', zone: 'nowhere.test' });
    await expect(add(record)).rejects.toMatchObject({
      code: 'E_ZONE',
      message: expect.stringContaining('The resource could not be found'),
    });
    await expect(remove(record)).rejects.toMatchObject({ code: 'E_ZONE' });
  });

  it('a name that takes no TXT record', async () => {
    await start();
    fake.plant(NAME, 'other.example.net.', 'CNAME');
    await expect(add()).rejects.toMatchObject({ code: 'E_REJECTED', message: expect.stringContaining('CNAME') });
  });
});

it('lists domains over two pages', async () => {
  const names = Array.from({ length: 101 }, (_, index) => `example${index}.com`);
  await start({ zones: names });
  expect((await zones()).map(({ name }) => name)).toEqual(names);
  expect(calls()).toEqual(['GET domains', 'GET domains']);
});

it('shows the name servers of a domain', async () => {
  await start();
  const servers = (await nameServers()) ?? [];
  expect(servers).toEqual(['ns-154-a.gandi.net', 'ns-232-b.gandi.net', 'ns-109-c.gandi.net']);
  for (const server of servers) expect(gandi.nameServerPatterns?.some((pattern) => pattern.test(server))).toBe(true);
});

it.each([{ apiKey: 'x' }, { url: 'https://you:me@api.gandi.net' }, { token: '' }])(
  'an option is refused: %o',
  (wrong) => {
    expect(z.safeParse(gandi.options, { token: GANDI_TOKEN, ...wrong }).success).toBe(false);
  },
);
