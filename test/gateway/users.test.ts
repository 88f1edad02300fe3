import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeDnsServer, type FakeRecord, startFakeDns } from '../fakes/dns-server.ts';
import { OTHER_VALUE, VALUE } from '../support/cli.ts';
import { json, serveConfig, useGateway, user } from './support.ts';

const gateway = useGateway();
const { ask } = gateway;

const ALICE = '_acme-challenge.alice.example.com';
const BOB = '_acme-challenge.bob.example.com';
const BOB_DELEGATED = 'bob.example.ee';

let dns: FakeDnsServer;
const records: FakeRecord[] = [];

beforeEach(async () => {
  records.length = 0;
  dns = await startFakeDns({ zones: [{ name: 'example.com', records }, { name: 'example.ee' }] });
  const { accounts } = gateway.panels;
  const users =
    (await user('alice', 'alice.example.com', 'example.net')) +
    (await user('bob', 'bob.example.com', 'bob.example.ee'));
  await gateway.here.configure(`${accounts.replace('example.ee: zone-eu', 'example.ee: { account: zone-eu, delegated: true }')}dns:
  nameservers: { example.com: ["${dns.at}"], example.ee: ["${dns.at}"] }
${serveConfig(users)}`);
  await gateway.start();
});
afterEach(() => dns.close());

const log = () => gateway.server?.stderr.join('') ?? '';

describe("a user's CNAME", () => {
  it.each([
    ['in the same zone', BOB],
    ['in a zone that CNAMEs may lead to', BOB_DELEGATED],
  ])("to somebody else's name %s writes and withdraws nothing there, and tells nothing", async (_, target) => {
    const isPanel = target === BOB;
    const held = () => (isPanel ? gateway.panels.ispconfig.held(BOB) : gateway.panels.zoneid.held(target));
    expect((await ask({ user: 'bob', body: json(target, OTHER_VALUE) })).status).toBe(200);
    records.push({ name: ALICE, type: 'CNAME', data: target });
    const add = await ask({ user: 'alice', body: json(ALICE, VALUE) });
    const remove = await ask({ user: 'alice', path: '/cleanup', body: json(ALICE, OTHER_VALUE) });
    expect(held()).toEqual([OTHER_VALUE]);
    for (const { status, text } of [add, remove]) {
      expect(status).toBe(404);
      expect(JSON.parse(text)).toEqual({
        code: 'E_ZONE',
        error: 'this server does not write this name for this user',
        fqdn: ALICE,
      });
    }
    expect(log()).toContain(`${ALICE} -> ${target}`);
  });

  it("that changes after the add does not make the removal reach somebody else's name", async () => {
    expect((await ask({ user: 'alice', body: json(ALICE, VALUE) })).status).toBe(200);
    expect((await ask({ user: 'bob', body: json(BOB, VALUE) })).status).toBe(200);
    records.push({ name: ALICE, type: 'CNAME', data: BOB });
    expect((await ask({ user: 'alice', path: '/cleanup', body: json(ALICE, VALUE) })).status).toBe(200);
    expect(gateway.panels.ispconfig.held(ALICE)).toEqual([]);
    expect(gateway.panels.ispconfig.held(BOB)).toEqual([VALUE]);
  });
});

describe('what a user learns', () => {
  it('of a name that no account holds is neither the zones nor the config', async () => {
    const { status, text } = await ask({ user: 'alice', body: json('_acme-challenge.example.net', VALUE) });
    expect(status).toBe(404);
    expect(JSON.parse(text)).toEqual({
      code: 'E_ZONE',
      error: 'this server does not write this name for this user',
      fqdn: '_acme-challenge.example.net',
    });
    expect(log()).toMatch(/no account is configured for _acme-challenge\.example\.net .*example\.ee.*dns01\.yaml/);
  });

  it('of names of others does not depend on the zone that they are in', async () => {
    const inDelegated = await ask({ user: 'alice', body: json('anything.example.ee', VALUE) });
    const inNone = await ask({ user: 'alice', body: json('anything.example.org', VALUE) });
    expect([inDelegated.status, inDelegated.text]).toEqual([inNone.status, inNone.text]);
  });

  it('of a login that the provider refuses is not what the provider says', async () => {
    await gateway.server?.stop();
    const { accounts } = gateway.panels;
    await gateway.here.configure(
      `${accounts.replace(/password: .*/, 'password: "wrong"')}dns: { followCnames: false }\n${serveConfig(await user('web1', 'example.com'))}`,
    );
    await gateway.start();
    const { status, text } = await ask({ body: json('_acme-challenge.example.com', VALUE) });
    expect(status).toBe(502);
    expect(JSON.parse(text)).toEqual({
      code: 'E_AUTH',
      error: 'the DNS provider refuses the login of this server',
      fqdn: '_acme-challenge.example.com',
    });
    expect(log()).toMatch(/web1 _acme-challenge\.example\.com: E_AUTH: account panel/);
  });
});

it.each(['/constructor', '/__proto__', '/toString', '//', '/hasOwnProperty?x', '*', 'http://['])(
  'a POST to %s is not found',
  async (path) => {
    const { hostname, port } = new URL(gateway.server?.at ?? '');
    const status = await new Promise((resolve, reject) => {
      request({ hostname, port, path, method: 'POST', agent: false }, (response) => resolve(response.statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(404);
  },
);
