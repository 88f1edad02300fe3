import { isIP, isIPv6 } from 'node:net';
import { Dns01Error } from '../../src/errors.ts';
import { normaliseName } from '../../src/provider.ts';
import type { Endpoint } from './connection.ts';

const DNS_PORT = 53;

/** `ns1.example.com`, `192.0.2.1:5300`, `2001:db8::1` or `[2001:db8::1]:5300`. */
export function isServer(text: string): boolean {
  const { host, port } = split(text);
  return (isIP(host) !== 0 || isHostName(host)) && (port === undefined || (port > 0 && port < 65_536));
}

/** @throws E_CONFIG for two ports that differ */
export function parseServer(text: string, port: number | undefined): Endpoint {
  const { host, port: inside } = split(text);
  if (inside !== undefined && port !== undefined && inside !== port) {
    throw new Dns01Error('E_CONFIG', `server says port ${inside} and port says ${port}`, {
      hint: 'leave one of the two out',
    });
  }
  return { host, port: inside ?? port ?? DNS_PORT };
}

function split(text: string): { host: string; port: number | undefined } {
  if (isIPv6(text)) return { host: text, port: undefined };
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  return { host: bracketed ?? plain ?? '', port: port === undefined ? undefined : Number(port) };
}

function isHostName(text: string): boolean {
  try {
    return normaliseName(text) !== '';
  } catch {
    return false;
  }
}
