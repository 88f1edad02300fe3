import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import provider from '../../../providers/olspanel/index.ts';
import { normaliseName } from '../../../src/names.ts';
import { unquoteTxt } from '../../../src/provider.ts';
import { describeContract } from '../../contract.ts';
import { type OlspanelFake, startOlspanelFake } from '../../fakes/olspanel.ts';
import { type PowerdnsFake, startPowerdnsFake } from '../../fakes/powerdns.ts';
import { createTestContext, type TestContext } from '../../support/context.ts';
import { searching } from '../../support/searching.ts';

const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
const record = (name: string, zone?: string) => ({ name, value: VALUE, ttl: 60, zone });

const openRaw = (
  panel: OlspanelFake,
  pdns: PowerdnsFake | undefined,
  context: TestContext,
  password = panel.password,
) =>
  provider.create(
    {
      url: panel.url,
      username: panel.username,
      password,
      powerdns: pdns && { url: pdns.url, apiKey: pdns.apiKey, server: 'localhost' },
    },
    context,
  );

const open = (...account: Parameters<typeof openRaw>) => searching(openRaw(...account));

describeContract("OLSPanel with the panel's own PowerDNS", async () => {
  const panel = await startOlspanelFake();
  const pdns = await startPowerdnsFake();
  // What the panel itself writes: reading the whole zone fails on it.
  pdns.plant('example.com', 'v=spf1 -all');
  return {
    zone: 'example.com',
    async open(requestTimeout) {
      const context = createTestContext({ requestTimeout });
      return { provider: openRaw(panel, pdns, context), close: () => context.http.close() };
    },
    held: async (name) => pdns.held(name).map(unquoteTxt),
    plant: async (name, value) => pdns.plant(name, `"${value}"`),
    faults: { server: pdns.server, addCall: 'PATCH zone', removeCall: 'PATCH zone' },
    async close() {
      await Promise.all([panel.close(), pdns.close()]);
    },
  };
});

describe("OLSPanel's name servers of a zone", () => {
  it("are those that the panel's PowerDNS has, and cannot be told without it", async () => {
    const [panel, pdns, context] = [await startOlspanelFake(), await startPowerdnsFake(), createTestContext()];
    pdns.plant('example.com', 'ns1.panel.example.', { type: 'NS' });
    expect(await open(panel, pdns, context).nameServers?.(normaliseName('example.com'))).toEqual(['ns1.panel.example']);
    expect(await open(panel, undefined, context).nameServers?.(normaliseName('example.com'))).toEqual([]);
    expect(panel.server.requests).toEqual([]);
    await Promise.all([panel.close(), pdns.close(), context.http.close()]);
  });
});

