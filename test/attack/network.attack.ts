import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startZoneidFake } from '../fakes/zoneid.ts';
import { SUBJECTS, type SubjectKind } from '../faults/support/subjects.ts';
import { startHttp, startHttps, startProxy } from '../support/https.ts';
import { leaksIn } from '../support/spelled-secrets.ts';
import { ADD, NAME, openScene, REMOVE, type Scene, VALUE } from './support/scene.ts';

const ZONE = 'zones: { example.com: it }\ndns: { followCnames: false }\n';
const PEAK = new URL('../support/peak-memory.cjs', import.meta.url).pathname;

let here: Scene;
beforeEach(async () => {
  here = await openScene();
});
afterEach(() => here.remove());

const configure = (name: string, options: object, more: object = {}) =>
  here.configure(
    JSON.stringify({
      accounts: { it: { provider: name, ...options, timeout: 5, ...more } },
      zones: { 'example.com': 'it' },
      dns: { followCnames: false },
    }),
  );

/** The HTTP client is the same for all providers. These wait for no rate limit here. */
const HTTP_SUBJECTS = ['ispconfig', 'zoneid', 'panelalpha', 'powerdns', 'olspanel', 'acme-dns'] as const;

describe('a proxy in the environment', () => {
  const VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];

  it.each(HTTP_SUBJECTS)('hears nothing of an API on loopback: %s', async (name) => {
    const subject = await (SUBJECTS[name] as SubjectKind).start(here.stateDirectory);
    const heard: string[] = [];
    const proxy = await startHttp((request, response) => {
      heard.push(`${request.method} ${request.url}`);
      response.end();
    });
    await configure(name, subject.options);
    const origins = [proxy.origin, proxy.origin.replace('http://', '')];
    for (const origin of origins) {
      const env = Object.fromEntries(VARIABLES.map((variable) => [variable, origin]));
      for (const more of [{}, { NODE_USE_ENV_PROXY: '1' }, { no_proxy: 'example.net' }]) {
        expect((await here.run(ADD, { env: { ...env, ...more } })).stderr).toBe('');
        await here.run(REMOVE, { env: { ...env, ...more } });
      }
    }
    expect(heard).toEqual([]);
    await Promise.all([proxy.close(), subject.close()]);
  });

  it('sees only a tunnel where the API is on https', async () => {
    const [proxy, server] = [await startProxy(), await startHttps('self-signed')];
    const secret = 'a-secret-that-no-proxy-may-see';
    // A name that only the proxy would look up: it never comes to the server.
    await configure('zoneid', { url: `https://localhost.invalid:${server.port}`, username: 'x', apiKey: secret });
    const outcome = await here.timed([...ADD, '--timeout', '4'], { env: { https_proxy: proxy.origin } });
    expect(outcome.code).toBe(75);
    expect(outcome.seconds).toBeLessThan(8);
    expect(server.requests).toEqual([]);
    for (const tunnel of proxy.tunnels) expect(tunnel).not.toContain(secret);
    await Promise.all([proxy.close(), server.close()]);
  });

  it('that never opens its tunnel does not outlive the time limit', async () => {
    const proxy = createServer().on('connect', () => {});
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    await configure('zoneid', { url: 'https://api.invalid', username: 'x', apiKey: 'some-api-key' });
    const outcome = await here.timed([...ADD, '--timeout', '4'], { env: { https_proxy: `http://127.0.0.1:${port}` } });
    expect(outcome.code).toBe(75);
    expect(outcome.seconds).toBeLessThan(8);
    proxy.closeAllConnections();
    proxy.close();
  });

  it.each(['proxy.example.com:3128', 'socks5://127.0.0.1:1', ':::', 'http://', '%', 'http://[', 'ftp://x'])(
    'that reads %s is no bug in dns01',
    async (text) => {
      await configure('zoneid', { url: 'http://api.invalid', username: 'x', apiKey: 'some-api-key' });
      const env = Object.fromEntries(VARIABLES.map((variable) => [variable, text]));
      const outcome = await here.timed([...ADD, '--timeout', '5'], { env });
      expect([75, 78]).toContain(outcome.code);
    },
  );
});

/** Megabytes of an answer that is written until the reader has enough. */
function pour(response: ServerResponse, piece: string, bytes: number, before = '', after = ''): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write(before);
  const chunk = piece.repeat(Math.ceil(65_536 / piece.length));
  let left = bytes;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= chunk.length;
      if (!response.write(chunk)) return void response.once('drain', more);
    }
    response.end(after);
  };
  response.on('error', () => {});
  more();
}

/** Two of them read XML. */
const FLOODED = [...HTTP_SUBJECTS, 'route53', 'namecheap'] as const;

