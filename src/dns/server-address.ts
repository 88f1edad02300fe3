import { isIPv6 } from 'node:net';

export const DNS_PORT = 53;

/** Where a DNS server listens. */
export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

/** `192.0.2.1`, `192.0.2.1:5300`, `2001:db8::1` or `[2001:db8::1]:5300`, as config files and resolv.conf write them. */
export function parseServerAddress(text: string): ServerAddress {
  // A bare IPv6 address has more than one colon, so it is none of these forms.
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  return { address: bracketed ?? plain ?? text, port: port === undefined ? DNS_PORT : Number(port) };
}

export function formatServerAddress({ address, port }: ServerAddress): string {
  if (port === DNS_PORT) return address;
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}
