import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import type { Socket } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectFailure, OTHER_VALUE, VALUE } from '../support/cli.ts';
import { bundle } from '../support/paths.ts';
import { connectSilently, json, NAME, PASSWORD, serveConfig, useGateway, user } from './support.ts';

const gateway = useGateway();
const { ask } = gateway;

async function start(listen = '127.0.0.1:0', ...options: string[]) {
  await configure(listen);
  return gateway.start(...options);
}

async function configure(listen: string, more = '') {
  const { panels, dns, here } = gateway;
  const users = await user('web1', 'www.example.com');
  await here.configure(
    `${panels.accounts}${dns.config}propagation: { timeout: 5, interval: 0.1 }\n${serveConfig(users, listen, more)}`,
  );
}

const held = () => gateway.panels.ispconfig.held(NAME);

describe('dns01 serve', () => {
  it("publishes and withdraws for lego's httpreq and acme.sh's dns_acmeproxy", async () => {
    await start();
    gateway.panels.ispconfig.plant({ name: `${NAME}.`, data: OTHER_VALUE });
    const present = await ask({ body: json(`${NAME}.`, VALUE) });
    expect(present.status).toBe(200);
    // acme.sh looks for the value in quotes and for nothing else.
    expect(present.text).toContain(`"${VALUE}"`);
    expect(held().sort()).toEqual([VALUE, OTHER_VALUE].sort());
    const cleanup = await ask({ path: '/some/prefix/cleanup', body: json(`${NAME}.`, VALUE) });
    expect(cleanup.status).toBe(200);
    expect(cleanup.text).toContain(`"${VALUE}"`);
    expect(held()).toEqual([OTHER_VALUE]);
  });

  it("understands lego's RAW mode", async () => {
    await start();
    const { createHash } = await import('node:crypto');
    const value = createHash('sha256').update('key.authorization').digest('base64url');
    const body = JSON.stringify({ domain: 'www.example.com', token: '-t', keyAuth: 'key.authorization' });
    expect((await ask({ body })).status).toBe(200);
    expect(held()).toEqual([value]);
  });

  it('answers before the value can be seen, for its clients look themselves', async () => {
    await start();
    gateway.dns.hold();
    expect((await ask({ body: json(NAME, VALUE) })).status).toBe(200);
  });

  it('answers when the value can be seen, if told to wait', async () => {
    await start('127.0.0.1:0', '--wait');
    gateway.dns.hold();
    const answer = ask({ body: json(NAME, VALUE) });
    await gateway.dns.asked(NAME);
    gateway.dns.release();
    expect((await answer).status).toBe(200);
  });
});

it('dns01 serve speaks TLS where it is told to', async () => {
  const fixture = (name: string) => new URL(`../fixtures/tls/${name}`, import.meta.url).pathname;
  await configure('127.0.0.1:0', `  tls: { cert: ${fixture('server.pem')}, key: ${fixture('server.key')} }\n`);
  const server = await gateway.start();
  expect(server.at).toMatch(/^https:\/\/127\.0\.0\.1:/);
  const { createHttpClient } = await import('../../src/http/client.ts');
  const { startDeadline } = await import('../../src/deadline.ts');
  const { readFile } = await import('node:fs/promises');
  const log = { debug: () => {}, info: () => {}, warn: () => {} };
  const connection = { ca: await readFile(fixture('ca.pem'), 'utf8') };
  const http = createHttpClient({ connection, requestTimeout: 10_000, deadline: startDeadline(20_000), log });
  const authorization = `Basic ${Buffer.from(`web1:${PASSWORD}`).toString('base64')}`;
  const json = { fqdn: NAME, value: VALUE };
  const answer = await http.send({
    call: 'present',
    method: 'POST',
    url: `${server.at}/present`,
    headers: { authorization },
    json,
  });
  expect(answer.status).toBe(200);
  expect(held()).toEqual([VALUE]);
  await http.close();
});

