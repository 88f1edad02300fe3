import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { urlToHttpOptions } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { hashPassword } from '../../src/gateway/password.ts';
import { openWorkplace, type Workplace } from '../support/cli.ts';
import { openNameserver, type TestNameserver } from '../support/nameserver.ts';
import { PANEL_PASSWORD, type Panels, startPanels } from '../support/panels.ts';
import { bundle } from '../support/paths.ts';
import { until } from '../support/until.ts';

export const PASSWORD = 'a password for web1';
export const NAME = '_acme-challenge.www.example.com';

export const json = (fqdn: string, value: string) => JSON.stringify({ fqdn, value });

/** A line of `serve.users`, with PASSWORD as the password. */
export const user = async (name: string, ...names: string[]) =>
  `    ${name}: { hash: "${await hashPassword(PASSWORD)}", names: [${names.join(', ')}] }\n`;

export interface Serving {
  readonly at: string;
  /** Where it takes dynamic updates. */
  readonly updatesAt: readonly string[];
  /** All that it has printed. */
  readonly stdout: readonly string[];
  readonly stderr: string[];
  readonly child: ChildProcess;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Asks it to stop; resolves with its exit code. */
  stop(): Promise<number | string>;
}

export interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
  readonly user?: string;
  readonly password?: string;
  /** The client's address. */
  readonly from?: string;
  readonly ca?: string;
  /** In place of the login. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A connection of its own unless this one keeps some. */
  readonly agent?: Agent;
  /** Called with the request, e.g. to give it up. */
  onRequest?(request: ReturnType<typeof httpRequest>): void;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** One request on a connection of its own, over TCP or a Unix socket. */
export function ask(at: string, asked: Asked): Promise<Reply> {
  const {
    path = '/present',
    method = 'POST',
    body,
    user = 'web1',
    password = PASSWORD,
    from,
    ca,
    agent = false,
    onRequest,
  } = asked;
  const target = at.startsWith('unix:') ? { socketPath: at.slice(5) } : urlToHttpOptions(new URL(at));
  const headers = asked.headers ?? { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  const send = at.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const options = { ...target, path, method, headers, ca, agent, ...(from ? { localAddress: from } : {}) };
    const request = send(options, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
    });
    onRequest?.(request);
    request.on('error', reject).end(body);
  });
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** Connections that send nothing. */
export async function connectSilently(at: string, count: number, localAddress: string): Promise<Socket[]> {
  const { hostname: host, port } = new URL(at);
  const sockets = Array.from({ length: count }, () => connect({ host, port: Number(port), localAddress }).resume());
  await Promise.all(sockets.map((socket) => new Promise((done) => socket.once('connect', done).once('error', done))));
  return sockets;
}

export interface Gateway {
  readonly panels: Panels;
  readonly here: Workplace;
  readonly dns: TestNameserver;
  server: Serving | undefined;
  /** Starts `dns01 serve` with the config that `configure` wrote. */
  start(...options: string[]): Promise<Serving>;
  /** One more with the same config and state; the test stops it. */
  startAnother(): Promise<Serving>;
  ask(asked: Asked): Promise<Reply>;
}

/** The `serve:` part of a config. */
export const serveConfig = (users: string, listen = '127.0.0.1:0', more = '') =>
  `serve:\n  listen: ${listen}\n${more}  users:\n${users}`;

/** A fresh set for each test, or one for a whole file; afterwards no output and no state may hold a secret. */
export function useGateway(scope: 'test' | 'file' = 'test'): Gateway {
  const gateway = { server: undefined } as { -readonly [Key in keyof Gateway]: Gateway[Key] };
  const [before, after] = scope === 'test' ? [beforeEach, afterEach] : [beforeAll, afterAll];
  before(async () => {
    const dns = await openNameserver(['example.com']);
    const here = await openWorkplace();
    const panels = await startPanels({
      ispconfig: { onChange: async (_zone, name, _type, value, change) => dns.change(name, value, change) },
    });
    Object.assign(gateway, { dns, here, panels });
  });
  after(async () => {
    const { server, here, panels, dns } = gateway;
    const stderr = server?.stderr.join('') ?? '';
    await server?.stop();
    gateway.server = undefined;
    expect(stderr).not.toContain(PASSWORD);
    expect(stderr).not.toContain(Buffer.from(`web1:${PASSWORD}`).toString('base64'));
    await here.expectNoSecret(PASSWORD, PANEL_PASSWORD);
    await Promise.all([panels.close(), here.remove(), dns.close()]);
  });
  gateway.start = async (...options) => {
    gateway.server = await spawnServer(gateway.here, options);
    return gateway.server;
  };
  gateway.startAnother = () => spawnServer(gateway.here, []);
  gateway.ask = (asked) => ask(gateway.server?.at ?? '', asked);
  return gateway;
}

async function spawnServer(here: Workplace, options: readonly string[]): Promise<Serving> {
  const env = { DNS01_CONFIG: join(here.directory, 'dns01.yaml'), DNS01_STATE_DIR: here.stateDirectory };
  const child = spawn(process.execPath, [bundle, 'serve', ...options], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk) => stdout.push(String(chunk)));
  child.stderr.on('data', (chunk) => stderr.push(String(chunk)));
  const ended = new Promise<number | string>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal ?? -1)),
  );
  await until(() => stdout.length > 0 || child.exitCode !== null);
  const [at = '', ...others] = stdout
    .join('')
    .trim()
    .split('\n')
    .map((line) => line.replace('listening on ', ''));
  return {
    at,
    updatesAt: others.map((address) => address.replace('dns://', '')),
    stdout,
    stderr,
    child,
    ended,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
