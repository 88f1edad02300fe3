import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectFailure, OTHER_VALUE, VALUE } from '../support/cli.ts';
import { ask as askAt, freePort, json, NAME, serveConfig, useGateway, user } from './support.ts';
import { add as addTxt, send, updateOf } from './update-client.ts';

const gateway = useGateway();
const { ask } = gateway;

async function configure(more = '') {
  const config = gateway.panels.config.replace(
    'example.ee: zone-eu',
    'example.ee: { account: zone-eu, delegated: true }',
  );
  await gateway.here.configure(`${config}${serveConfig(await user('old', 'example.com'), '127.0.0.1:0', more)}`);
}

const run = (...args: string[]) => gateway.here.run(['serve', 'user', ...args]);

async function add(...args: string[]): Promise<Record<string, string>> {
  const { code, stdout, stderr } = await run('add', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return Object.fromEntries(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')),
  );
}

describe('dns01 serve user', () => {
  it('adds a user whom a running server lets in at once, and removes it', async () => {
    await configure();
    await gateway.start();
    const { user: name, password = '' } = await add('web9', '--names', 'www.example.com,example.net');
    expect([name, password]).toEqual(['web9', expect.stringMatching(/^[\w-]{40}$/)]);
    expect((await ask({ user: 'web9', password, body: json(NAME, VALUE) })).status).toBe(200);
    expect((await ask({ user: 'web9', password, body: json('_acme-challenge.example.com', VALUE) })).status).toBe(403);
    expect((await run('list')).stdout).toBe('old\tconfig\texample.com\nweb9\tstate\twww.example.com,example.net\n');
    expect((await run('remove', 'web9')).stdout).toBe('web9: removed\n');
    const deadline = performance.now() + 10_000;
    while ((await ask({ user: 'web9', password, body: json(NAME, VALUE) })).status !== 401) {
      expect(performance.now()).toBeLessThan(deadline);
    }
  });

  it('added by two commands at the same moment is one of them, and the other says so', async () => {
    await configure();
    const [won, ...lost] = (
      await Promise.all(
        ['example.com', 'example.net', 'example.org'].map((names) => run('add', 'web9', '--names', names)),
      )
    ).sort((one, other) => one.code - other.code);
    expect(won?.code).toBe(0);
    for (const outcome of lost) {
      expectFailure(outcome, 64, /there is a user web9 already/, /remove it with dns01 serve user remove web9/);
      expect(outcome.stdout).toBe('');
    }
    expect((await run('list')).stdout.match(/web9/g)).toHaveLength(1);
  });

  it('adds a login for an acme-dns client', async () => {
    await configure();
    await gateway.start();
    const {
      username = '',
      password = '',
      subdomain = '',
      fulldomain = '',
    } = await add('old-box', '--acme-dns', 'auth.example.ee');
    expect(fulldomain).toBe(`${subdomain}.auth.example.ee`);
    const headers = { 'x-api-user': username, 'x-api-key': password };
    const body = JSON.stringify({ subdomain, txt: VALUE });
    expect((await ask({ path: '/update', headers, body })).status).toBe(200);
    expect(gateway.panels.zoneid.held(fulldomain)).toEqual([VALUE]);
  });

  it('limits how many values are published at the same time', async () => {
    await configure();
    await gateway.start();
    const { password = '' } = await add('web9', '--names', 'example.com', '--live-values', '2');
    const names = ['a', 'b', 'c', 'd'].map((label) => `_acme-challenge.${label}.example.com`);
    const present = (name = '', value = VALUE) => ask({ user: 'web9', password, body: json(name, value) });
    const statuses = (await Promise.all(names.map((name) => present(name)))).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, 200, 503, 503]);
    const held = names.filter((_, index) => statuses[index] === 200);
    expect((await present(held[0])).status).toBe(200);
    expect((await present(held[0], OTHER_VALUE)).status).toBe(503);
    await ask({ user: 'web9', password, path: '/cleanup', body: json(held[0] ?? '', VALUE) });
    expect((await present(held[0], OTHER_VALUE)).status).toBe(200);
  });

  it('limits the networks and the requests of a minute', async () => {
    await configure();
    await gateway.start();
    const { password = '' } = await add(
      'far',
      '--names',
      'example.com',
      '--networks',
      '127.0.0.9/32',
      '--requests-per-minute',
      '3',
    );
    const body = json('_acme-challenge.example.com', VALUE);
    expect((await ask({ user: 'far', password, body })).status).toBe(401);
    const statuses: number[] = [];
    for (let index = 0; index < 4; index++)
      statuses.push((await ask({ user: 'far', password, body, from: '127.0.0.9' })).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
  });

  it('makes a key for dynamic updates, of which the state has no secret', async () => {
    const file = join(gateway.here.directory, 'update.secret');
    await writeFile(file, `${'s'.repeat(31)}\n`, { mode: 0o600 });
    await configure('  update: { listen: ["127.0.0.1:0"], secret: { file: update.secret } }\n');
    const refused = await run('add', 'web9.example.com', '--names', 'www.example.com', '--tsig');
    expectFailure(refused, 78, /serve\.update\.secret: has fewer than 32 characters/);
    await writeFile(file, `${'s'.repeat(32)}\n`);
    await gateway.start();
    const made = await add('web9.example.com', '--names', 'www.example.com', '--tsig');
    expect(made).toMatchObject({ key: 'web9.example.com', algorithm: 'hmac-sha256' });
    const key = {
      name: made['key'] ?? '',
      algorithm: 'hmac-sha256',
      secret: Buffer.from(made['secret'] ?? '', 'base64'),
    } as const;
    const at = gateway.server?.updatesAt[0] ?? '';
    const message = updateOf([addTxt(NAME, VALUE)]);
    expect(await send(message, { at, key })).toMatchObject({ rcode: 'NOERROR', signature: 'good' });
    expect(gateway.panels.ispconfig.held(NAME)).toEqual([VALUE]);
    const forged = { ...key, secret: Buffer.from(key.secret).reverse() };
    expect(await send(message, { at, key: forged })).toMatchObject({ rcode: 'NOTAUTH' });
    const files = await readdir(gateway.here.stateDirectory, { recursive: true, withFileTypes: true });
    const texts = files
      .filter((file) => file.isFile())
      .map((file) => readFile(join(file.parentPath, file.name), 'utf8'));
    expect((await Promise.all(texts)).join('')).not.toContain(made['secret']);
  });

  it('counts requests of all gateways with the same state', async () => {
    await configure();
    await gateway.start();
    const { password = '' } = await add('web9', '--names', 'example.com', '--requests-per-minute', '4');
    const other = await gateway.startAnother();
    const body = json('_acme-challenge.example.com', VALUE);
    const statuses: number[] = [];
    for (let index = 0; index < 3; index++) {
      statuses.push((await ask({ user: 'web9', password, body })).status);
      statuses.push((await askAt(other.at, { user: 'web9', password, body })).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429]);
    await other.stop();
  });

  it.each<[string[], RegExp, number?]>([
    [['add', 'old', '--names', 'example.com'], /the user old is in the config/],
    [['add', 'x/y', '--names', 'example.com'], /is not a name for a user/],
    [['add', 'web9'], /the user may write nothing/],
    [['add', 'web9', '--names', 'exa mple'], /is not a domain name/],
    [['add', 'web9', '--names', 'example.com', '--networks', 'here'], /"here" is not a network/],
    [['add', 'web9', '--names', 'example.com', '--live-values', 'many'], /a limit is not a number/],
    [['add', 'web9', '--names', 'example.com', '--requests-per-minute', '0'], /a limit is not a number from 1/],
    [['add', 'web9', '--names', 'example.com', '--live-values', '-1'], /a limit is not a number from 1/],
    [['add', 'web9', '--acme-dns', 'example.com'], /example\.com is not in a zone that CNAMEs may lead to/],
    [['add', 'Web_9', '--names', 'example.com', '--tsig'], /serve\.update\.secret: is missing/, 78],
    [['remove', 'nobody'], /there is no user "nobody"/],
    [['remove', 'old'], /there is no user "old"/],
  ])('refuses %j', async (args, message, code = 64) => {
    await configure();
    expectFailure(await run(...args), code, message);
  });
});

