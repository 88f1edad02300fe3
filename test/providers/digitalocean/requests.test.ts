import { afterEach, describe, expect, it } from 'vitest';
import definition from '../../../providers/digitalocean/index.ts';
import { type DnsProvider, normaliseName } from '../../../src/provider.ts';
import { type DigitaloceanFakeSettings, startDigitaloceanFake } from '../../fakes/digitalocean.ts';
import type { StandIn } from '../../fakes/stand-in.ts';
import document from '../../schemas/digitalocean.json' with { type: 'json' };
import {
  all,
  failureOf,
  inProcessOf,
  NAME,
  OTHER,
  recordOf,
  VALUE,
  ZONE,
  zonesOf,
} from '../../support/one-provider.ts';
import { vendorSchema } from '../../support/vendor-schema.ts';

const inProcess = inProcessOf(definition);
let fake: StandIn;
afterEach(() => fake.close());
const start = async (settings: DigitaloceanFakeSettings = {}) => {
  fake = await startDigitaloceanFake(settings);
};
const calls = () => fake.server.takeCalls();
const run = <Result>(use: (provider: DnsProvider) => Promise<Result>) => inProcess(fake, use);
const nowhere = recordOf({ zone: normaliseName('nowhere.test'), name: normaliseName('_acme-challenge.nowhere.test') });

describe('digitalocean asks no more than it has to', () => {
  it('two requests to add, also beside other values, one where the value is there', async () => {
    await start();
    fake.plant(NAME, OTHER);
    await run(async (provider) => {
      const { changed, ...handle } = await provider.addTxt(recordOf());
      expect([changed, handle.proven, calls()]).toEqual([true, true, ['GET records', 'POST records']]);
      expect((await provider.addTxt(recordOf())).changed).toBe(false);
      expect(calls()).toEqual(['GET records']);
      expect(await provider.removeTxt(recordOf(), handle)).toBe('removed');
      expect(calls()).toEqual(['DELETE records']);
      expect(await provider.removeTxt(recordOf({ value: OTHER }))).toBe('removed');
      expect(calls()).toEqual(['GET records', 'DELETE records']);
    });
  });

  it('one for each 200 records of a name', async () => {
    await start({ pageSize: 2, zones: ['example.com', 'example.net', 'example.org'] });
    for (const value of ['one', 'two', 'three', 'four', VALUE]) fake.plant(NAME, value);
    expect(await run((provider) => provider.removeTxt(recordOf()))).toBe('removed');
    expect(calls()).toEqual([...all('GET records', 3), 'DELETE records']);
    expect(await run(zonesOf)).toEqual(['example.com', 'example.net', 'example.org'].map((name) => ({ name })));
    expect(calls()).toEqual(all('GET domains', 2));
  });
});

/** The pointer of each call's request and answer. */
const SHAPES: Readonly<Record<string, readonly [request: string | undefined, answer: string | undefined]>> = {
  'GET domains': [undefined, 'DomainListAnswer'],
  'GET records': [undefined, 'RecordListAnswer'],
  'POST records': ['TxtRecord', 'RecordAnswer'],
  'DELETE records': [undefined, undefined],
};

describe('digitalocean sends', () => {
  it('exactly this, which fits the OpenAPI document, as do the answers of the stand-in', async () => {
    await start();
    await run(async (provider) => {
      await provider.checkRights?.();
      const { changed: _, ...handle } = await provider.addTxt(recordOf());
      await provider.removeTxt(recordOf(), handle);
    });
    const sent = fake.server.requests.map(({ method, path, query, body }) => [
      method,
      path,
      query,
      body && JSON.parse(body),
    ]);
    const path = '/v2/domains/example.com/records';
    const json = { type: 'TXT', name: '_acme-challenge', data: VALUE, ttl: 60, flags: null, tag: null };
    expect(sent).toEqual([
      ['GET', '/v2/domains', 'per_page=1', ''],
      ['GET', path, `type=TXT&name=${NAME}&per_page=200&page=1`, ''],
      ['POST', path, '', json],
      ['DELETE', expect.stringMatching(`^${path}/\\d+$`), '', ''],
    ]);

    const check = vendorSchema(document);
    const headers = { authorization: `Bearer ${fake.options['token']}` };
    for (const { call, method, path: again, query, body } of [...fake.server.requests]) {
      const [request, answer] = SHAPES[call] ?? [];
      if (request) check(`/components/schemas/${request}`, JSON.parse(body));
      if (!answer) continue;
      const init = { method, headers, ...(body ? { body } : {}) };
      const response = await fetch(`${fake.server.origin}${again}?${query}`, init);
      expect(response.ok).toBe(true);
      check(`/components/schemas/${answer}`, await response.json());
    }
    const refused = await fetch(`${fake.server.origin}/v2/domains`);
    check('/components/schemas/Failure', await refused.json());
  });

  it.each([
    [1, 30],
    [3600, 3600],
  ])('a TTL of %i as %i', async (ttl, expected) => {
    await start();
    await run((provider) => provider.addTxt(recordOf({ ttl })));
    expect(JSON.parse(fake.everything().at(-1) ?? '')).toMatchObject({ ttl: expected });
  });

  it('the domain itself as @', async () => {
    await start();
    await run((provider) => provider.addTxt(recordOf({ name: ZONE })));
    expect(fake.held(ZONE)).toEqual([VALUE]);
    expect(await run((provider) => provider.listTxt(ZONE, ZONE))).toEqual([VALUE]);
  });
});

