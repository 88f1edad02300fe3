import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startDeadline } from '../../src/deadline.ts';
import { createHttpClient } from '../../src/http/client.ts';
import type { ConnectionSettings } from '../../src/http/dispatcher.ts';
import { expectFailure, openWorkplace, VALUE } from '../support/cli.ts';
import { CA_FILE, startHttp, startHttps, startProxy, type WebServer } from '../support/https.ts';
import { startPanels } from '../support/panels.ts';

const ca = readFileSync(CA_FILE, 'utf8');
const fingerprintOf = (file: string): string => {
  const pem = readFileSync(new URL(`../fixtures/tls/${file}`, import.meta.url));
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
};

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

const keep = <Server extends WebServer>(server: Server): Server => {
  closers.push(server.close);
  return server;
};

function get(url: string, connection: ConnectionSettings = {}) {
  const log = { debug: () => {}, info: () => {}, warn: () => {} };
  const client = createHttpClient({ connection, requestTimeout: 2000, deadline: startDeadline(8000), log });
  closers.push(client.close);
  return client.send({ call: 'GET /', method: 'GET', url });
}

describe('a TLS server', () => {
  it('with a certificate of nobody known is not spoken to, and the hint says what to set', async () => {
    const server = keep(await startHttps('server'));
    await expect(get(server.origin)).rejects.toMatchObject({
      code: 'E_AUTH',
      message: expect.stringContaining('is not trusted'),
      hint: expect.stringMatching(/ca: FILE .* fingerprint:/),
    });
    expect(server.requests).toEqual([]);
  });

  it('is trusted with its CA', async () => {
    const server = keep(await startHttps('server'));
    expect((await get(server.origin, { ca })).status).toBe(200);
  });

  it('with a certificate for another name is not trusted, and the hint does not say to set the CA again', async () => {
    const file = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
    const server = createHttps({ cert: file('server.pem'), key: file('server.key') });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.2', resolve));
    closers.push(() => new Promise((resolve) => server.close(() => resolve())));
    const { port } = server.address() as AddressInfo;
    await expect(get(`https://127.0.0.2:${port}`, { ca })).rejects.toMatchObject({
      code: 'E_AUTH',
      hint: expect.stringMatching(
        /^the certificate is for another host name: use that name in url, or set fingerprint/,
      ),
    });
  });

  it('with another CA is not trusted', async () => {
    const server = keep(await startHttps('self-signed'));
    await expect(get(server.origin, { ca })).rejects.toMatchObject({ code: 'E_AUTH' });
    expect(server.requests).toEqual([]);
  });

  it('is trusted by its fingerprint, whoever signed it and whatever name it bears', async () => {
    const server = keep(await startHttps('self-signed'));
    expect((await get(server.origin, { fingerprint: fingerprintOf('self-signed.pem') })).status).toBe(200);
  });

  it('with another fingerprint gets no request, and the error shows the one seen', async () => {
    const server = keep(await startHttps('self-signed'));
    const seen = new X509Certificate(readFileSync(new URL('../fixtures/tls/self-signed.pem', import.meta.url)));
    await expect(get(server.origin, { fingerprint: fingerprintOf('server.pem') })).rejects.toMatchObject({
      code: 'E_AUTH',
      message: expect.stringContaining(seen.fingerprint256),
    });
    expect(server.requests).toEqual([]);
  });
});

describe('a proxy', () => {
  it('is used for https, and the certificate behind it is checked by the CA', async () => {
    const [server, proxy] = [keep(await startHttps('server')), keep(await startProxy())];
    expect((await get(server.origin, { ca, proxy: { url: proxy.origin } })).status).toBe(200);
    expect(proxy.tunnels).toEqual([`127.0.0.1:${server.port}`]);
    await expect(get(server.origin, { proxy: { url: proxy.origin } })).rejects.toMatchObject({ code: 'E_AUTH' });
  });

  it('does not weaken a pinned fingerprint', async () => {
    const [server, proxy] = [keep(await startHttps('self-signed')), keep(await startProxy())];
    const through = { proxy: { url: proxy.origin } };
    expect((await get(server.origin, { ...through, fingerprint: fingerprintOf('self-signed.pem') })).status).toBe(200);
    const wrong = get(server.origin, { ...through, fingerprint: fingerprintOf('server.pem') });
    await expect(wrong).rejects.toMatchObject({ code: 'E_AUTH' });
    expect(proxy.tunnels.length).toBeGreaterThanOrEqual(2);
    expect(server.requests).toHaveLength(1);
  });

  it('is used for http', async () => {
    const [server, proxy] = [keep(await startHttp()), keep(await startProxy())];
    expect((await get(server.origin, { proxy: { url: proxy.origin } })).status).toBe(200);
    expect(proxy.tunnels).toEqual([`127.0.0.1:${server.port}`]);
  });

  it('is not used for the hosts that are excepted', async () => {
    const [server, proxy] = [keep(await startHttp()), keep(await startProxy())];
    expect((await get(server.origin, { proxy: { url: proxy.origin, except: '127.0.0.1' } })).status).toBe(200);
    expect(proxy.tunnels).toEqual([]);
  });
});

describe('a proxy of the environment', () => {
  const NAME = '_acme-challenge.example.ee';

  it('never sees an API on this machine', async () => {
    const [panels, proxy, here] = await Promise.all([startPanels(), startProxy(), openWorkplace()]);
    closers.push(panels.close, proxy.close, here.remove);
    await here.configure(panels.config);
    const env = { http_proxy: proxy.origin, https_proxy: proxy.origin, ALL_PROXY: proxy.origin };
    expect((await here.run(['add-txt', '--no-wait', NAME, VALUE], { env })).code).toBe(0);
    expect(proxy.tunnels).toEqual([]);
    expect(panels.zoneid.held(NAME)).toEqual([VALUE]);
  });

  it('may come without a scheme, as curl takes it; what is no address is named', async () => {
    const tunnels: string[] = [];
    // It closes the connection instead of opening the tunnel, which must not be tried without end.
    const proxy = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (head) => {
        tunnels.push(String(head).split(' ')[1] ?? '');
        socket.destroy();
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const [panels, here] = await Promise.all([startPanels(), openWorkplace()]);
    closers.push(panels.close, here.remove, () => new Promise((resolve) => proxy.close(() => resolve())));
    const { port } = proxy.address() as AddressInfo;
    await here.configure(panels.config.replace(/url: http:\/\/127.0.0.1:\d+\/v2/, 'url: https://api.zone.test/v2'));
    const run = (https_proxy: string) =>
      here.run(['add-txt', '--no-wait', '--timeout', '3', NAME, VALUE], { env: { https_proxy } });
    expectFailure(await run(`127.0.0.1:${port}`), 75, /closed the connection/);
    expect(tunnels[0]).toBe('api.zone.test:443');
    expect(tunnels.length).toBeLessThan(10);
    expectFailure(await run('ftp://x'), 78, /https_proxy is not the address of an HTTP proxy/, /http:\/\/HOST:PORT/);
  });
});
