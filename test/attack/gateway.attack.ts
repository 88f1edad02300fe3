import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { hashPassword } from '../../src/gateway/password.ts';
import { json, NAME, PASSWORD, serveConfig, useGateway, user } from '../gateway/support.ts';
import { VALUE } from '../support/cli.ts';

const gateway = useGateway();
const { ask } = gateway;

const KEY = 'k'.repeat(40);
const LOGINS = {
  '/present': `Authorization: Basic ${Buffer.from(`web1:${PASSWORD}`).toString('base64')}\r\n`,
  '/update': `X-Api-User: own\r\nX-Api-Key: ${KEY}\r\n`,
  '/register': '',
} as const;
const PATHS = Object.keys(LOGINS) as (keyof typeof LOGINS)[];

/** The most that the server may need for hostile requests, in kilobytes. */
const MOST_MEMORY_KB = 300_000;

beforeEach(async () => {
  const acmeDns = `acmeDns: { hash: "${await hashPassword(KEY)}", subdomain: own, zone: auth.example.ee }`;
  const users = `${await user('web1', 'www.example.com')}    own: { ${acmeDns} }\n`;
  const more = '  register: { networks: [127.0.0.0/8], zone: auth.example.ee }\n';
  const config = gateway.panels.config.replace(
    'example.ee: zone-eu',
    'example.ee: { account: zone-eu, delegated: true }',
  );
  await gateway.here.configure(`${config}${serveConfig(users, '127.0.0.1:0', more)}`);
  await gateway.start();
});

/** Sends the beginning of a request and gives the connection, with all that it will say. */
function begin(path: keyof typeof LOGINS, rest: string): { readonly socket: Socket; readonly said: Promise<string> } {
  const { hostname: host, port } = new URL(gateway.server?.at ?? '');
  const socket = connect({ host, port: Number(port) });
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\n${LOGINS[path]}${rest}`);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  return { socket, said: once(socket, 'close').then(() => text) };
}

async function memoryKb(): Promise<number> {
  const { readFile } = await import('node:fs/promises');
  const status = await readFile(`/proc/${gateway.server?.child.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}

describe('a body', () => {
  it.each(PATHS)('larger than any challenge is refused, and one without an end too: %s', async (path) => {
    const large = begin(path, `Content-Length: 1000000\r\n\r\n${'x'.repeat(20_000)}`);
    expect(await large.said).toMatch(/^HTTP\/1\.1 413 /);
    const endless = begin(path, 'Transfer-Encoding: chunked\r\n\r\n');
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const sending = setInterval(() => {
      if (endless.socket.writable && endless.socket.writableLength < 1_000_000) endless.socket.write(chunk);
    }, 1);
    expect(await endless.said).toMatch(/^HTTP\/1\.1 413 /);
    clearInterval(sending);
    expect(await memoryKb()).toBeLessThan(MOST_MEMORY_KB);
  });

  it('that comes one byte a second is not waited for', async () => {
    const slow = PATHS.map((path) => {
      const connection = begin(path, 'Content-Length: 1000\r\n\r\n');
      const sending = setInterval(() => connection.socket.write('x'), 1000);
      return connection.said.finally(() => clearInterval(sending));
    });
    const started = performance.now();
    expect((await ask({ body: json(NAME, VALUE) })).status).toBe(200);
    await Promise.all(slow);
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});

describe('a flood of registrations', () => {
  it('from many addresses makes few users, and leaves those who are known served', async () => {
    expect((await ask({ body: json(NAME, VALUE) })).status).toBe(200);
    const flood = Array.from({ length: 200 }, (_, nth) =>
      ask({ path: '/register', headers: {}, body: '', from: `127.0.1.${nth + 1}` }).then(
        ({ status }) => status,
        () => 'cut off' as const,
      ),
    );
    const started = performance.now();
    expect((await ask({ path: '/cleanup', body: json(NAME, VALUE) })).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(5000);
    const statuses = await Promise.all(flood);
    expect(statuses.filter((status) => status === 201)).toHaveLength(60);
    expect(statuses.filter((status) => status === 429)).toHaveLength(140);
    expect((await ask({ body: json(NAME, VALUE) })).status).toBe(200);
  });

  it.each(['/update', '/register', '/ready', '/health'])(
    'random headers and bodies at %s get an answer',
    async (path) => {
      const garbage = [
        '\0',
        '{}',
        '[]',
        'null',
        '"x"',
        '{"subdomain":null}',
        '{"allowfrom":[{}]}',
        '{"subdomain":"own","txt":[]}',
        'x'.repeat(8000),
      ];
      for (const body of garbage) {
        const headers = {
          'x-api-user': 'own',
          'x-api-key': KEY,
          'x-forwarded-for': body.slice(0, 20).replace(/[^ -~]/g, '?'),
        };
        const { status } = await ask({ path, body, headers });
        expect([201, 400, 401, 405, 429]).toContain(status);
      }
      expect(gateway.server?.stderr.join('')).not.toMatch(/^\s+at /m);
    },
  );
});
