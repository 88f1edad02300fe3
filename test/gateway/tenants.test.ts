import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashPassword } from '../../src/gateway/password.ts';
import { type FakeDnsServer, type FakeRecord, startFakeDns } from '../fakes/dns-server.ts';
import { OTHER_VALUE, VALUE } from '../support/cli.ts';
import { json, type Reply, serveConfig, useGateway, user } from './support.ts';

/** Two tenants of one gateway. Each has a name in the same delegated zone and a domain of its own. */
const gateway = useGateway();
const { ask } = gateway;

const ZONE = 'auth.example.ee';
const [ALICE, BOB] = ['alice-own', 'bob-own'];
const KEYS = { [ALICE]: 'a'.repeat(40), [BOB]: 'b'.repeat(40) };

let dns: FakeDnsServer;
const records: FakeRecord[] = [];

beforeEach(async () => {
  records.length = 0;
  dns = await startFakeDns({ zones: [{ name: 'example.com' }, { name: 'example.ee', records }] });
  const acmeDnsUser = async (name: string, key: string) =>
    `    ${name}: { acmeDns: { hash: "${await hashPassword(key)}", subdomain: ${name}, zone: ${ZONE} } }\n`;
  const users = [
    ...(await Promise.all(Object.entries(KEYS).map(([name, key]) => acmeDnsUser(name, key)))),
    await user('alice', 'alice.example.com'),
    await user('bob', 'bob.example.com', `${BOB}.${ZONE}`),
  ];
  const accounts = gateway.panels.accounts.replace(
    'example.ee: zone-eu',
    'example.ee: { account: zone-eu, delegated: true }',
  );
  await gateway.here.configure(`${accounts}dns:
  nameservers: { example.com: ["${dns.at}"], example.ee: ["${dns.at}"] }
${serveConfig(users.join(''))}`);
  await gateway.start();
  expect((await update(BOB, OTHER_VALUE)).status).toBe(200);
});
afterEach(() => dns.close());

const update = (name: string, txt: string, subdomain = name, key = KEYS[name] ?? '') =>
  ask({
    path: '/update',
    headers: { 'x-api-user': name, 'x-api-key': key },
    body: JSON.stringify({ subdomain, txt }),
  });

const shown = ({ status, text, headers }: Reply) => ({ status, text, type: headers['content-type'] });
const bobHolds = () => gateway.panels.zoneid.held(`${BOB}.${ZONE}`);

describe('a tenant with an acme-dns client', () => {
  it('learns of a name of somebody else what it learns of one that is not there', async () => {
    const [others, none, forged, unknown] = [
      await update(ALICE, VALUE, BOB),
      await update(ALICE, VALUE, 'nobody'),
      await update(BOB, VALUE, BOB, KEYS[ALICE]),
      await update('nobody', VALUE, BOB, KEYS[ALICE]),
    ];
    for (const reply of [others, none, forged, unknown]) {
      expect(shown(reply)).toEqual({ status: 401, text: '{"error": "forbidden"}', type: 'application/json' });
    }
    expect(bobHolds()).toEqual([OTHER_VALUE]);
  });

  it('cannot reach it by a CNAME, and learns the same where the CNAME leads to nothing', async () => {
    records.push({ name: `${ALICE}.${ZONE}`, type: 'CNAME', data: `${BOB}.${ZONE}` });
    const toBob = await update(ALICE, VALUE);
    records.splice(0, 1, { name: `${ALICE}.${ZONE}`, type: 'CNAME', data: `nobody.${ZONE}` });
    const toNobody = await update(ALICE, VALUE.replace('L', 'M'));
    expect(shown(toBob)).toEqual({
      status: 404,
      text: '{"error": "this server does not write this name for this user"}',
      type: 'application/json',
    });
    expect(shown(toNobody)).toEqual(shown(toBob));
    expect(bobHolds()).toEqual([OTHER_VALUE]);
    expect(gateway.server?.stderr.join('')).toMatch(
      `audit: user=${ALICE} from=127.0.0.1 front=acme-dns action=add name=${ALICE}.${ZONE} account=- outcome=E_ZONE`,
    );
  });
});

describe('a tenant with an httpreq client', () => {
  it.each(['/present', '/cleanup'])(
    'learns of a name of somebody else what it learns of one that is not there: %s',
    async (path) => {
      const asks = (fqdn: string) => ask({ user: 'alice', path, body: json(fqdn, OTHER_VALUE) });
      expect(shown(await asks(`${BOB}.${ZONE}`))).toEqual(shown(await asks(`nobody.${ZONE}`)));
      expect(shown(await asks('_acme-challenge.bob.example.com'))).toEqual(
        shown(await asks('_acme-challenge.nobody.example.com')),
      );
      expect(bobHolds()).toEqual([OTHER_VALUE]);
    },
  );

  it('of another front is no user there', async () => {
    const reply = await ask({
      user: BOB,
      password: KEYS[BOB] ?? '',
      path: '/cleanup',
      body: json(`${BOB}.${ZONE}`, OTHER_VALUE),
    });
    expect(reply.status).toBe(401);
    expect(bobHolds()).toEqual([OTHER_VALUE]);
  });

  it('may withdraw what it may write, whichever front has published it', async () => {
    const reply = await ask({ user: 'bob', path: '/cleanup', body: json(`${BOB}.${ZONE}`, OTHER_VALUE) });
    expect(reply.status).toBe(200);
    expect(bobHolds()).toEqual([]);
  });
});
