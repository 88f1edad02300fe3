import { afterEach, describe, expect, it } from 'vitest';
import definition from '../../../providers/hestiacp/index.ts';
import { type DnsProvider, normaliseName } from '../../../src/provider.ts';
import { startFaultServer } from '../../fakes/fault-server.ts';
import {
  HESTIA_ACCESS,
  HESTIA_SECRET,
  type HestiacpFake,
  type HestiacpFakeSettings,
  startHestiacpFake,
} from '../../fakes/hestiacp.ts';
import { failureOf, inProcessOf, NAME, OTHER, recordOf, VALUE, ZONE } from '../../support/one-provider.ts';
import type { OpenedProvider } from '../../support/stand-in-contract.ts';

const inProcess = inProcessOf(definition);
const WWW = `www.${ZONE}`;
const LIST = 'v-list-dns-records';

let fake: HestiacpFake;
afterEach(() => fake.close());
const start = async (settings: HestiacpFakeSettings = {}) => {
  fake = await startHestiacpFake(settings);
};
const calls = () => fake.server.takeCalls();

const run = <Result>(
  use: (provider: DnsProvider, opened: OpenedProvider) => Promise<Result>,
  options: Readonly<Record<string, unknown>> = fake.options,
) => inProcess({ options }, use);

/** Does this once, right after the first list: another program is at work in that moment. */
const afterList = (act: () => void) => {
  let isDone = false;
  return (call: string) => {
    if (call !== LIST || isDone) return;
    isDone = true;
    act();
  };
};

describe('hestiacp', () => {
  it('asks no more than it has to', async () => {
    await start();
    fake.plant(NAME, OTHER);
    await run(async (provider) => {
      const { changed, ...handle } = await provider.addTxt(recordOf());
      expect([changed, handle.proven ?? false, calls()]).toEqual([true, false, [LIST, 'v-add-dns-record']]);
      expect((await provider.addTxt(recordOf())).changed).toBe(false);
      expect(calls()).toEqual([LIST]);
      expect(await provider.removeTxt(recordOf(), handle)).toBe('removed');
      expect(calls()).toEqual([LIST, 'v-delete-dns-record', LIST]);
      expect(await provider.removeTxt(recordOf())).toBe('absent');
      expect(calls()).toEqual([LIST]);
    });
    expect(fake.held(NAME)).toEqual([OTHER]);
  });

  it("sends the commands as the panel's source takes them", async () => {
    await start();
    const value = 'issuer.example; policy=wildcard';
    await run((provider) => provider.addTxt(recordOf({ value })));
    await run((provider) => provider.removeTxt(recordOf({ value })));
    const sent = fake.server.requests.map(({ method, path, body }) => [
      `${method} ${path}`,
      ...[...new URLSearchParams(body)].map(([key, field]) => `${key}=${field}`),
    ]);
    const key = ['POST /api/', `access_key=${HESTIA_ACCESS}`, `secret_key=${HESTIA_SECRET}`];
    const args = (...values: string[]) => values.map((arg, index) => `arg${index + 1}=${arg}`);
    expect(sent.slice(0, 4)).toEqual([
      [...key, `cmd=${LIST}`, ...args('it', ZONE, 'json')],
      [...key, 'cmd=v-add-dns-record', ...args('it', ZONE, '_acme-challenge', 'TXT', value, '', '', '', '60')],
      [...key, `cmd=${LIST}`, ...args('it', ZONE, 'json')],
      [...key, 'cmd=v-delete-dns-record', ...args('it', ZONE, '5')],
    ]);
    expect(fake.held(NAME)).toEqual([]);
  });

  it('lists zones and name servers, and reads names in Unicode', async () => {
    await start({ zones: ['example.com', 'xn--bcher-kva.example'] });
    fake.plant('_acme-challenge.bücher.xn--bcher-kva.example', VALUE);
    await run(async (provider) => {
      const zones: unknown[] = [];
      for await (const zone of provider.listZones?.() ?? []) zones.push(zone);
      expect(zones).toEqual(['example.com', 'xn--bcher-kva.example'].map((name) => ({ name, active: true })));
      expect(await provider.nameServers?.(ZONE)).toEqual(['ns1.host.example', 'ns2.host.example']);
      const name = normaliseName('_acme-challenge.xn--bcher-kva.xn--bcher-kva.example');
      expect(await provider.listTxt(name, normaliseName('xn--bcher-kva.example'))).toEqual([VALUE]);
    });
  });

  it('takes a change as made whose name server does not start again', async () => {
    await start({ restartFails: true });
    expect((await run((provider) => provider.addTxt(recordOf()))).changed).toBe(true);
    expect(calls()).toEqual([LIST, 'v-add-dns-record', LIST]);
    expect(fake.held(NAME)).toEqual([VALUE]);
  });
});