describe('60 MB as an answer cost less than 9 s and 300 MB', () => {
  const KINDS: Readonly<Record<string, readonly [piece: string, before: string, after: string]>> = {
    'lists in lists': ['[', '', ''],
    'empty lists': ['[],', '[', '[]]'],
    'empty objects': ['{},', '[', '{}]'],
    'one text': ['a', '"', '"'],
    'one number': ['1', '', ''],
    records: [`{"id":"1","name":"${NAME}","destination":"${VALUE}","content":"x","type":"TXT"},`, '[', '{}]'],
    blanks: [' ', '', '[]'],
    'tags of HTML': ['<a b=', '', ''],
    'escapes of JSON': ['\\u0041', '"', '"'],
    'one character in many octets': ['漢', '"', '"'],
  };
  it.each(FLOODED)(
    '%s',
    async (name) => {
      const subject = await (SUBJECTS[name] as SubjectKind).start(here.stateDirectory);
      let kind = 'blanks';
      let status = 200;
      const server = createServer((request, response) => {
        request.resume();
        response.statusCode = status;
        const [piece, before, after] = KINDS[kind] ?? [' ', '', ''];
        const write = response.writeHead.bind(response);
        response.writeHead = ((_status: number, headers: object) => write(status, { ...headers })) as never;
        pour(response, piece, 60 * 1024 * 1024, before, after);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const host = subject.server?.origin.replace('http://', '') ?? '';
      await configure(
        name,
        JSON.parse(JSON.stringify(subject.options).replaceAll(host, `127.0.0.1:${port}`)) as object,
      );
      for (kind of Object.keys(KINDS)) {
        for (status of kind === 'tags of HTML' || kind === 'records' ? [200, 400] : [200]) {
          const peak = here.at('peak');
          const outcome = await here.timed([...ADD, '--timeout', '9'], {
            env: {
              NODE_OPTIONS: `--require ${PEAK}`,
              DNS01_TEST_PEAK_FILE: peak,
              DNS01_STATE_DIR: here.at(kind, String(status)),
            },
          });
          expect(outcome.code, `${kind}: ${outcome.stderr}`).not.toBe(70);
          expect(outcome.stderr, kind).not.toMatch(/^\s+at /m);
          expect(outcome.stderr.length, kind).toBeLessThan(3000);
          expect(outcome.seconds, kind).toBeLessThan(12);
          expect(Number(readFileSync(peak, 'utf8')) / 1024, kind).toBeLessThan(300);
        }
      }
      server.closeAllConnections();
      server.close();
      await subject.close();
    },
    300_000,
  );
});

it('200,000 records in one list end without a stack', async () => {
  const record = `{"id":"1","name":"${NAME}","destination":"${VALUE}"}`;
  const server = await startHttp((_request, response) =>
    pour(response, `${record},`, record.length * 200_000, '[', `${record}]`),
  );
  await configure('zoneid', { url: server.origin, username: 'x', apiKey: 'some-api-key' });
  for (const args of [['list-txt', NAME], REMOVE, ['sweep', '--scan'], ['list-txt', '--json', NAME]]) {
    const outcome = await here.timed([...args, '--timeout', '9']);
    expect(outcome.code, outcome.stderr).not.toBe(70);
    expect(outcome.stderr).not.toMatch(/^\s+at /m);
    expect(outcome.seconds).toBeLessThan(12);
  }
  await server.close();
});

describe('Retry-After', () => {
  it.each([
    '-5',
    '-1',
    '0x10',
    '1e9',
    'NaN',
    '5.5',
    '99999999999999999999',
    'Infinity',
    '+3',
    '',
    ' ',
    'now',
    '2099',
    '12 34',
  ])('of "%s" is no date and no endless wait', async (text) => {
    for (const status of [429, 503]) {
      const server = await startHttp((_request, response) => response.writeHead(status, { 'retry-after': text }).end());
      await configure('powerdns', { url: server.origin, apiKey: 'some-api-key' });
      const outcome = await here.timed([...ADD, '--timeout', '5']);
      expect(outcome.code, outcome.stderr).toBe(75);
      expect(outcome.seconds).toBeLessThan(9);
      expect(server.requests.length).toBeLessThan(10);
      await server.close();
    }
  });
});

describe('NODE_DEBUG', () => {
  const secret = 'Exec+Secret/0123456789abcdef';
  it.each(['child_process', 'CHILD_PROCESS', 'child*', '*', 'http,child_process', '*process', 'ch*s'])(
    '=%s shows no secret of a program',
    async (text) => {
      const program = here.write('program.sh', '#!/bin/sh\nexit 0\n', 0o755);
      await here.configure(
        JSON.stringify({
          accounts: { it: { provider: 'exec', command: program, env: { TOKEN: secret } } },
          zones: { 'example.com': 'it' },
          dns: { followCnames: false },
        }),
      );
      const outcome = await here.run(ADD, { env: { NODE_DEBUG: text } });
      expect(leaksIn(outcome.stdout + outcome.stderr, secret)).toEqual([]);
    },
  );

  it.each([
    'http',
    'net',
    'tls',
    'stream',
    'fetch',
    'undici',
    'module',
    'timer',
    'http,net,tls,stream,undici,fetch,websocket,timer,dns,crypto,fs,events',
  ])('=%s shows no key of an API', async (text) => {
    const fake = await startZoneidFake();
    await configure('zoneid', { url: fake.url, username: fake.username, apiKey: fake.apiKey });
    const outcome = await here.run([...ADD, '--verbose'], { env: { NODE_DEBUG: text } });
    expect(outcome.code).toBe(0);
    expect(leaksIn(outcome.stdout + outcome.stderr, fake.apiKey)).toEqual([]);
    await fake.close();
  });
});

it('a redirect carries the credentials nowhere', async () => {
  const heard: unknown[] = [];
  const thief = await startHttp((request, response) => {
    heard.push(request.headers);
    response.end('[]');
  });
  for (const status of [301, 302, 303, 307, 308]) {
    const server = await startHttp((_request, response) =>
      response.writeHead(status, { location: `${thief.origin}/steal` }).end(),
    );
    await here.configure(
      `accounts: { it: { provider: zoneid, url: "${server.origin}", username: x, apiKey: some-api-key } }\n${ZONE}`,
    );
    expect((await here.run(ADD)).code).toBe(76);
    await server.close();
  }
  expect(heard).toEqual([]);
  await thief.close();
});
