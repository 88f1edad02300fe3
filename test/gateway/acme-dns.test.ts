import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { startDeadline } from '../../src/deadline.ts';
import { hashPassword } from '../../src/gateway/password.ts';
import { openFiles } from '../../src/state/files/state.ts';
import { OTHER_VALUE, VALUE } from '../support/cli.ts';
import { until } from '../support/until.ts';
import { expectItStays } from './published-again.ts';
import { type Asked, ask, type Serving, serveConfig, useGateway, user } from './support.ts';

const gateway = useGateway();

const KEY = 'htB9mR9DYgcu9bX_afHF62erXaH2TS7bg9KW3F7Z';
const ALICE = { user: 'c36f50e8-4632-44f0-83fe-e070fef28a10', subdomain: '8e5700ea-a4bf-41c7-8a77-e990661dcc6a' };
const BOB = { user: 'eabcdb41-d89f-4580-826f-3e62e9755ef2', subdomain: 'd420c923-bbd7-4056-ab64-c3ca54c9b3cf' };
const THIRD_VALUE = VALUE.replace('L', 'M');

const acmeDnsUser = async ({ user: name, subdomain }: typeof ALICE, more = '') =>
  `    ${name}: { acmeDns: { hash: "${await hashPassword(KEY)}", subdomain: ${subdomain}, zone: auth.example.ee }${more} }\n`;

const configure = async (more = '') => {
  const users =
    (await acmeDnsUser(ALICE)) +
    (await acmeDnsUser(BOB)) +
    (await acmeDnsUser({ user: 'far', subdomain: 'far' }, ', networks: [192.0.2.0/24]')) +
    (await user('web1', 'example.ee'));
  const config = gateway.panels.config.replace(
    'example.ee: zone-eu',
    'example.ee: { account: zone-eu, delegated: true }',
  );
  await gateway.here.configure(`${config}${serveConfig(users, '127.0.0.1:0', more)}`);
};

beforeEach(async () => {
  await configure();
  await gateway.start();
});

const update = (txt: string, { user: name, subdomain } = ALICE, more: Partial<Asked> & { key?: string } = {}) =>
  gateway.ask({
    path: '/update',
    headers: { 'x-api-user': name, 'x-api-key': more.key ?? KEY },
    body: JSON.stringify({ subdomain, txt }),
    ...more,
  });
const held = ({ subdomain } = ALICE) => gateway.panels.zoneid.held(`${subdomain}.auth.example.ee`);

describe('acme-dns clients', () => {
  it('update their name and nothing else, with more than two values side by side', async () => {
    for (const value of [VALUE, OTHER_VALUE, THIRD_VALUE, VALUE]) {
      const { status, text, headers } = await update(value);
      expect({ status, text, type: headers['content-type'] }).toEqual({
        status: 200,
        text: `{"txt": "${value}"}`,
        type: 'application/json',
      });
    }
    expect(held().sort()).toEqual([VALUE, OTHER_VALUE, THIRD_VALUE].sort());
    expect(held(BOB)).toEqual([]);
  });

  it.each<[string, () => ReturnType<typeof update>]>([
    ['a wrong key', () => update(VALUE, ALICE, { key: KEY.replace('h', 'i') })],
    ['an unknown user', () => update(VALUE, { ...ALICE, user: 'd1f0c7c2-6a3d-4b8e-9c6d-3f1f8f0f1a11' })],
    ["somebody else's subdomain", () => update(VALUE, { ...ALICE, subdomain: BOB.subdomain })],
    ['a subdomain of nobody', () => update(VALUE, { ...ALICE, subdomain: 'nobody' })],
    [
      'a user of another front',
      () => update(VALUE, { user: 'web1', subdomain: ALICE.subdomain }, { key: 'a password for web1' }),
    ],
    ['another network than its own', () => update(VALUE, { user: 'far', subdomain: 'far' })],
    ['no login', () => update(VALUE, ALICE, { headers: {} })],
    ['no JSON', () => update(VALUE, ALICE, { body: 'subdomain=x' })],
  ])('with %s are refused in the same words', async (_, ask) => {
    const { status, text, headers } = await ask();
    expect({ status, text, type: headers['content-type'] }).toEqual({
      status: 401,
      text: '{"error": "forbidden"}',
      type: 'application/json',
    });
    expect(gateway.panels.zoneid.server.requests).toEqual([]);
  });

  it.each(['', 'v=spf1 -all', `${VALUE}x`, `${VALUE.slice(1)}"`])('with the value %j are refused', async (value) => {
    const { status, text } = await update(value);
    expect([status, text]).toEqual([400, '{"error": "bad_txt"}']);
  });

  it('learn of a failure of the provider in a sentence without the value', async () => {
    gateway.panels.zoneid.server.inject({ kind: '500', call: 'POST txt', effect: 'before', times: 9 });
    const { status, text } = await update(VALUE);
    expect(status).toBe(502);
    expect(text).toBe('{"error": "the DNS provider cannot be reached or has failed"}');
  });

  it('see that the server is there', async () => {
    const { status, text } = await gateway.ask({ path: '/health', method: 'GET' });
    expect([status, text]).toEqual([200, '']);
    expect((await gateway.ask({ path: '/ready', method: 'GET' })).status).toBe(200);
    expect((await gateway.ask({ path: '/register', body: '' })).status).toBe(404);
  });

  it('leave a line in the log for each write, without the value', async () => {
    await update(VALUE);
    const log = gateway.server?.stderr.join('') ?? '';
    expect(log).toMatch(
      new RegExp(
        `audit: user=${ALICE.user} from=127.0.0.1 front=acme-dns action=add name=${ALICE.subdomain}.auth.example.ee account=zone-eu outcome=done ms=\\d+`,
      ),
    );
    expect(log).not.toContain(VALUE);
  });
});

