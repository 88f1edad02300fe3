import nock from 'nock';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import definition from '../../../providers/acme-dns/index.ts';
import { type Dns01Error, isDns01Error } from '../../../src/errors.ts';
import { normaliseName } from '../../../src/names.ts';
import { type DnsProvider, type ProviderContext, secretSourceOf, type TxtRecord } from '../../../src/provider.ts';
import { type AcmeDnsFake, startAcmeDnsFake } from '../../fakes/acme-dns.ts';
import { FAULTS } from '../../fakes/fault-server.ts';
import { createTestContext, type TestContext } from '../../support/context.ts';

const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
const OTHER = '-vaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
const THIRD = 'x'.repeat(43);
const NAME = normaliseName('_acme-challenge.example.com');
const ZONE = normaliseName('example.com');

const recordOf = (value: string, name = NAME, zone = ZONE): TxtRecord => ({ name, value, ttl: 60, zone });

type Access = Pick<AcmeDnsFake, 'url' | 'username' | 'password' | 'subdomain'>;

function open(
  { url, username, password, subdomain }: Access,
  seenInDns?: ProviderContext['seenInDns'],
): { provider: DnsProvider; context: TestContext } {
  const context = createTestContext({ requestTimeout: 2000, time: 15_000, ...(seenInDns && { seenInDns }) });
  return { provider: definition.create({ url, username, password, subdomain }, context), context };
}

/**
 * The rules of `test/contract.ts` by name. Kept: publishes a value; two values at one name; nothing to remove is a
 * success; a value that begins with a dash; adds exactly once or says so.
 * An API that can only write cannot keep: withdraws (with or without a handle), adds the same value twice as one record,
 * leaves another value alone (a third pushes the oldest out), lists the values, removes only its own value; and a name
 * below the zone is nothing to it, for the subdomain alone decides.
 */
describe('acme-dns keeps of the provider contract what its API can', () => {
  let fake: AcmeDnsFake;
  let provider: DnsProvider;
  let context: TestContext;
  beforeEach(async () => {
    fake = await startAcmeDnsFake();
    ({ provider, context } = open(fake));
  });
  afterEach(async () => {
    await context.http.close();
    await fake.close();
  });

  it('publishes a value, in one request', async () => {
    expect(await provider.addTxt(recordOf(VALUE))).toEqual({
      zone: 'example.com',
      changed: true,
    });
    expect(fake.held()).toEqual([VALUE]);
    expect(fake.server.takeCalls()).toEqual(['POST /update']);
  });

  it('keeps two values at one name', async () => {
    await provider.addTxt(recordOf(VALUE));
    await provider.addTxt(recordOf(OTHER));
    expect(fake.held()).toEqual([VALUE, OTHER]);
  });

  it('has a window of two: a third pushes the oldest out', async () => {
    for (const value of [VALUE, OTHER, THIRD]) await provider.addTxt(recordOf(value));
    expect(fake.held()).toEqual([OTHER, THIRD]);
  });

  it('finds nothing to remove and calls that a success, with no request and no noise', async () => {
    await provider.addTxt(recordOf(VALUE));
    fake.server.takeCalls();
    expect(await provider.removeTxt(recordOf(VALUE), { zone: ZONE })).toBe('absent');
    expect(fake.server.takeCalls()).toEqual([]);
    expect(fake.held()).toEqual([VALUE]);
    expect(context.lines.filter((line) => !line.startsWith('debug:'))).toEqual([]);
    expect(context.lines.at(-1)).toContain('cannot delete');
  });

  it('writes to its subdomain, whatever the name', async () => {
    await provider.addTxt(
      recordOf(VALUE, normaliseName('_acme-challenge.www.example.org'), normaliseName('example.org')),
    );
    expect(JSON.parse(fake.server.requests[0]?.body ?? '')).toEqual({ subdomain: fake.subdomain, txt: VALUE });
  });

  it('says that it cannot list', async () => {
    const failure = await failureOf(provider.listTxt(NAME, ZONE));
    expect(failure).toMatchObject({ code: 'E_REJECTED', hint: expect.stringContaining('dig') });
  });

  it.each(['x'.repeat(42), 'x'.repeat(44), `${'x'.repeat(42)} `, `${'x'.repeat(42)}.`])(
    'refuses "%s" itself: only 43 characters of base64url are taken',
    async (value) => {
      const failure = await failureOf(provider.addTxt(recordOf(value)));
      expect(failure).toMatchObject({ code: 'E_REJECTED', outcomeUnknown: false });
      expect(fake.server.takeCalls()).toEqual([]);
    },
  );

  const strikes = FAULTS.flatMap((kind) => (['before', 'after'] as const).map((effect) => ({ kind, effect })));

  it.each(strikes.filter(({ kind }) => kind !== '429'))(
    'says that the outcome is unknown, and does not send again what would push the other value out, where the DNS cannot tell: $kind $effect the write',
    async ({ kind, effect }) => {
      await provider.addTxt(recordOf(OTHER));
      fake.server.takeCalls();
      fake.server.inject({ kind, effect, call: 'POST /update' });
      const failure = await failureOf(provider.addTxt(recordOf(VALUE)));
      expect(failure).toMatchObject({ outcomeUnknown: true, hint: expect.any(String) });
      expect(fake.server.takeCalls()).toEqual(['POST /update']);
      expect(fake.held()).toEqual(effect === 'after' ? [OTHER, VALUE] : [OTHER]);
    },
  );

  it.each(strikes.filter(({ kind }) => kind !== '429' && kind !== 'hang'))(
    'looks in the DNS, and sends again only what is not there: $kind $effect the write',
    async ({ kind, effect }) => {
      const asked: string[][] = [];
      const other = open(fake, async (name, value) => {
        asked.push([name, value]);
        return fake.held().includes(value);
      });
      await other.provider.addTxt(recordOf(OTHER));
      fake.server.takeCalls();
      fake.server.inject({ kind, effect, call: 'POST /update' });
      expect(await other.provider.addTxt(recordOf(VALUE))).toEqual({ zone: ZONE, changed: true });
      expect(asked).toEqual([[NAME, VALUE]]);
      expect(fake.server.takeCalls()).toHaveLength(effect === 'after' ? 1 : 2);
      expect(fake.held()).toEqual([OTHER, VALUE]);
      await other.context.http.close();
    },
  );

  it('sends again what was not looked at', async () => {
    fake.server.inject({ kind: '429', effect: 'before', call: 'POST /update' });
    await provider.addTxt(recordOf(VALUE));
    expect(fake.held()).toEqual([VALUE]);
  });

  it.each([
    ['another password', { password: 'x'.repeat(40) }],
    ['another subdomain', { subdomain: 'another' }],
  ])('says what 401 can mean, once: %s', async (_what, wrong) => {
    const other = open({ ...fake, ...wrong });
    const failure = await failureOf(other.provider.addTxt(recordOf(VALUE)));
    expect(failure).toMatchObject({ code: 'E_AUTH', outcomeUnknown: false });
    expect(failure.message).toBe('POST /update: the server refuses this registration (status 401)');
    expect(failure.hint).toContain('allowfrom');
    expect(fake.server.takeCalls()).toEqual(['POST /update']);
    await other.context.http.close();
  });

  it('says that there is no API where there is none', async () => {
    const other = open({ ...fake, url: `${fake.url}/register` });
    const failure = await failureOf(other.provider.addTxt(recordOf(VALUE)));
    expect(failure).toMatchObject({ code: 'E_CONFIG', hint: expect.stringContaining('without /update') });
    await other.context.http.close();
  });

  it('keeps the password out of errors and log', async () => {
    const told: string[] = [];
    for (const kind of ['500', '502-html', 'garbage', 'reset'] as const) {
      fake.server.inject({ kind, effect: 'before', call: 'POST /update' });
      const failure = await failureOf(provider.addTxt(recordOf(VALUE)));
      told.push(failure.message, failure.hint ?? '', String(failure.stack), String(failure.cause));
    }
    expect([...told, ...context.lines].join('\n')).not.toContain(fake.password);
  });
});

