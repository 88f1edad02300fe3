import type { RequestListener } from 'node:http';
import * as dnsPacket from 'dns-packet';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openDoh, PUBLIC_DOH } from '../../src/dns/doh.ts';
import type { Question } from '../../src/dns/message.ts';
import { normaliseName } from '../../src/names.ts';
import { type OperatorSettings, startOperator } from '../fakes/operator.ts';
import { startHttps, startProxy } from '../support/https.ts';
import { VALUE } from './support.ts';

const QUESTION: Question = { name: normaliseName('_acme-challenge.example.com'), type: 'TXT' };
const TXT: dnsPacket.Answer = { type: 'TXT', name: QUESTION.name, ttl: 60, data: VALUE };

async function operator(settings: Partial<OperatorSettings> = {}) {
  const started = await startOperator({ answer: () => ({ answers: [TXT], secure: true }), ...settings });
  onTestFinished(started.close);
  return started;
}

const ask = (url: string, more: { timeoutMs?: number; signal?: AbortSignal; unchecked?: boolean } = {}) =>
  openDoh(url, {}).query(QUESTION, { recursive: true, dnssec: true, timeoutMs: 5000, ...more });

/** Fixtures are signed by a CA that Node does not know. */
function trustAll() {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onTestFinished(() => void vi.unstubAllEnvs());
}

describe('DNS over HTTPS', () => {
  it('asks with POST, with DO and CD, and reads AD and the records', async () => {
    const there = await operator();
    const result = await ask(there.url, { unchecked: true });
    expect(result).toMatchObject({ kind: 'answer', message: { rcode: 'NOERROR', authenticated: true } });
    expect(result.kind === 'answer' && result.message.answers.map(({ data }) => data)).toEqual([VALUE]);
    expect(there.questions).toMatchObject([{ name: QUESTION.name, type: 'TXT', unchecked: true, dnssec: true }]);
  });

  it('reads extended errors', async () => {
    const errors = [{ code: 7, text: 'signature expired' }, { code: 22 }];
    const there = await operator({ answer: () => ({ rcode: 'SERVFAIL', errors }) });
    expect(await ask(there.url)).toMatchObject({
      message: { rcode: 'SERVFAIL', authenticated: false, errors: [errors[0], { code: 22, text: '' }] },
    });
  });

  it('speaks HTTP/2 with an operator that has nothing else', async () => {
    trustAll();
    const there = await operator({ scheme: 'h2' });
    expect(await ask(there.url)).toMatchObject({ kind: 'answer', message: { authenticated: true } });
  });

  it('goes through the proxy of the environment, HTTP/2 too', async () => {
    trustAll();
    const [there, proxy] = [await operator({ scheme: 'h2' }), await startProxy()];
    onTestFinished(proxy.close);
    const direct = openDoh(there.url, { https_proxy: proxy.origin });
    expect(await direct.query(QUESTION, { recursive: true, timeoutMs: 5000 })).toMatchObject({ kind: 'answer' });
    expect(proxy.tunnels, 'loopback needs no proxy').toEqual([]);
    // This host too, but no name of loopback.
    const url = there.url.replace('127.0.0.1', '0.0.0.0');
    const through = openDoh(url, { https_proxy: proxy.origin });
    expect(await through.query(QUESTION, { recursive: true, timeoutMs: 5000 })).toMatchObject({ kind: 'answer' });
    expect(proxy.tunnels).toEqual([new URL(url).host]);
  });

  it('does not trust a certificate of nobody', async () => {
    const server = await startHttps('self-signed');
    onTestFinished(server.close);
    const result = await ask(`${server.origin}/dns-query`);
    expect(result).toMatchObject({ kind: 'silent' });
    expect(result.kind !== 'answer' && result.reason).toMatch(/certificate of https:\S+ is not trusted/);
    expect(server.requests).toEqual([]);
  });

  const message = (packet: Partial<dnsPacket.Packet>) => (id: number) =>
    dnsPacket.encode({ type: 'response', id, questions: [QUESTION], answers: [TXT], ...packet });

  /** Answers each request with these bytes. */
  const answering =
    (bytes: (id: number) => Buffer, type = 'application/dns-message', status = 200): RequestListener =>
    (request, response) => {
      request.once('data', (query: Buffer) => {
        response.writeHead(status, { 'content-type': type, location: 'http://127.0.0.1:9/elsewhere' });
        response.end(bytes(query.readUInt16BE(0)));
      });
    };

  it.each([
    ['a web page', answering(() => Buffer.from('<html>Welcome</html>'), 'text/html'), 'answers no DNS message'],
    ['a web page that calls itself a message', answering(() => Buffer.from('<html>Welcome</html>')), 'something else'],
    ['another id', answering((id) => message({})((id + 1) % 0x10000)), 'something else'],
    ['another question', answering(message({ questions: [{ ...QUESTION, name: 'x.test' }] })), 'something else'],
    ['a question', answering(message({ type: 'query' })), 'something else'],
    ['nothing', answering(() => Buffer.alloc(0)), 'something else'],
    ['10 MB', answering(() => Buffer.alloc(10_000_000, 1)), 'answers no DNS message'],
    ['a redirect', answering(message({}), 'application/dns-message', 302), 'HTTP status 302'],
    ['a refusal', answering(message({}), 'application/dns-message', 403), 'HTTP status 403'],
  ])('takes %s for no answer', async (_, respond, reason) => {
    const there = await operator({ respond });
    const result = await ask(there.url);
    expect(result).toMatchObject({ kind: 'silent' });
    expect(result.kind !== 'answer' && result.reason).toContain(reason);
  });

  it.each([
    ['says nothing', () => {}],
    [
      'drips',
      (_: unknown, response: Parameters<RequestListener>[1]) => {
        response.writeHead(200, { 'content-type': 'application/dns-message' });
        const drip = setInterval(() => response.write('x'), 20);
        response.on('close', () => clearInterval(drip));
      },
    ],
  ] as const)('gives up in time where the operator %s', async (_, respond) => {
    const there = await operator({ respond });
    const started = performance.now();
    expect(await ask(there.url, { timeoutMs: 200 })).toEqual({ kind: 'silent', reason: 'no answer within 0.2 s' });
    expect(performance.now() - started).toBeLessThan(1500);
  });

  it('gives up where the operator refuses connections, and at a signal', async () => {
    const there = await operator({ respond: () => {} });
    const url = there.url;
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    expect(await ask(url, { signal: stop.signal })).toMatchObject({ kind: 'silent' });
    await there.close();
    expect(await ask(url)).toMatchObject({ kind: 'silent', reason: expect.stringContaining('refuses connections') });
  });

  it('knows three operators by address', () => {
    const hosts = PUBLIC_DOH.map((url) => new URL(url));
    expect(new Set(hosts.map(({ hostname }) => hostname)).size).toBeGreaterThanOrEqual(3);
    for (const { protocol, hostname } of hosts)
      expect([protocol, hostname]).toEqual(['https:', expect.stringMatching(/^[\d.]+$/)]);
  });
});
