import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createAddressFilter,
  formatServerAddress,
  parseServerAddress,
  SPECIAL_NETWORKS,
} from '../../src/dns/server-address.ts';

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

describe('an address that the DNS gives for a name server', () => {
  it.each(['192.0.2.1', '10.0.0.1', '2001:db8::1', 'fd00::1', '::ffff:192.0.2.1'])('may be asked: %s', (address) => {
    expect(createAddressFilter([])(address)).toBe(true);
  });

  it.each([
    ...['0.0.0.0', '127.0.0.1', '127.255.0.9', '169.254.169.254', '224.0.0.251', '255.255.255.255'],
    ...['::', '::1', 'fe80::1', 'febf::1', 'ff02::fb', '::ffff:127.0.0.1', '::ffff:a9fe:a9fe'],
  ])('may not be asked where it is local: %s', (address) => {
    expect(createAddressFilter([])(address)).toBe(false);
  });

  it.each([
    ...['::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::1', 'fec0::1', 'fd00::1', '3fff::1', '5f00::1', '2002::1'],
    ...['10.0.0.1', '100.64.0.1', '192.0.2.1', '::ffff:192.168.0.1'],
  ])('is not asked by a CA: %s', (address) => {
    expect(createAddressFilter([], SPECIAL_NETWORKS)(address)).toBe(false);
  });

  it('may be asked where the config allows its network', () => {
    const mayAsk = createAddressFilter(['127.0.0.0/30', '::1', '169.254.1.1']);
    const asked = ['127.0.0.1', '127.0.0.3', '127.0.0.4', '::1', '169.254.1.1', '169.254.1.2', 'fe80::1'];
    expect(asked.filter(mayAsk)).toEqual(['127.0.0.1', '127.0.0.3', '::1', '169.254.1.1']);
  });

  it.each(['999.0.0.0/8', '127.0.0.0/33', '::1/129', 'x'])('is not allowed by what is no network: %s', (text) => {
    expect(() => createAddressFilter([text])).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
  });
});
