import { afterEach, describe, expect, it } from 'vitest';
import definition from '../../../providers/desec/index.ts';
import { type DnsProvider, normaliseName, type TxtChange } from '../../../src/provider.ts';
import { type DesecFake, type DesecFakeSettings, startDesecFake } from '../../fakes/desec.ts';
import type { DesecPolicy } from '../../fakes/desec-rules.ts';
import { createTestContext } from '../../support/context.ts';
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
let fake: DesecFake;
afterEach(() => fake.close());
const start = async (settings: DesecFakeSettings = {}) => {
  fake = await startDesecFake(settings);
};
const calls = () => fake.server.takeCalls();
const run = <Result>(use: (provider: DnsProvider) => Promise<Result>) => inProcess(fake, use);
const add = (record = recordOf()) => run((provider) => provider.addTxt(record));
const remove = (record = recordOf()) => run((provider) => provider.removeTxt(record));
const change = (changes: readonly TxtChange[]) => run((provider) => statesOf(provider, changes));

describe('desec asks no more than it has to', () => {
  it('one request to add at an empty name, four beside another value, two where it is there', async () => {
    await start();
    await add();
    expect(calls()).toEqual(['POST rrsets']);
    await add(recordOf({ value: OTHER }));
    expect(calls()).toEqual(['POST rrsets', 'GET rrsets', 'PATCH rrsets', 'GET rrsets']);
    expect((await add()).changed).toBe(false);
    expect(calls()).toEqual(['POST rrsets', 'GET rrsets']);
    expect(await remove()).toBe('removed');
    expect(calls()).toEqual(['GET rrsets', 'PATCH rrsets']);
    expect(await remove()).toBe('absent');
    expect(calls()).toEqual(['GET rrsets']);
  });

  it('the same for 50 changes of a zone', async () => {
    await start();
    expect(await change(changesOf('add', 50))).toEqual(all(true, 50));
    expect(calls()).toEqual(['POST rrsets']);
    expect(await change([...changesOf('add', 50, OTHER), ...changesOf('add', 1)])).toEqual([...all(true, 50), false]);
    expect(calls()).toEqual(['POST rrsets', 'GET rrsets', 'PATCH rrsets', 'GET rrsets']);
    expect(await change([...changesOf('remove', 50), ...changesOf('remove', 50, OTHER)])).toEqual(all(true, 100));
    expect(calls()).toEqual(['GET rrsets', 'PATCH rrsets']);
    expect(fake.everything()).toHaveLength(2);
  });

  it('two more where the domain has another least TTL', async () => {
    await start({ minimumTtl: 7200 });
    await run(async (provider) => {
      await provider.addTxt(recordOf());
      expect(calls()).toEqual(['POST rrsets', 'GET domain', 'POST rrsets']);
      await statesOf(provider, changesOf('add', 2));
      expect(calls()).toEqual(['POST rrsets']);
    });
    expect(fake.everything().filter((line) => line.includes(' 7200 TXT '))).toHaveLength(3);
  });
});

describe('desec sends', () => {
  it('exactly this', async () => {
    await start();
    await add();
    await remove();
    const set = (records: string[]) => ({ subname: '_acme-challenge', records, type: 'TXT', ttl: 3600 });
    const sent = fake.server.requests.map(({ method, path, query, body }) => [
      method,
      path,
      query,
      body && JSON.parse(body),
    ]);
    const path = '/api/v1/domains/example.com/rrsets/';
    const read = ['GET', path, 'type=TXT&subname=_acme-challenge&cursor=', ''];
    expect(sent).toEqual([['POST', path, '', set([`"${VALUE}"`])], read, ['PATCH', path, '', [set([])]]]);
    expect(fake.server.requests[0]?.headers['authorization']).toBe(`Token ${fake.options['token']}`);
  });

  it('a TTL of the API, and keeps that of a set that is there', async () => {
    await start({ minimumTtl: 60 });
    fake.plant(`_acme-challenge.host0.${ZONE}`, OTHER);
    await change(changesOf('add', 2).map((one) => ({ ...one, record: { ...one.record, ttl: 900_000 } })));
    const ttls = fake
      .everything()
      .filter((line) => line.includes(VALUE))
      .map((line) => line.split(' ').slice(0, 2));
    expect(ttls).toEqual([
      [`_acme-challenge.host0.${ZONE}`, '60'],
      [`_acme-challenge.host1.${ZONE}`, '86400'],
    ]);
  });
});

describe('the limits of a domain', () => {
  it('count writes alone, because only they name it', async () => {
    await start();
    const context = createTestContext();
    const named: unknown[] = [];
    const send: typeof context.http.send = (call) => {
      named.push([call.method, call.zone]);
      return context.http.send(call);
    };
    const { url, token } = fake.options as { url: string; token: string };
    const provider = definition.create({ url, token }, { ...context, http: { ...context.http, send } });
    await provider.addTxt(recordOf());
    await provider.removeTxt(recordOf());
    await context.http.close();
    expect(named).toEqual([
      ['POST', ZONE],
      ['GET', undefined],
      ['PATCH', ZONE],
    ]);
  });
});

