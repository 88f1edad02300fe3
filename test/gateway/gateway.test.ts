import { spawn } from 'node:child_process';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { urlToHttpOptions } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashPassword } from '../../src/gateway/password.ts';
import { expectFailure, OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { openNameserver, type TestNameserver } from '../support/nameserver.ts';
import { PANEL_PASSWORD, type Panels, startPanels } from '../support/panels.ts';
import { bundle } from '../support/paths.ts';
import { until } from '../support/until.ts';

const NAME = '_acme-challenge.www.example.com';
const PASSWORD = 'a password for web1';

let panels: Panels;
let here: Workplace;
let dns: TestNameserver;
let server: Serving | undefined;

interface Serving {
  readonly at: string;
  readonly stderr: string[];
  /** Asks it to stop; resolves with its exit code. */
  stop(): Promise<number>;
}

beforeEach(async () => {
  dns = await openNameserver(['example.com']);
  here = await openWorkplace();
  panels = await startPanels({
    ispconfig: { onChange: async (_zone, name, _type, value, change) => dns.change(name, value, change) },
  });
});
afterEach(async () => {
  const stderr = server?.stderr.join('') ?? '';
  await server?.stop();
  server = undefined;
  expect(stderr).not.toContain(PASSWORD);
  expect(stderr).not.toContain(Buffer.from(`web1:${PASSWORD}`).toString('base64'));
  await here.expectNoSecret(PASSWORD, PANEL_PASSWORD);
  await Promise.all([panels.close(), here.remove(), dns.close()]);
});

const start = (listen = '127.0.0.1:0', ...options: string[]) => startWith('', listen, ...options);

async function startWith(more: string, listen: string, ...options: string[]): Promise<Serving> {
  await here.configure(`${panels.accounts}${dns.config}propagation: { timeout: 5, interval: 0.1 }
serve:
  listen: ${listen}
  users: { web1: { hash: "${await hashPassword(PASSWORD)}", names: [www.example.com] } }
${more}`);
  const env = { DNS01_CONFIG: join(here.directory, 'dns01.yaml'), DNS01_STATE_DIR: here.stateDirectory };
  const child = spawn(process.execPath, [bundle, 'serve', ...options], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk) => stdout.push(String(chunk)));
  child.stderr.on('data', (chunk) => stderr.push(String(chunk)));
  const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
  await until(() => stdout.length > 0 || child.exitCode !== null);
  server = {
    at: stdout.join('').replace('listening on ', '').trim(),
    stderr,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
  return server;
}

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
  readonly user?: string;
  readonly password?: string;
}

/** One request on a connection of its own, over TCP or the Unix socket. */
function ask({ path = '/present', method = 'POST', body, user = 'web1', password = PASSWORD }: Asked) {
  const at = server?.at ?? '';
  const target = at.startsWith('unix:') ? { socketPath: at.slice(5) } : urlToHttpOptions(new URL(at));
  const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  return new Promise<{ status: number; text: string; headers: Record<string, unknown> }>((resolve, reject) => {
    const request = httpRequest({ ...target, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
    });
    request.on('error', reject).end(body);
  });
}

const json = (fqdn: string, value: string) => JSON.stringify({ fqdn, value });
const held = () => panels.ispconfig.held(NAME);

describe('dns01 serve', () => {
  it("publishes and withdraws for lego's httpreq and acme.sh's dns_acmeproxy", async () => {
    await start();
    panels.ispconfig.plant({ name: `${NAME}.`, data: OTHER_VALUE });
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
    dns.hold();
    expect((await ask({ body: json(NAME, VALUE) })).status).toBe(200);
  });

  it('answers when the value can be seen, if told to wait', async () => {
    await start('127.0.0.1:0', '--wait');
    dns.hold();
    const answer = ask({ body: json(NAME, VALUE) });
    await dns.asked(NAME);
    dns.release();
    expect((await answer).status).toBe(200);
  });

  it('listens on a Unix socket, and takes over one that a killed process left', async () => {
    const path = join(here.directory, 'serve.sock');
    const { createServer } = await import('node:net');
    const left = createServer();
    await new Promise<void>((resolve) => left.listen(path, resolve));
    await start(`unix:${path}`);
    expect((await ask({ body: json(NAME, VALUE) })).status).toBe(200);
    left.close();
  });
});

