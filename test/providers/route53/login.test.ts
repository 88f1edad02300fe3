import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import route53 from '../../../providers/route53/index.ts';
import { type Route53Fake, type Route53FakeSettings, startRoute53Fake } from '../../fakes/route53.ts';
import { all, inProcessOf, NAME, recordOf, VALUE, ZONE } from '../../support/one-provider.ts';
import { withoutPauses } from '../../support/stand-in-contract.ts';

const withProvider = inProcessOf(route53);

let fake: Route53Fake;
afterEach(() => fake.close());
const start = async (settings?: Route53FakeSettings) => {
  fake = await startRoute53Fake(settings);
};
const add = (options: Readonly<Record<string, unknown>> = {}) =>
  withProvider({ options: { ...fake.options, ...options } }, (provider) => provider.addTxt(recordOf()));

describe('route53 says what is wrong with a login', () => {
  it.each<[string, Route53FakeSettings, Readonly<Record<string, unknown>>, RegExp]>([
    ['an unknown access key', {}, { accessKeyId: 'AKIAUNKNOWN456789ABC' }, /accessKeyId/],
    ['a wrong secret', {}, { secretAccessKey: 'wrong' }, /secretAccessKey/],
    ['no session token', { temporary: true }, { sessionToken: undefined }, /sessionToken/],
    ['a wrong session token', { temporary: true }, { sessionToken: 'ended' }, /sessionToken/],
    ['a clock that is 6 minutes late', { clockMs: 360_000 }, {}, /set the clock/],
    ['a clock that is 6 minutes early', { clockMs: -360_000 }, {}, /set the clock/],
    ['no right to look for zones', { denied: ['ListHostedZonesByName'] }, {}, /the policy/],
    ['no right to change', { denied: ['ChangeResourceRecordSets'] }, {}, /the policy/],
  ])('%s', async (_, settings, options, hint) => {
    await start(settings);
    const failure = await add(options).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'E_AUTH', hint: expect.stringMatching(hint), outcomeUnknown: false });
    expect(String(failure)).not.toMatch(/arn:aws|security token included/);
    expect(fake.held(NAME)).toEqual([]);
  });

  it('that has ended', async () => {
    await start();
    const body = '<ErrorResponse><Error><Code>ExpiredToken</Code><Message>secret</Message></Error></ErrorResponse>';
    const { startFaultServer } = await import('../../fakes/fault-server.ts');
    const server = await startFaultServer({ nameOf: () => 'any', reply: () => ({ status: 403, body }) });
    await expect(add({ url: server.origin })).rejects.toMatchObject({
      code: 'E_AUTH',
      hint: expect.stringContaining('new temporary'),
    });
    await server.close();
  });

  it('and takes temporary credentials and a clock that is nearly right', async () => {
    await start({ temporary: true, clockMs: 240_000 });
    expect(await add()).toMatchObject({ changed: true });
    expect(fake.server.requests[0]?.headers['authorization']).toContain(
      'SignedHeaders=host;x-amz-date;x-amz-security-token,',
    );
  });
});