describe('desec and others', () => {
  it('leaves other records and other values alone', async () => {
    await start();
    fake.plant(NAME, VALUE.toLowerCase());
    fake.plant(NAME, 'with "quotes" and \\');
    fake.plant(ZONE, 'v=spf1 -all');
    fake.plant(`www.${ZONE}`, '192.0.2.1', 'A');
    const before = fake.everything().sort();
    await add();
    await remove();
    await add(recordOf({ name: ZONE }));
    await remove(recordOf({ name: ZONE }));
    expect(fake.everything().sort()).toEqual(before);
  });

  it('finds names and domains on the second page', async () => {
    await start({ pageSize: 2, zones: ['example.com', 'example.net', 'example.org'] });
    await change(changesOf('add', 5));
    calls();
    expect(await change(changesOf('remove', 5))).toEqual(all(true, 5));
    expect(calls()).toEqual([...all('GET rrsets', 3), 'PATCH rrsets']);
    expect(await run(zonesOf)).toEqual(['example.com', 'example.net', 'example.org'].map((name) => ({ name })));
    expect(await run(async (provider) => provider.nameServers?.(ZONE))).toEqual(['ns1.desec.io', 'ns2.desec.org']);
  });

  it('keeps both values where two processes create the name at once', async () => {
    await start();
    // One process at a time changes a zone; this is a second machine.
    await Promise.all([add(), add(recordOf({ value: OTHER }))]);
    expect(fake.held(NAME).sort()).toEqual([VALUE, OTHER].sort());
  });

  it('adds its value again where another program overwrites it', async () => {
    let isOverwritten = false;
    await start({
      afterCall(call) {
        if (call !== 'PATCH rrsets' || isOverwritten) return;
        isOverwritten = true;
        fake.unplant(NAME);
        fake.plant(NAME, 'of the other program');
      },
    });
    fake.plant(NAME, OTHER);
    expect((await add()).changed).toBe(true);
    expect(fake.held(NAME)).toEqual(['of the other program', VALUE]);
  });

  it('says so where another program overwrites it each time', async () => {
    await start({
      afterCall(call) {
        if (call !== 'PATCH rrsets') return;
        fake.unplant(NAME);
        fake.plant(NAME, OTHER);
      },
    });
    fake.plant(NAME, OTHER);
    const failure = await failureOf(add());
    expect(failure).toMatchObject({ code: 'E_REMOTE', outcomeUnknown: true });
    expect(failure.message).toMatch(/are not what was written, 3 times in a row/);
  });

  it.each(['before', 'after'] as const)('creates sets once where the answer is lost %s', async (effect) => {
    await start();
    fake.server.inject({ kind: 'reset', call: 'POST rrsets', effect });
    expect(await change(changesOf('add', 3))).toEqual(all(true, 3));
    expect(fake.everything()).toHaveLength(5);
  });

  it('changes nothing where one of many is refused', async () => {
    await start();
    fake.plant(`_acme-challenge.host1.${ZONE}`, 'elsewhere.example.', 'CNAME');
    expect(await change(changesOf('add', 3))).toEqual(all('E_REJECTED', 3));
    expect(fake.everything()).toHaveLength(3);
  });
});

const policy = (
  domain: string | null,
  subname: string | null,
  type: string | null,
  perm_write = true,
): DesecPolicy => ({
  domain,
  subname,
  type,
  perm_write,
});

describe('a token with policies', () => {
  const policies = [policy(null, null, null, false), policy(ZONE, '_acme-challenge', 'TXT')];

  it('does its work at the challenge name, and nowhere else', async () => {
    await start({ policies });
    await add();
    await remove();
    const failure = await failureOf(add(recordOf({ name: normaliseName(`_acme-challenge.www.${ZONE}`) })));
    expect(failure).toMatchObject({ code: 'E_AUTH', status: 403, tryNextZone: false });
    expect(failure.hint).toMatch(/add a policy to the token/);
    expect(await failureOf(change(changesOf('add', 2)))).toMatchObject({ code: 'E_AUTH' });
    expect(fake.everything()).toHaveLength(2);
  });

  it('is not told from one that may not see itself', async () => {
    await start({ policies });
    expect(await run(async (provider) => provider.checkRights?.())).toEqual([{ right: 'API token', held: true }]);
  });

  it.each([
    ['365 00:00:00', null, '2027-01-18T18:01:35.454Z'],
    ['1 02:03:04', '01:00:00', '2026-01-19T20:04:39.454Z'],
    [null, null, undefined],
  ])(
    'shows its end where it may see itself: max_age %s, max_unused_period %s',
    async (max_age, max_unused_period, end) => {
      await start({ managesTokens: { max_age, max_unused_period } });
      const [right] = (await run(async (provider) => provider.checkRights?.())) ?? [];
      expect(right?.until?.toISOString()).toBe(end);
    },
  );
});

describe('desec is refused', () => {
  const nowhere = recordOf({
    zone: normaliseName('nowhere.test'),
    name: normaliseName('_acme-challenge.nowhere.test'),
  });

  it.each([
    [
      'with an unknown token',
      { token: 'unknown' },
      recordOf(),
      { code: 'E_AUTH', loginRefused: true },
      /allowed_subnets/,
    ],
    ['with a line break in the token', { token: 'a\nb' }, recordOf(), { code: 'E_CONFIG' }, /put only the token/],
    ['a domain that is not there', {}, nowhere, { code: 'E_ZONE', tryNextZone: true }, /in the account of the token/],
    ['at another address', { path: '/elsewhere' }, recordOf(), { code: 'E_ZONE' }, /./],
  ])('%s', async (_, { path, ...options }: { path?: string; token?: string }, record, expected, hint) => {
    await start();
    const url = `${fake.server.origin}${path ?? '/api/v1'}`;
    const failure = await failureOf(
      inProcess({ options: { ...fake.options, url, ...options } }, (provider) => provider.addTxt(record)),
    );
    expect(failure).toMatchObject(expected);
    expect(failure.hint).toMatch(hint);
  });

  it("with the API's own words beside a CNAME", async () => {
    await start();
    fake.plant(NAME, 'elsewhere.example.', 'CNAME');
    const failure = await failureOf(add());
    expect(failure).toMatchObject({ code: 'E_REJECTED', status: 400 });
    expect(failure.message).toMatch(/RRset with conflicting type present at same subname: database \(CNAME\)/);
  });
});