describe('a lease', () => {
  const restart = async (lease: number) => {
    gateway.server?.child.kill('SIGKILL');
    await gateway.server?.ended;
    await configure(`  lease: ${lease}\n`);
    await gateway.start();
  };

  /** When the lease of each value ends, by the journal. */
  async function ends(): Promise<Record<string, number>> {
    const journal = join(gateway.here.stateDirectory, 'journal');
    const texts = (await readdir(journal)).map((file) => readFile(join(journal, file), 'utf8'));
    const entries = (await Promise.all(texts)).map((text) => JSON.parse(text) as { value: string; until: string });
    return Object.fromEntries(entries.map((entry) => [entry.value, Date.parse(entry.until)]));
  }

  it('ends, and begins anew with each update', async () => {
    await restart(2);
    await update(VALUE);
    await update(OTHER_VALUE);
    const first = await ends();
    await delay(100);
    await update(OTHER_VALUE);
    const later = await ends();
    expect(later[VALUE]).toBe(first[VALUE]);
    expect(later[OTHER_VALUE]).toBeGreaterThan(first[OTHER_VALUE] ?? Infinity);
    await until(() => held().length === 0);
    const line = `audit: user=${ALICE.user} from=- front=lease action=remove name=${ALICE.subdomain}`;
    await until(() => gateway.server?.stderr.join('').includes(line) ?? false);
  });

  it('ends although the process was killed, and values of other fronts stay', async () => {
    await restart(1);
    await update(VALUE);
    const name = '_acme-challenge.example.ee';
    expect((await gateway.ask({ body: JSON.stringify({ fqdn: name, value: VALUE }) })).status).toBe(200);
    gateway.server?.child.kill('SIGKILL');
    await delay(1100);
    expect(held()).toEqual([VALUE]);
    await restart(3600);
    await until(() => held().length === 0);
    expect(gateway.panels.zoneid.held(name)).toEqual([VALUE]);
  });

  it('begins anew for a value that is published again while another process withdraws it', async () => {
    await restart(2);
    await update(VALUE);
    const others: Serving[] = [];
    await expectItStays(gateway.panels.zoneid, `${ALICE.subdomain}.auth.example.ee`, async () => {
      const other = await gateway.startAnother();
      others.push(other);
      const body = JSON.stringify({ subdomain: ALICE.subdomain, txt: VALUE });
      const headers = { 'x-api-user': ALICE.user, 'x-api-key': KEY };
      return ask(other.at, { path: '/update', headers, body });
    });
    for (const other of others) await other.stop();
  });

  it('that has ended does not keep a server that is told to stop waiting for a sweep', async () => {
    await restart(1);
    const state = openFiles(gateway.here.stateDirectory, { warn: () => {} });
    await state.locks.hold('withdrawals', { deadline: startDeadline(15_000), info: () => {} }, async () => {
      await update(VALUE);
      await delay(2000);
      expect(held()).toEqual([VALUE]);
      const asked = performance.now();
      expect(await gateway.server?.stop()).toBe(0);
      expect(performance.now() - asked).toBeLessThan(5000);
    });
  });

  it('that has ended is what a sweep takes, whatever its age, and none that runs', async () => {
    await restart(3600);
    await update(VALUE);
    expect((await gateway.here.run(['sweep', '--older-than', '0m'])).stdout).toBe('');
    await restart(1);
    await update(OTHER_VALUE);
    await gateway.server?.stop();
    await delay(1100);
    expect((await gateway.here.run(['sweep'])).stdout).toMatch(new RegExp(`^removed\t.*\t${OTHER_VALUE}\t.*\n$`));
    expect(held()).toEqual([VALUE]);
  });
});
