import { isIPv6 } from 'node:net';
import { Dns01Error } from '../errors.ts';
import { openNetworks } from '../networks.ts';

export const DNS_PORT = 53;

/** Where a DNS server listens. */
export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

/** `192.0.2.1`, `192.0.2.1:5300`, `2001:db8::1` or `[2001:db8::1]:5300`, as config files and resolv.conf write them. */
export function parseServerAddress(text: string): ServerAddress {
  // A bare IPv6 address has more than one colon, so it does not match these forms.
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  return { address: bracketed ?? plain ?? text, port: port === undefined ? DNS_PORT : Number(port) };
}

export function formatServerAddress({ address, port }: ServerAddress): string {
  if (port === DNS_PORT) return address;
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * This host, loopback, link-local, multicast and broadcast (RFC 6890). No name server of the public DNS has such an
 * address. A delegation to one would make this machine query its own services or its neighbours.
 */
const LOCAL_NETWORKS = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/128', '::1/128', 'fe80::/10', 'ff00::/8'],
];

/** All special addresses, private ones included (RFC 6890): the resolvers of CAs query none of them. */
export const SPECIAL_NETWORKS = [
  ...LOCAL_NETWORKS,
  ...['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', '192.0.0.0/24', '192.0.2.0/24'],
  ...['192.88.99.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/32', '2001:10::/28', '2001:20::/28', '2001:db8::/32'],
  // IPv4 addresses in the form of RFC 4291 section 2.5.5.1, and site-local ones (RFC 3879): both are obsolete.
  ...['2002::/16', '3fff::/20', '5f00::/16', 'fc00::/7', '::/96', 'fec0::/10'],
];

/**
 * Whether an address that the DNS gives for a name server may be queried.
 * @param allowed local networks in CIDR notation, or single addresses, that may be queried
 * @param refused the networks that may not
 * @throws E_CONFIG for an entry that is neither
 */
export function createAddressFilter(
  allowed: readonly string[],
  refused: readonly string[] = LOCAL_NETWORKS,
): (address: string) => boolean {
  const isLocal = openNetworks(refused);
  const isAllowed = openNetworks(allowed, (text, cause) => {
    throw new Dns01Error('E_CONFIG', `dns.allowNetworks: ${JSON.stringify(text)} is not a network`, {
      hint: 'write it like 127.0.0.0/8 or fd00::/8',
      cause,
    });
  });
  return (address) => !isLocal(address) || isAllowed(address);
}