describe('digitalocean and others', () => {
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

  it('keeps both values where two processes add at once, and removes a value that is there twice', async () => {
    await start();
    const values = [VALUE, OTHER];
    await Promise.all(values.map((value) => run((provider) => provider.addTxt(recordOf({ value })))));
    expect(fake.held(NAME).sort()).toEqual(values);
    fake.plant(NAME, VALUE);
    expect(await run((provider) => provider.removeTxt(recordOf()))).toBe('removed');
    expect(fake.held(NAME)).toEqual([OTHER]);
  });

  it('knows a deletion of its own whose answer was lost from one of another program', async () => {
    let isTold = false;
    await start({
      afterCall(call) {
        if (call !== 'GET records' || isTold) return;
        isTold = true;
        fake.server.inject({ kind: 'reset', call: 'DELETE records', effect: 'after' });
      },
    });
    fake.plant(NAME, VALUE);
    expect(await run((provider) => provider.removeTxt(recordOf()))).toBe('removed');
    expect(fake.held(NAME)).toEqual([]);
    expect(await run((provider) => provider.removeTxt(recordOf(), { zone: ZONE, id: '1', proven: true }))).toBe(
      'absent',
    );
  });

  it('removes also the record of a first attempt that arrives late', async () => {
    await start();
    fake.server.inject({ kind: 'reset', call: 'POST records', effect: 'before' });
    const { changed: _, ...handle } = await run((provider) => provider.addTxt(recordOf()));
    fake.plant(NAME, VALUE);
    expect(await run((provider) => provider.removeTxt(recordOf(), handle))).toBe('removed');
    expect(fake.held(NAME)).toEqual([]);
  });

  it('shows the name servers of a domain', async () => {
    await start();
    const names = await run(async (provider) => provider.nameServers?.(ZONE));
    expect(names).toEqual(['ns1.digitalocean.com', 'ns2.digitalocean.com']);
  });
});

describe('digitalocean is refused', () => {
  const long = recordOf({ value: 'x'.repeat(600) });

  it.each([
    [
      'with an unknown token',
      { token: 'unknown' },
      recordOf(),
      { code: 'E_AUTH', loginRefused: true },
      /has not expired/,
    ],
    ['with a line break in the token', { token: 'a\nb' }, recordOf(), { code: 'E_CONFIG' }, /put only the token/],
    ['a domain that is not there', {}, nowhere, { code: 'E_ZONE', tryNextZone: true }, /team of the token/],
    ['a value of 600 characters', {}, long, { code: 'E_REJECTED', status: 422 }, /about 500 characters/],
  ])('%s', async (_, options: { token?: string }, record, expected, hint) => {
    await start();
    const failure = await failureOf(
      inProcess({ options: { ...fake.options, ...options } }, (provider) => provider.addTxt(record)),
    );
    expect(failure).toMatchObject(expected);
    expect(failure.hint).toMatch(hint);
  });

  it('without the scope, and says which one', async () => {
    await start({ scopes: ['domain:read'] });
    expect(await run(async (provider) => provider.checkRights?.())).toEqual([{ right: 'domain:read', held: true }]);
    const failure = await failureOf(run((provider) => provider.addTxt(recordOf())));
    expect(failure).toMatchObject({ code: 'E_AUTH', status: 403 });
    expect(failure.hint).toMatch(/custom scopes domain:read and domain:update/);
    await fake.close();
    await start({ scopes: [] });
    expect(await run(async (provider) => provider.checkRights?.())).toMatchObject([
      { right: 'domain:read', held: false },
    ]);
  });

  it('does its work with the least scopes', async () => {
    await start({ scopes: ['domain:read', 'domain:update'] });
    await run((provider) => provider.addTxt(recordOf()));
    expect(await run((provider) => provider.removeTxt(recordOf()))).toBe('removed');
  });
});
