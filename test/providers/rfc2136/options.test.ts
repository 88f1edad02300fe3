import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import definition, { createUpdates, parseServer } from '../../../providers/rfc2136/index.ts';
import { secretSourceOf } from '../../../src/provider.ts';
import { createTestContext } from '../../support/context.ts';
import { failureOf, NAME, openUpdates, recordOf, VALUE, withFake } from './support.ts';

const TSIG = { name: 'Update.Key.', secret: { env: 'KEY' } };

describe('the options of an rfc2136 account', () => {
  it('need a server and a key, whose algorithm is hmac-sha256 unless said otherwise', () => {
    const parsed = z.parse(definition.options, { server: 'ns1.example.com', tsig: TSIG });
    expect(parsed).toMatchObject({
      server: 'ns1.example.com',
      tsig: { name: 'Update.Key.', algorithm: 'hmac-sha256' },
    });
    expect(secretSourceOf(parsed.tsig.secret)).toEqual({ env: 'KEY' });
  });

  it.each([
    ['192.0.2.1', undefined, { host: '192.0.2.1', port: 53 }],
    ['192.0.2.1:5300', undefined, { host: '192.0.2.1', port: 5300 }],
    ['192.0.2.1', 5300, { host: '192.0.2.1', port: 5300 }],
    ['192.0.2.1:5300', 5300, { host: '192.0.2.1', port: 5300 }],
    ['2001:db8::1', 5300, { host: '2001:db8::1', port: 5300 }],
    ['[2001:db8::1]:5300', undefined, { host: '2001:db8::1', port: 5300 }],
    ['[2001:db8::1]', undefined, { host: '2001:db8::1', port: 53 }],
    ['ns1.example.com:53', undefined, { host: 'ns1.example.com', port: 53 }],
    ['localhost', undefined, { host: 'localhost', port: 53 }],
  ])('know the server %s', (server, port, endpoint) => {
    expect(z.safeParse(definition.options, { server, port, tsig: TSIG }).success).toBe(true);
    expect(parseServer(server, port)).toEqual(endpoint);
  });

  it.each([
    '',
    ':53',
    'a b',
    'https://ns1.example.com',
    '192.0.2.1:0',
    '192.0.2.1:65536',
    '[2001:db8::1',
    'ns1.example.com/x',
  ])('refuse the server "%s"', (server) => {
    expect(z.safeParse(definition.options, { server, tsig: TSIG }).success).toBe(false);
  });

  it.each([
    [{ server: 'ns1.example.com' }],
    [{ server: 'ns1.example.com', tsig: { secret: 'x' } }],
    [{ server: 'ns1.example.com', tsig: { name: 'a b', secret: 'x' } }],
    [{ server: 'ns1.example.com', tsig: { name: 'k' } }],
    [{ server: 'ns1.example.com', tsig: { ...TSIG, algorithm: 'hmac-md5' } }],
    [{ server: 'ns1.example.com', port: 0, tsig: TSIG }],
    [{ server: 'ns1.example.com', tsig: TSIG, zone: 'example.com' }],
  ])('are refused: %j', (options) => {
    expect(z.safeParse(definition.options, options).success).toBe(false);
  });

  it('refuse two ports that differ', async () => {
    expect(() => parseServer('192.0.2.1:53', 5300)).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
  });

  it('take the name of the key in any form', async () => {
    await withFake({}, async (fake) => {
      const { provider } = openUpdates(fake, { key: { name: 'UPDATE.Key.' } });
      expect((await provider.addTxt(recordOf(VALUE, 'example.com'))).changed).toBe(true);
    });
  });

  it('take the secret as key files break it, and refuse what is no base64', async () => {
    await withFake({}, async (fake) => {
      const broken = `${fake.key.secret.slice(0, 10)}\n  ${fake.key.secret.slice(10)}`;
      expect(await openUpdates(fake, { key: { secret: broken } }).provider.listTxt(NAME)).toEqual([]);
    });
    const tsig = { name: 'k', algorithm: 'hmac-sha256', secret: 'key "k" { secret' } as const;
    const failure = await failureOf((async () => createUpdates({ server: '127.0.0.1', tsig }, createTestContext()))());
    expect(failure).toMatchObject({ code: 'E_CONFIG', message: 'the secret of tsig is not base64' });
    expect(failure.hint).not.toContain(tsig.secret);
  });
});