describe('dns01 serve --check', () => {
  it('ends when the server is ready', async () => {
    const port = await freePort();
    await gateway.here.configure(
      `${gateway.panels.config}${serveConfig(await user('old', 'example.com'), `127.0.0.1:${port}`)}`,
    );
    const checking = gateway.here.run(['serve', '--check']);
    await gateway.start();
    expect(await checking).toEqual({ code: 0, stdout: 'the server is ready\n', stderr: '' });
  });

  it.each([
    ['over TLS', '127.0.0.1', true],
    ['on a Unix socket', 'unix', false],
  ])('%s, it takes the certificate of the config alone', async (_, host, hasTls) => {
    const fixture = (name: string) => new URL(`../fixtures/tls/${name}`, import.meta.url).pathname;
    const port = await freePort();
    const listen = host === 'unix' ? `unix:${gateway.here.directory}/serve.sock` : `${host}:${port}`;
    const tls = (cert: string) =>
      hasTls ? `  tls: { cert: ${fixture(`${cert}.pem`)}, key: ${fixture(`${cert}.key`)} }\n` : '';
    const configured = async (cert: string) =>
      gateway.here.configure(
        `${gateway.panels.config}${serveConfig(await user('old', 'example.com'), listen, tls(cert))}`,
      );
    await configured('server');
    await gateway.start();
    expect((await gateway.here.run(['serve', '--check'])).code).toBe(0);
    if (!hasTls) return;
    const other = await otherConfig(listen);
    // A second is enough for one answer, except on a busy machine.
    for (const seconds of ['1', '4', '15']) {
      const checked = await gateway.here.run(['serve', '--check', '--timeout', seconds, '--config', other]);
      if (checked.stderr.includes('no answer') && seconds !== '15') continue;
      return expectFailure(checked, 75, /shows another certificate/);
    }
  });

  async function otherConfig(listen: string): Promise<string> {
    const fixture = (name: string) => new URL(`../fixtures/tls/${name}`, import.meta.url).pathname;
    const file = `${gateway.here.directory}/other.yaml`;
    const tls = `  tls: { cert: ${fixture('self-signed.pem')}, key: ${fixture('self-signed.key')} }\n`;
    const text = `${gateway.panels.config}${serveConfig(await user('old', 'example.com'), listen, tls)}`;
    await writeFile(file, text, { mode: 0o600 });
    return file;
  }

  it('says after its time that there is no server', async () => {
    await gateway.here.configure(
      `${gateway.panels.config}${serveConfig(await user('old', 'example.com'), '127.0.0.1:1')}`,
    );
    expectFailure(await gateway.here.run(['serve', '--check', '--timeout', '1']), 75, /was not ready within 1 s/);
  });
});
