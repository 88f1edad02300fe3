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

/**
 * Whether an address that the DNS gives for a name server may be queried.
 * @param allowed local networks in CIDR notation, or single addresses, that may be queried
 * @throws E_CONFIG for an entry that is neither
 */
export function createAddressFilter(allowed: readonly string[]): (address: string) => boolean {
  const isLocal = openNetworks(LOCAL_NETWORKS);
  const isAllowed = openNetworks(allowed, (text, cause) => {
    throw new Dns01Error('E_CONFIG', `dns.allowNetworks: ${JSON.stringify(text)} is not a network`, {
      hint: 'write it like 127.0.0.0/8 or fd00::/8',
      cause,
    });
  });
  return (address) => !isLocal(address) || isAllowed(address);
}
