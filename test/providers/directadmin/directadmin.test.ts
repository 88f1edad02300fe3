import { afterEach, describe, expect, it } from 'vitest';
import definition from '../../../providers/directadmin/index.ts';
import { type DnsProvider, normaliseName } from '../../../src/provider.ts';
import {
  DIRECTADMIN_KEY,
  type DirectadminFake,
  type DirectadminFakeSettings,
  startDirectadminFake,
} from '../../fakes/directadmin.ts';
import { startFaultServer } from '../../fakes/fault-server.ts';
import { failureOf, inProcessOf, NAME, OTHER, recordOf, VALUE, ZONE } from '../../support/one-provider.ts';

const inProcess = inProcessOf(definition);

let fake: DirectadminFake;
afterEach(() => fake.close());
const start = async (settings: DirectadminFakeSettings = {}) => {
  fake = await startDirectadminFake(settings);
};
const calls = () => fake.server.takeCalls();

const run = <Result>(
  use: (provider: DnsProvider) => Promise<Result>,
  options: Readonly<Record<string, unknown>> = fake.options,
) => inProcess({ options }, use);

describe('directadmin', () => {
  it('asks no more than it has to', async () => {
    await start();
    fake.plant(NAME, OTHER);
    await run(async (provider) => {
      const { changed, ...handle } = await provider.addTxt(recordOf());
      expect([changed, calls()]).toEqual([true, ['GET records', 'POST add']]);
      expect((await provider.addTxt(recordOf())).changed).toBe(false);
      expect(calls()).toEqual(['GET records']);
      expect(await provider.removeTxt(recordOf(), handle)).toBe('removed');
      expect(calls()).toEqual(['GET records', 'POST delete']);
      expect(await provider.removeTxt(recordOf())).toBe('absent');
      expect(calls()).toEqual(['GET records']);
    });
    expect(fake.held(NAME)).toEqual([OTHER]);
  });

  it('sends what the documents and other clients show', async () => {
    await start();
    const { length: before } = fake.everything();
    await run((provider) => provider.addTxt(recordOf()));
    await run((provider) => provider.removeTxt(recordOf()));
    const [read, add, , remove] = fake.server.requests;
    for (const request of [read, add, remove]) {
      expect(`${request?.path}?${request?.query}`).toBe('/CMD_API_DNS_CONTROL?domain=example.com&json=yes');
      expect(request?.headers['authorization']).toBe(
        `Basic ${Buffer.from(`fred:${DIRECTADMIN_KEY}`).toString('base64')}`,
      );
    }
    expect(Object.fromEntries(new URLSearchParams(add?.body))).toEqual({
      action: 'add',
      type: 'TXT',
      name: `${NAME}.`,
      value: `"${VALUE}"`,
      ttl: '60',
    });
    const combined = `name=${NAME}.&value="${VALUE}"`;
    expect(Object.fromEntries(new URLSearchParams(remove?.body))).toEqual({ action: 'select', txtrecs0: combined });
    expect(fake.everything()).toHaveLength(before);
  });

  it.each(['as given', 'quoted'] as const)('finds values of others where the panel shows them %s', async (shows) => {
    await start({ shows });
    fake.plant(NAME, VALUE);
    fake.plant(NAME, `"${OTHER}"`);
    await run(async (provider) => {
      expect((await provider.listTxt(NAME, ZONE)).sort()).toEqual([VALUE, OTHER].sort());
      expect(await provider.removeTxt(recordOf())).toBe('removed');
      expect(await provider.removeTxt(recordOf({ value: OTHER }))).toBe('removed');
    });
    expect(fake.held(NAME)).toEqual([]);
  });

  it('lists zones, and name servers in lower case', async () => {
    await start({ zones: ['example.com', 'example.net'] });
    await run(async (provider) => {
      const zones: string[] = [];
      for await (const { name } of provider.listZones?.() ?? []) zones.push(name);
      expect(zones).toEqual(['example.com', 'example.net']);
      expect(await provider.nameServers?.(ZONE)).toEqual(['ns1.host.example', 'ns2.host.example']);
    });
  });

  it.each(['accept', 'refuse'] as const)(
    'does not fail where another program was faster (%s)',
    async (deletesNothing) => {
      let isGone = false;
      await start({
        deletesNothing,
        afterCall(call) {
          if (call === 'GET records' && !isGone) fake.unplant(NAME);
          isGone = true;
        },
      });
      fake.plant(NAME, VALUE);
      expect(['absent', 'removed']).toContain(await run((provider) => provider.removeTxt(recordOf())));
      expect(fake.held(NAME)).toEqual([]);
    },
  );

  it('adds both values of two processes at once', async () => {
    await start();
    await Promise.all([VALUE, OTHER].map((value) => run((provider) => provider.addTxt(recordOf({ value })))));
    expect(fake.held(NAME).sort()).toEqual([VALUE, OTHER].sort());
  });
});

describe('directadmin says what to do', () => {
  it('where the login key is wrong, without repeating it', async () => {
    await start();
    const options = { ...fake.options, loginKey: 'WRONGKEY' };
    const failure = await failureOf(run((provider) => provider.addTxt(recordOf()), options));
    expect(failure).toMatchObject({ code: 'E_AUTH', hint: expect.stringContaining('loginKey') });
    expect(JSON.stringify([failure.message, failure.hint])).not.toMatch(/WRONGKEY|Unauthorized/);
  });

  it.each([200, 400, 403, 500] as const)('where the key may not run the command (status %i)', async (refusalStatus) => {
    await start({ refusalStatus, commands: [] });
    const hint = expect.stringContaining('CMD_API_DNS_CONTROL');
    expect(await failureOf(run((provider) => provider.addTxt(recordOf())))).toMatchObject({ code: 'E_AUTH', hint });
    const list = run(async (provider) => {
      for await (const _ of provider.listZones?.() ?? []);
    });
    expect(await failureOf(list)).toMatchObject({ code: 'E_AUTH', hint });
  });

  it.each([200, 400, 403, 500] as const)('where the domain is of somebody else (status %i)', async (refusalStatus) => {
    await start({ refusalStatus });
    const zone = normaliseName('example.org');
    expect(await failureOf(run((provider) => provider.listTxt(zone, zone)))).toMatchObject({
      code: 'E_ZONE',
      message: expect.stringContaining('Domain does not belong to you'),
    });
  });

  it.each([200, 400, 403, 500] as const)('where the name is a CNAME (status %i)', async (refusalStatus) => {
    await start({ refusalStatus });
    fake.plant(NAME, 'elsewhere.example.', 'CNAME');
    expect(await failureOf(run((provider) => provider.addTxt(recordOf())))).toMatchObject({
      code: 'E_REJECTED',
      message: expect.stringContaining('That name is a CNAME'),
    });
    expect(calls()).toEqual(['GET records', 'POST add']);
  });

  it.each([
    [404, '<html>Not found</html>', { code: 'E_CONFIG' }],
    [302, '', { code: 'E_PROTOCOL' }],
    [200, '<html>Log in</html>', { code: 'E_PROTOCOL' }],
    [503, '<html>busy</html>', { code: 'E_REMOTE' }],
    [200, '{"records":{}}', { code: 'E_PROTOCOL' }],
  ])('where another server answers %i %s', async (status, body, expected) => {
    await start();
    const other = await startFaultServer({ nameOf: () => 'any', reply: () => ({ status, body }) });
    const options = { ...fake.options, url: other.origin };
    expect(await failureOf(run((provider) => provider.addTxt(recordOf()), options))).toMatchObject(expected);
    await other.close();
  });
});
