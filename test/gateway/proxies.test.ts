import { expect, it } from 'vitest';
import { VALUE } from '../support/cli.ts';
import { json, NAME, PASSWORD, serveConfig, useGateway, user } from './support.ts';

const gateway = useGateway();

const BODY = json(NAME, VALUE);
const LOGIN = `Basic ${Buffer.from(`web1:${PASSWORD}`).toString('base64')}`;

async function start(proxies: string, listen = '127.0.0.1:0') {
  const line = (await user('web1', 'www.example.com')).replace(
    ' }\n',
    ', networks: [192.0.2.0/24, "2001:db8::/32"] }\n',
  );
  await gateway.here.configure(`${gateway.panels.config}${serveConfig(line, listen, proxies)}`);
  await gateway.start();
}

/** The status of a request with this header. */
const asked = async (forwarded: string | undefined, from?: string) => {
  const headers = { authorization: LOGIN, ...(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }) };
  return (await gateway.ask({ body: BODY, headers, ...(from ? { from } : {}) })).status;
};

it.each([
  ['192.0.2.7', 200],
  ['2001:db8::7', 200],
  ['203.0.113.1, 192.0.2.7', 200],
  ['203.0.113.1, 192.0.2.7, 127.0.0.1', 200],
  ['192.0.2.7, 203.0.113.1', 401],
  ['192.0.2.7, nonsense', 401],
  ['', 401],
  [undefined, 401],
])('a load balancer of the config tells the address of the client: %s', async (forwarded, status) => {
  await start('  proxies: [127.0.0.1/32]\n');
  expect(await asked(forwarded)).toBe(status);
});

it('nobody else does', async () => {
  await start('  proxies: [127.0.0.1/32]\n');
  expect(await asked('192.0.2.7', '127.0.0.2')).toBe(401);
  await gateway.server?.stop();
  await start('');
  expect(await asked('192.0.2.7')).toBe(401);
});

it('many clients behind a load balancer have more connections than one address may', async () => {
  await start('  proxies: [127.0.0.1/32]\n');
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => gateway.ask({ path: '/health', method: 'GET' }).then(({ status }) => status)),
  );
  expect(new Set(answers)).toEqual(new Set([200]));
});

it('a Unix socket has no address, unless a load balancer tells one', async () => {
  const socket = `unix:${gateway.here.directory}/serve.sock`;
  await start('', socket);
  expect(await asked('192.0.2.7')).toBe(401);
  await gateway.server?.stop();
  await start('  proxies: [203.0.113.0/24]\n', socket);
  expect([await asked('192.0.2.7'), await asked(undefined)]).toEqual([200, 401]);
});
