import { beforeEach, expect, it } from 'vitest';
import { VALUE } from '../support/cli.ts';
import { json, serveConfig, useGateway, user } from './support.ts';

const gateway = useGateway();
const { ask } = gateway;

const LABEL = '_ujmmovf2vn55tgye';
const NAME = `${LABEL}._acme-challenge.alice.example.com`;

beforeEach(async () => {
  const users = (await user('alice', 'alice.example.com')) + (await user('bob', 'bob.example.com'));
  await gateway.here.configure(`${gateway.panels.accounts}dns: { followCnames: false }\n${serveConfig(users)}`);
  await gateway.start();
});

it('a name with the label of an account is written and withdrawn for the user of its domain', async () => {
  const body = json(`${NAME}.`, VALUE);
  expect((await ask({ user: 'alice', body })).status).toBe(200);
  expect(gateway.panels.ispconfig.held(NAME)).toEqual([VALUE]);
  expect((await ask({ user: 'bob', path: '/cleanup', body })).status).toBe(403);
  expect(gateway.panels.ispconfig.held(NAME)).toEqual([VALUE]);
  expect((await ask({ user: 'alice', path: '/cleanup', body })).status).toBe(200);
  expect(gateway.panels.ispconfig.held(NAME)).toEqual([]);
});

it.each(['alice.example.com', 'www.alice.example.com', 'bob.example.com', 'example.com'])(
  'at %s, the user may write it as the plain name',
  async (domain) => {
    const plain = await ask({ user: 'alice', body: json(`_acme-challenge.${domain}`, VALUE) });
    const labelled = await ask({ user: 'alice', body: json(`${LABEL}._acme-challenge.${domain}`, VALUE) });
    expect(labelled.status).toBe(plain.status);
    expect(plain.status).toBe(domain.endsWith('alice.example.com') ? 200 : 403);
  },
);

it.each(['www', '_ujmmovf2vn55tgy', `www.${LABEL}`, '_acme-challenge'])(
  'another label before _acme-challenge is refused: %s',
  async (label) => {
    const { status, text } = await ask({
      user: 'alice',
      body: json(`${label}._acme-challenge.alice.example.com`, VALUE),
    });
    expect(status).toBe(400);
    expect(text).toContain('it begins with _acme-challenge. or with an account label before that');
    expect(gateway.panels.ispconfig.server.requests).toEqual([]);
  },
);