describe('what acme-dns sends and understands', () => {
  const ACCESS = { url: 'https://auth.example.org', username: 'user', password: 'key', subdomain: 'sub' };
  beforeAll(() => nock.disableNetConnect());
  afterAll(() => nock.enableNetConnect());
  afterEach(() => nock.cleanAll());

  async function add(): Promise<unknown> {
    const { provider, context } = open(ACCESS);
    try {
      return await provider.addTxt(recordOf(VALUE));
    } finally {
      await context.http.close();
    }
  }

  it('is one POST with the two headers and the two fields', async () => {
    const api = nock(ACCESS.url, {
      reqheaders: { 'x-api-user': 'user', 'x-api-key': 'key', 'content-type': 'application/json' },
    })
      .post('/update', { subdomain: 'sub', txt: VALUE })
      .reply(200, { txt: VALUE, more: 1 });
    expect(await add()).toEqual({ zone: ZONE, changed: true });
    expect(api.isDone()).toBe(true);
  });

  it.each([
    ['another value', { txt: OTHER }, /another value/],
    ['no value', {}, /txt/],
    ['a list', [], /./],
  ])('is not content with %s', async (_what, body, message) => {
    nock(ACCESS.url).post('/update').reply(200, body);
    const failure = await failureOf(add());
    expect(failure).toMatchObject({ code: 'E_PROTOCOL', outcomeUnknown: true });
    expect(failure.message).toMatch(message);
  });

  it.each([
    [400, { error: 'bad_subdomain' }, 'E_REJECTED', 'bad_subdomain'],
    [400, 'not JSON', 'E_REJECTED', 'not JSON'],
    [403, '', 'E_AUTH', '(status 403)'],
  ])('repeats what is said with status %d', async (status, body, code, message) => {
    nock(ACCESS.url).post('/update').reply(status, body);
    expect(await failureOf(add())).toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

describe('the options of an acme-dns account', () => {
  const REGISTRATION = { url: 'https://auth.example.org/', username: 'u', password: { env: 'P' }, subdomain: 'a-b' };

  it('are those of a registration', () => {
    const parsed = z.parse(definition.options, REGISTRATION);
    expect(parsed).toMatchObject({ url: 'https://auth.example.org', username: 'u', subdomain: 'a-b' });
    expect(secretSourceOf(parsed.password)).toEqual({ env: 'P' });
  });

  it.each([
    [{ url: 'auth.example.org' }],
    [{ username: '' }],
    [{ password: '' }],
    [{ subdomain: 'a-b.auth.example.org' }],
    [{ subdomain: '' }],
    [{ zone: 'example.com' }],
  ])('are refused with %j', (wrong) => {
    expect(z.safeParse(definition.options, { ...REGISTRATION, ...wrong }).success).toBe(false);
  });
});

async function failureOf(verb: Promise<unknown>): Promise<Dns01Error> {
  try {
    await verb;
  } catch (error) {
    if (isDns01Error(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