describe('route53 finds the zone', () => {
  it('skips private zones of the name, over two pages', async () => {
    await start({
      zones: ['example.com', 'b.example.com'],
      privateZones: ['example.com', 'example.com', 'a.test'],
      pageSize: 1,
    });
    await add();
    expect(fake.held(NAME)).toEqual([VALUE]);
    // Two private ones, the public one, and the next, which shows that it is the only one.
    expect(fake.server.takeCalls()).toEqual([...all('GET hostedzonesbyname', 4), 'POST rrset']);
    const zones: string[] = [];
    await withProvider(fake, async (provider) => {
      for await (const { name } of provider.listZones?.() ?? []) zones.push(name);
    });
    expect(zones).toEqual(['example.com', 'b.example.com']);
    expect(fake.server.takeCalls()).toHaveLength(5);
  });

  it('does not take a longer or another name for it', async () => {
    await start({ zones: ['a.example.com', 'xexample.com'], privateZones: ['example.com'] });
    await expect(add()).rejects.toMatchObject({ code: 'E_ZONE', tryNextZone: true });
  });

  it('asks to choose between several of the same name', async () => {
    await start({ zones: ['example.com', 'example.com'] });
    await expect(add()).rejects.toMatchObject({ code: 'E_CONFIG', hint: expect.stringContaining('hostedZoneId') });
    await add({ hostedZoneId: [...fake.zones.keys()][1] });
    expect(fake.held(NAME)).toEqual([VALUE]);
  });

  it('by hostedZoneId: one request more once, a private zone too, and no other name', async () => {
    await start({ zones: [], privateZones: ['example.com'], denied: ['ListHostedZonesByName', 'ListHostedZones'] });
    const options = { ...fake.options, hostedZoneId: [...fake.zones.keys()][0] };
    await withProvider({ options }, async (provider) => {
      await provider.addTxt(recordOf());
      const below = recordOf({ zone: `_acme-challenge.${ZONE}` });
      await expect(provider.addTxt(below)).rejects.toMatchObject({ code: 'E_ZONE' });
      const zones: string[] = [];
      for await (const { name } of provider.listZones?.() ?? []) zones.push(name);
      expect(zones).toEqual([ZONE]);
      expect(await provider.nameServers?.(ZONE)).toEqual([]);
    });
    expect(fake.server.takeCalls()).toEqual(['GET hostedzone', 'POST rrset']);
    expect(fake.held(NAME)).toEqual([VALUE]);
    await expect(add({ hostedZoneId: 'ZGONE' })).rejects.toMatchObject({
      code: 'E_ZONE',
      hint: expect.stringContaining('hostedZoneId'),
    });
  });

  it('again where it was deleted and made anew', async () => {
    await start();
    await withProvider(fake, async (provider) => {
      await provider.addTxt(recordOf());
      const [zone] = [...fake.zones.values()];
      const zones = fake.zones as Map<string, unknown>;
      zones.clear();
      zones.set('ZNEW', { ...zone, id: 'ZNEW', sets: [] });
      fake.server.takeCalls();
      expect(await provider.addTxt(recordOf())).toMatchObject({ changed: true });
      expect(fake.server.takeCalls()).toEqual(['POST rrset', 'GET hostedzonesbyname', 'POST rrset']);
      zones.clear();
      await expect(provider.addTxt(recordOf())).rejects.toMatchObject({ code: 'E_ZONE' });
    });
  });

  it('shows its name servers', async () => {
    await start();
    const servers = (await withProvider(fake, async (provider) => provider.nameServers?.(ZONE))) ?? [];
    expect(servers).toEqual(['ns-831.awsdns-39.net', 'ns-1983.awsdns-55.co.uk']);
    for (const server of servers)
      expect(route53.nameServerPatterns?.some((pattern) => pattern.test(server))).toBe(true);
  });
});

describe('route53 waits', () => {
  it('where AWS has too many requests of the account, and sends the same again', async () => {
    await start({ busy: 5 });
    const { deadline, pauses } = withoutPauses();
    await withProvider(fake, (provider) => provider.addTxt(recordOf()), { deadline });
    expect(fake.held(NAME)).toEqual([VALUE]);
    expect(pauses).toHaveLength(5);
    expect(Math.max(...pauses)).toBeGreaterThan(2000);
  });

  it('but not for ever', async () => {
    await start({ busy: 100 });
    await expect(add()).rejects.toMatchObject({ code: 'E_RATE', retryable: true });
    expect(fake.server.takeCalls()).toHaveLength(8);
  });
});

it.each([
  { accessKeyId: 'two words' },
  { hostedZoneId: '/hostedzone/Z1' },
  { url: 'route53.amazonaws.com' },
  { region: 'eu-west-1' },
])('an option is refused: %o', (wrong) => {
  const options = { accessKeyId: 'AKIAFAKE0123456789AB', secretAccessKey: 'x', ...wrong };
  expect(z.safeParse(route53.options, options).success).toBe(false);
});