describe('hestiacp deletes by ids that move', () => {
  it('puts back what was deleted instead, says so, and deletes the right one', async () => {
    await start({ afterCall: afterList(() => fake.swapIds(NAME, WWW)) });
    fake.plant(NAME, VALUE);
    fake.plant(WWW, 'keep; me');
    await run(async (provider, { context }) => {
      expect(await provider.removeTxt(recordOf())).toBe('removed');
      expect(context.lines.join()).toContain('adding it again');
    });
    expect(fake.held(WWW)).toEqual(['keep; me']);
    expect(fake.held(NAME)).toEqual([]);
  });

  it('deletes nothing where another record has the same id', async () => {
    await start();
    fake.plant(NAME, VALUE);
    fake.plantWithId(fake.idOf(NAME), WWW, 'keep me');
    const failure = await failureOf(run((provider) => provider.removeTxt(recordOf())));
    expect(failure).toMatchObject({ code: 'E_REJECTED', message: expect.stringContaining('have the id 5') });
    expect([fake.held(WWW), fake.held(NAME)]).toEqual([['keep me'], [VALUE]]);
  });

  it('deletes both copies of its own value', async () => {
    await start();
    fake.plant(NAME, VALUE);
    fake.plant(NAME, OTHER);
    fake.plant(NAME, VALUE);
    expect(await run((provider) => provider.removeTxt(recordOf()))).toBe('removed');
    expect(fake.held(NAME)).toEqual([OTHER]);
  });

  it('does not fail where another program was faster', async () => {
    await start({ afterCall: afterList(() => fake.unplant(NAME)) });
    fake.plant(NAME, VALUE);
    const { length } = fake.everything();
    expect(await run((provider) => provider.removeTxt(recordOf()))).toBe('removed');
    expect(fake.everything()).toHaveLength(length - 1);
  });

  it('keeps both values of two processes', async () => {
    await start();
    await Promise.all([VALUE, OTHER].map((value) => run((provider) => provider.addTxt(recordOf({ value })))));
    expect(fake.held(NAME).sort()).toEqual([VALUE, OTHER].sort());
  });
});

describe('hestiacp says what to do', () => {
  const add = (options?: Readonly<Record<string, unknown>>) =>
    failureOf(run((provider) => provider.addTxt(recordOf()), options));

  it('where the secret key is wrong, without repeating it', async () => {
    await start();
    const failure = await add({ ...fake.options, secretKey: 'WRONGKEY' });
    expect(failure).toMatchObject({ code: 'E_AUTH', loginRefused: true, hint: expect.stringContaining('secretKey') });
    expect(JSON.stringify([failure.message, failure.hint])).not.toMatch(/WRONGKEY|Invalid secret/);
  });

  it.each<[HestiacpFakeSettings, object]>([
    [{ api: 'off' }, { code: 'E_CONFIG', hint: expect.stringContaining('enable the API') }],
    [{ api: 'for other addresses' }, { code: 'E_AUTH', hint: expect.stringContaining('allowed IP addresses') }],
    [{ keyUser: 'bob' }, { code: 'E_AUTH', loginRefused: false, hint: expect.stringContaining('set user') }],
    [{ commands: [] }, { code: 'E_AUTH', loginRefused: false, hint: expect.stringContaining('v-delete-dns-record') }],
    [{ limit: 4 }, { code: 'E_REJECTED', message: expect.stringContaining('no more DNS records') }],
  ])('where the panel is set to %o', async (settings, expected) => {
    await start(settings);
    expect(await add()).toMatchObject(expected);
    expect(fake.held(NAME)).toEqual([]);
  });

  it('where the role of the key lacks a command, which it can tell without a change', async () => {
    await start({ commands: [LIST, 'v-change-dns-record'] });
    const { length } = fake.everything();
    const checks = await run(async (provider) => provider.checkRights?.());
    expect(checks?.map(({ right, held }) => `${right} ${held}`)).toEqual([
      'v-list-dns-records true',
      'v-add-dns-record false',
      'v-delete-dns-record false',
      'v-list-dns-domains false',
    ]);
    expect(fake.everything()).toHaveLength(length);
  });

  it.each([
    ['a zone that the user does not have', { zone: normaliseName('example.org') }, 'E_ZONE'],
    ['a name that the panel refuses', { name: normaliseName(`_acme-challenge.a--b.${ZONE}`) }, 'E_REJECTED'],
    ['a value that loses a blank', { value: `${'x'.repeat(255)} y` }, 'E_REJECTED'],
  ])('for %s', async (_what, more, code) => {
    await start();
    const name = 'zone' in more ? normaliseName(`_acme-challenge.${more.zone}`) : NAME;
    const record = recordOf({ name, ...more });
    expect(await failureOf(run((provider) => provider.addTxt(record)))).toMatchObject({ code });
  });

  it.each([
    [404, '<html>Not found</html>', { code: 'E_CONFIG' }],
    [200, '<html>Log in</html>', { code: 'E_PROTOCOL' }],
    [200, '{}', { code: 'E_PROTOCOL', message: expect.stringContaining('no exit code') }],
    [401, 'no', { code: 'E_PROTOCOL' }],
    [403, 'no', { code: 'E_AUTH' }],
  ])('where another server answers %i %s', async (status, body, expected) => {
    await start();
    const other = await startFaultServer({ nameOf: () => 'any', reply: () => ({ status, body }) });
    expect(await add({ ...fake.options, url: other.origin })).toMatchObject(expected);
    await other.close();
  });
});