describe('what the server refuses', () => {
  beforeEach(async () => {
    await start();
  });

  it.each([
    ['a wrong password', { password: 'wrong password' }, 401],
    ['an unknown user', { user: 'nobody' }, 401],
    ['another path', { path: '/' }, 404],
    ['another method', { method: 'GET', body: '' }, 405],
    ['no JSON', { body: 'fqdn=x' }, 400],
    ['JSON of another form', { body: '{"fqdn":["x"]}' }, 400],
    ['a name that is no challenge', { body: json('www.example.com.', VALUE) }, 400],
    ['a value that is no challenge', { body: json(NAME, 'v=spf1 -all') }, 400],
    ['a name of somebody else', { body: json('_acme-challenge.example.com', VALUE) }, 403],
    ['a name that only looks like its own', { body: json('_acme-challenge.evilwww.example.com', VALUE) }, 403],
    [
      'a body larger than any challenge',
      { body: JSON.stringify({ fqdn: NAME, value: VALUE, more: 'x'.repeat(9000) }) },
      413,
    ],
  ])('%s', async (_, asked, status) => {
    const answer = await ask({ body: json(NAME, VALUE), ...asked });
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain(`"${VALUE}"`);
    expect(gateway.panels.ispconfig.server.requests).toEqual([]);
  });

  it('names below its own are its own', async () => {
    const below = '_acme-challenge.shop.www.example.com';
    expect((await ask({ body: json(below, VALUE) })).status).toBe(200);
    expect(gateway.panels.ispconfig.held(below)).toEqual([VALUE]);
  });

  it('a failure of the provider, in words that do not repeat the value', async () => {
    gateway.panels.ispconfig.panel.maintenance = true;
    const answer = await ask({ body: json(NAME, VALUE) });
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.text)).toMatchObject({
      code: 'E_REMOTE',
      error: 'the DNS provider cannot be reached or has failed',
    });
    expect(gateway.server?.stderr.join('')).toMatch(new RegExp(`web1 ${NAME}: E_REMOTE: account panel`));
    expect(answer.text).not.toContain(`"${VALUE}"`);
  });

  it('those who connect and send no request, without failing for the others', async () => {
    const idle = await connectSilently(gateway.server?.at ?? '', 20, '127.0.0.1');
    expect((await ask({ body: json(NAME, VALUE) })).status).toBe(200);
    for (const socket of idle) socket.destroy();
  });
});

describe('a server that is told to stop', () => {
  it('finishes what it has begun', async () => {
    const running = await start('127.0.0.1:0', '--wait');
    gateway.dns.hold();
    const answer = ask({ body: json(NAME, VALUE) });
    await gateway.dns.asked(NAME);
    const stopped = running.stop();
    gateway.dns.release();
    expect((await answer).status).toBe(200);
    expect(await stopped).toBe(0);
    expect(held()).toEqual([VALUE]);
  });

  it('takes no more requests, on open connections neither', async () => {
    const running = await start('127.0.0.1:0', '--wait');
    gateway.dns.hold();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const answer = ask({ body: json(NAME, VALUE), agent });
    const next = ask({ path: '/cleanup', body: json(NAME, OTHER_VALUE), agent }).catch(() => undefined);
    const [silent] = await connectSilently(running.at, 1, '127.0.0.1');
    await gateway.dns.asked(NAME);
    const stopped = running.stop();
    await once(silent as Socket, 'close');
    await expect(ask({ body: json(NAME, VALUE) })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    gateway.dns.release();
    expect((await answer).status).toBe(200);
    expect((await next)?.status).not.toBe(200);
    expect(await stopped).toBe(0);
    agent.destroy();
  });

  it('ends at once when it is told a second time', async () => {
    const running = await start('127.0.0.1:0', '--wait');
    gateway.dns.hold();
    const answer = ask({ body: json(NAME, VALUE) }).catch(() => undefined);
    await gateway.dns.asked(NAME);
    const [silent] = await connectSilently(running.at, 1, '127.0.0.1');
    running.child.kill('SIGTERM');
    await once(silent as Socket, 'close');
    running.child.kill('SIGTERM');
    expect(await running.ended).toBe(143);
    expect(await answer).toBeUndefined();
  });
});

describe('a config for serve', () => {
  it('that would send passwords in the clear to the world is refused', async () => {
    await gateway.here.configure(
      `${gateway.panels.config}${serveConfig(await user('web1', 'example.com'), '0.0.0.0:8053')}`,
    );
    expectFailure(await gateway.here.run(['serve']), 78, /is open to other machines without TLS/, /unix:/);
  });

  it('without serve says what is missing', async () => {
    await gateway.here.configure(gateway.panels.config);
    expectFailure(await gateway.here.run(['serve']), 78, /serve: is missing/, /dns01 serve hash/);
  });

  it('with a password instead of its hash is refused', async () => {
    await gateway.here.configure(
      `${gateway.panels.config}serve: { users: { web1: { hash: "plain", names: [example.com] } } }\n`,
    );
    expectFailure(
      await gateway.here.run(['serve']),
      78,
      /serve\.users\.web1\.hash: expected what dns01 serve hash prints/,
    );
  });
});

it('serve hash reads a password on stdin and prints what a config takes', async () => {
  const child = spawn(process.execPath, [bundle, 'serve', 'hash'], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(`${PASSWORD}\n`);
  const { text } = await import('node:stream/consumers');
  const hash = (await text(child.stdout)).trim();
  const { verifyPassword } = await import('../../src/gateway/password.ts');
  expect(await verifyPassword(PASSWORD, hash)).toBe(true);
  expect(await verifyPassword(`${PASSWORD}!`, hash)).toBe(false);
});
