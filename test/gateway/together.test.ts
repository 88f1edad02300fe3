import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startDeadline } from '../../src/deadline.ts';
import { digest } from '../../src/digest.ts';
import { hashPassword } from '../../src/gateway/password.ts';
import { openFiles } from '../../src/state/files/state.ts';
import { type PowerdnsFake, startPowerdnsFake } from '../fakes/powerdns.ts';
import { VALUE } from '../support/cli.ts';
import { json, serveConfig, useGateway, user } from './support.ts';

const gateway = useGateway();
const { ask } = gateway;

let powerdns: PowerdnsFake;
beforeEach(async () => {
  powerdns = await startPowerdnsFake();
  const acmeDns = `acmeDns: { hash: "${await hashPassword('k'.repeat(40))}", subdomain: own, zone: example.com }`;
  const users = `${await user('web1', 'example.com')}${await user('web2', 'example.com')}    old: { ${acmeDns} }\n`;
  await gateway.here.configure(`accounts:
  dns: { provider: powerdns, url: "${powerdns.url}", apiKey: ${powerdns.apiKey} }
zones: { example.com: { account: dns, delegated: true } }
dns: { followCnames: false }
${serveConfig(users)}`);
  await gateway.start();
});
afterEach(() => powerdns.close());

it('changes of one zone that wait at the same moment go out together, whoever sends them and by whatever front', async () => {
  // The logins are known from here on.
  const headers = { 'x-api-user': 'old', 'x-api-key': 'k'.repeat(40) };
  const update = (txt: string) => ask({ path: '/update', headers, body: JSON.stringify({ subdomain: 'own', txt }) });
  for (const name of ['web1', 'web2'])
    await ask({ user: name, body: json(`_acme-challenge.${name}.example.com`, VALUE) });
  await update(VALUE);
  powerdns.server.takeCalls();
  const answers = await Promise.all([
    ...Array.from({ length: 10 }, (_, nth) => ask({ body: json(`_acme-challenge.a${nth}.example.com`, VALUE) })),
    ...Array.from({ length: 10 }, (_, nth) =>
      ask({ user: 'web2', body: json(`_acme-challenge.b${nth}.example.com`, VALUE) }),
    ),
    ...Array.from({ length: 10 }, (_, nth) => update(VALUE.replace('L', String(nth)))),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(200));
  const patches = powerdns.server.takeCalls().filter((call) => call === 'PATCH zone');
  expect(patches.length).toBeLessThanOrEqual(6);
  expect(powerdns.held('own.example.com')).toHaveLength(11);
});

it('changes that come while another process has the lock of the zone go out in one step when it is free', async () => {
  const add = (host: string) => ask({ body: json(`_acme-challenge.${host}.example.com`, VALUE) });
  expect(await add('first')).toMatchObject({ status: 200 });
  powerdns.server.takeCalls();
  const { locks } = openFiles(gateway.here.stateDirectory, { warn: (message) => expect.fail(message) });
  const lock = digest(`${new URL(powerdns.url).host} example.com`);
  const answers = await locks.hold(lock, { deadline: startDeadline(5000) }, async () => {
    const early = add('early');
    await delay(500);
    const later = Array.from({ length: 9 }, (_, nth) => add(`later${nth}`));
    await delay(500);
    expect(powerdns.server.takeCalls()).toEqual([]);
    return [early, ...later];
  });
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(10).fill(200));
  expect(powerdns.server.takeCalls().filter((call) => call === 'PATCH zone')).toHaveLength(1);
});
