import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatServerAddress, parseServerAddress } from '../../src/dns/server-address.ts';

describe('a server address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1', 53],
    ['192.0.2.1:5300', '192.0.2.1', 5300],
    ['2001:db8::1', '2001:db8::1', 53],
    ['[2001:db8::1]', '2001:db8::1', 53],
    ['[2001:db8::1]:5300', '2001:db8::1', 5300],
    ['fe80::1%eth0', 'fe80::1%eth0', 53],
    ['[fe80::1%eth0]:5300', 'fe80::1%eth0', 5300],
  ])('is read from %s', (text, address, port) => {
    expect(parseServerAddress(text)).toEqual({ address, port });
  });

  it.each([
    ['192.0.2.1', 53, '192.0.2.1'],
    ['192.0.2.1', 5300, '192.0.2.1:5300'],
    ['2001:db8::1', 53, '2001:db8::1'],
    ['2001:db8::1', 5300, '[2001:db8::1]:5300'],
  ])('is written: %s and port %i', (address, port, text) => {
    expect(formatServerAddress({ address, port })).toBe(text);
  });

  it('is read as it was written', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(address, fc.integer({ min: 1, max: 65_535 }), (host, port) => {
        const server = { address: host, port };
        expect(parseServerAddress(formatServerAddress(server))).toEqual(server);
      }),
    );
  });
});
