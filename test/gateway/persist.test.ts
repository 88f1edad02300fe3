import { beforeEach, expect, it } from 'vitest';
import { VALUE } from '../support/cli.ts';
import { PERSIST_NAME, recordFor } from '../support/persist.ts';
import { json, serveConfig, useGateway, user } from './support.ts';

const gateway = useGateway();
const { ask } = gateway;
const RECORD = recordFor();

beforeEach(async () => {
  const users =
    (await user('exact', PERSIST_NAME, 'www.example.com')) +
    (await user('domain', 'example.com', 'example.ee')) +
    (await user('above', 'persist.example.com', `www.${PERSIST_NAME}`));
  const { panels, dns, here } = gateway;
  const accounts = panels.accounts.replace('example.ee: zone-eu', 'example.ee: { account: zone-eu, delegated: true }');
  await here.configure(`${accounts}${dns.config}${serveConfig(users)}`);
  await gateway.start();
});

const held = () => gateway.panels.ispconfig.held(PERSIST_NAME);

it('a user whose names say exactly that may publish and withdraw a lasting record, and nothing else there', async () => {
  expect((await ask({ user: 'exact', body: json(PERSIST_NAME, RECORD) })).status).toBe(200);
  expect(held()).toEqual([RECORD]);
  const wrong = await ask({ user: 'exact', body: json(PERSIST_NAME, VALUE) });
  expect(wrong.status).toBe(400);
  expect(wrong.text).toContain('the value is no record of dns-persist-01');
  const elsewhere = await ask({ user: 'exact', body: json('_acme-challenge.www.example.com', RECORD) });
  expect(elsewhere.status).toBe(400);
  expect((await ask({ user: 'exact', path: '/cleanup', body: json(PERSIST_NAME, RECORD) })).status).toBe(200);
  expect(held()).toEqual([]);
});

it.each(['domain', 'above'])('any other user may not: %s', async (name) => {
  for (const fqdn of [PERSIST_NAME, '_validation-persist.www.example.com', '_validation-persist.example.ee']) {
    for (const path of ['/present', '/cleanup']) {
      const { status, text } = await ask({ user: name, path, body: json(fqdn, RECORD) });
      expect({ status, text }).toMatchObject({ status: 403, text: expect.stringContaining('may not write that name') });
    }
  }
  expect(gateway.panels.ispconfig.server.requests).toEqual([]);
  expect(gateway.panels.zoneid.server.requests).toEqual([]);
});