describe('OLSPanel', () => {
  let panel: OlspanelFake;
  let pdns: PowerdnsFake;
  let context: TestContext;
  beforeEach(async () => {
    panel = await startOlspanelFake({ domains: ['example.com', 'sub.example.com', 'example.co.uk'] });
    pdns = await startPowerdnsFake({ zones: { 'example.com': {}, 'example.co.uk': {} } });
    context = createTestContext();
  });
  afterEach(() => Promise.all([panel.close(), pdns.close(), context.http.close()]));

  const failure = (verb: Promise<unknown>) =>
    verb.then(
      () => expect.fail('it worked'),
      (error: unknown) => error,
    );

  it('asks whose the domain is as its documents say, once', async () => {
    const dns = open(panel, pdns, context);
    await dns.addTxt(record('_acme-challenge.example.com'));
    await dns.addTxt(record('_acme-challenge.www.example.com'));
    expect(panel.server.requests).toMatchObject([
      {
        method: 'POST',
        path: '/api/domain_list/',
        body: 'username=panel-user',
        headers: { 'content-type': 'application/x-www-form-urlencoded', username: 'panel-user' },
      },
    ]);
  });

  it('asks once for many changes at once, and hands them on', async () => {
    const zone = normaliseName('example.com');
    const names = ['_acme-challenge.example.com', '_acme-challenge.www.example.com'];
    const changesOf = (action: 'add' | 'remove') =>
      names.map((name) => ({ action, record: { name: normaliseName(name), value: VALUE, ttl: 60, zone } }));
    const dns = open(panel, pdns, context);
    expect(await dns.changeTxt?.(zone, changesOf('add'))).toEqual(names.map(() => ({ state: 'done', changed: true })));
    expect(await dns.changeTxt?.(zone, changesOf('remove'))).toEqual(
      names.map(() => ({ state: 'done', changed: true })),
    );
    expect(panel.server.requests).toHaveLength(1);
    expect(pdns.rows).toEqual([]);
    expect(provider.changes).toEqual({ atMost: 200, atomic: true });
  });

  it('writes for a sub-domain of the panel into the zone that is really served', async () => {
    await open(panel, pdns, context).addTxt(record('_acme-challenge.sub.example.com'));
    expect(pdns.rows.find(({ name }) => name === '_acme-challenge.sub.example.com')).toMatchObject({
      zone: 'example.com',
    });
  });

  it('lists the zones that the panel has made, not its sub-domains', async () => {
    const zones: string[] = [];
    for await (const { name } of open(panel, pdns, context).listZones?.() ?? []) zones.push(name);
    expect(zones).toEqual(['example.com', 'example.co.uk']);
  });

  it('without PowerDNS says which line to add where, and writes nothing', async () => {
    expect(await failure(open(panel, undefined, context).addTxt(record('_acme-challenge.example.com')))).toMatchObject({
      code: 'E_ZONE',
      exitCode: 68,
      hint: expect.stringMatching(/_acme-challenge\.example\.com\. CNAME .*api=yes, api-key=.*pdns\.conf/),
    });
    expect(pdns.server.requests).toEqual([]);
  });

  it('refuses a name of no domain of the user, before anything is written', async () => {
    expect(
      await failure(open(panel, pdns, context).addTxt(record('_acme-challenge.example.net', 'example.net'))),
    ).toMatchObject({
      code: 'E_ZONE',
      message: expect.stringContaining('example.com, sub.example.com, example.co.uk'),
    });
    expect(pdns.server.requests).toEqual([]);
  });

  it.each([
    ['a wrong password', () => {}, 'wrong-pass-0815', 'E_AUTH', /the login was refused/],
    [
      'an API that is switched off',
      () => {
        panel.panel.apiOff = true;
      },
      undefined,
      'E_AUTH',
      /the API is switched off/,
    ],
    [
      'a blocked address',
      () => {
        panel.panel.addressBlocked = true;
      },
      undefined,
      'E_AUTH',
      /the login was refused \(status 403\)$/,
    ],
  ])('tells %s, and does not try again', async (_, happen, password, code, message) => {
    happen();
    const dns = open(panel, pdns, context, password);
    expect(await failure(dns.addTxt(record('_acme-challenge.example.com')))).toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringContaining('switched the API on'),
    });
    await failure(dns.addTxt(record('_acme-challenge.www.example.com')));
    expect(panel.server.requests).toHaveLength(1);
    expect(context.lines.join('\n')).not.toContain(password ?? panel.password);
  });

  it.each(['200-html', 'garbage', 'wrong-type', 'empty'] as const)(
    'does not take %s for a list of domains',
    async (kind) => {
      panel.server.inject({ kind, call: 'domain_list', effect: 'before' });
      expect(await failure(open(panel, pdns, context).addTxt(record('_acme-challenge.example.com')))).toMatchObject({
        code: 'E_PROTOCOL',
      });
      expect(pdns.server.requests).toEqual([]);
    },
  );
});

it('names some of many domains where none holds the name', async () => {
  const domains = Array.from({ length: 12 }, (_, index) => `d${index}.example`);
  const panel = await startOlspanelFake({ domains });
  try {
    await expect(
      open(panel, undefined, createTestContext()).addTxt(record('_acme-challenge.example.org', 'example.org')),
    ).rejects.toThrow(
      `no domain of this user holds _acme-challenge.example.org (${domains.slice(0, 10).join(', ')}, and 2 more)`,
    );
  } finally {
    await panel.close();
  }
});