it('dns01 serve speaks TLS where it is told to', async () => {
  const fixture = (name: string) => new URL(`../fixtures/tls/${name}`, import.meta.url).pathname;
  await startWith(`  tls: { cert: ${fixture('server.pem')}, key: ${fixture('server.key')} }\n`, '127.0.0.1:0');
  expect(server?.at).toMatch(/^https:\/\/127\.0\.0\.1:/);
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
    url: `${server?.at}/present`,
    headers: { authorization },
    json,
  });
  expect(answer.status).toBe(200);
  expect(held()).toEqual([VALUE]);
  await http.close();
});

describe('what the server refuses', () => {
  beforeEach(() => start());

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
    expect(panels.ispconfig.server.requests).toEqual([]);
  });

  it('names below its own are its own', async () => {
    const below = '_acme-challenge.shop.www.example.com';
    expect((await ask({ body: json(below, VALUE) })).status).toBe(200);
    expect(panels.ispconfig.held(below)).toEqual([VALUE]);
  });

  it('a failure of the provider, in words that do not repeat the value', async () => {
    panels.ispconfig.panel.maintenance = true;
    const answer = await ask({ body: json(NAME, VALUE) });
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.text)).toMatchObject({
      code: 'E_REMOTE',
      error: expect.stringContaining('account panel'),
    });
    expect(answer.text).not.toContain(`"${VALUE}"`);
  });

  it('those who guess passwords, with the time to wait, while right ones are let in', async () => {
    for (let guess = 0; guess < 10; guess++) expect((await ask({ password: `guess ${guess}` })).status).toBe(401);
    const refused = await ask({ password: 'one more guess' });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask({ body: json(NAME, VALUE) })).status).toBe(200);
  });

  it('those who connect and send no request, without failing for the others', async () => {
    const { hostname, port } = new URL(server?.at ?? '');
    const idle = Array.from({ length: 20 }, () => connect(Number(port), hostname));
    await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    expect((await ask({ body: json(NAME, VALUE) })).status).toBe(200);
    for (const socket of idle) socket.destroy();
  });
});

describe('a server that is told to stop', () => {
  it('finishes what it has begun', async () => {
    const running = await start('127.0.0.1:0', '--wait');
    dns.hold();
    const answer = ask({ body: json(NAME, VALUE) });
    await dns.asked(NAME);
    const stopped = running.stop();
    dns.release();
    expect((await answer).status).toBe(200);
    expect(await stopped).toBe(0);
    server = undefined;
    expect(held()).toEqual([VALUE]);
  });
});

describe('a config for serve', () => {
  it('that would send passwords in the clear to the world is refused', async () => {
    const user = `users: { web1: { hash: "${await hashPassword(PASSWORD)}", names: [example.com] } }`;
    await here.configure(`${panels.config}serve: { listen: "0.0.0.0:8053", ${user} }\n`);
    expectFailure(await here.run(['serve']), 78, /reachable from elsewhere and there is no TLS/, /unix:/);
  });

  it('without serve says what is missing', async () => {
    await here.configure(panels.config);
    expectFailure(await here.run(['serve']), 78, /serve: is missing/, /dns01 serve hash/);
  });

  it('with a password instead of its hash is refused', async () => {
    await here.configure(`${panels.config}serve: { users: { web1: { hash: "plain", names: [example.com] } } }\n`);
    expectFailure(await here.run(['serve']), 78, /serve\.users\.web1\.hash: expected what dns01 serve hash prints/);
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
