import { isIP, isIPv6 } from 'node:net';
import * as z from 'zod/mini';
import { ALGORITHMS, decodeKey, type TsigKey } from '../../src/dns/wire-tsig.ts';
import { Dns01Error } from '../../src/errors.ts';
import {
  type DnsProvider,
  defineProvider,
  normaliseName,
  type ProviderContext,
  type ProviderDocs,
  parseName,
  secret,
} from '../../src/provider.ts';
import { openUpdateClient } from './client.ts';
import type { Endpoint } from './connection.ts';
import { createRecords } from './records.ts';

/** Milliseconds for one message and its answer. */
const TIMEOUT_MS = 10_000;

const DNS_PORT = 53;

const options = z.strictObject({
  server: z
    .string()
    .check(
      z.refine(isServer, 'expected a host name or an IP address, with a port if it is not 53: [2001:db8::1]:5300'),
      z.describe('primary name server of the zones: host name or IP address, or `HOST:PORT` if the port is not 53'),
    ),
  port: z.optional(
    z
      .int()
      .check(z.minimum(1), z.maximum(65_535), z.describe('port of the server, unless it is in `server`; default: 53')),
  ),
  tsig: z
    .strictObject({
      name: z.string().check(
        z.refine((name) => parseName(name) !== undefined, 'expected the name of a key'),
        z.describe('name of the key, as on the server'),
      ),
      algorithm: z._default(
        z.enum(ALGORITHMS).check(z.describe('algorithm of the key, as on the server')),
        'hmac-sha256',
      ),
      secret: secret('the key, in base64'),
    })
    .check(z.describe('the TSIG key that signs the updates')),
});

const docs: ProviderDocs = {
  url: 'https://www.rfc-editor.org/rfc/rfc2136',
  rights: [
    'A TSIG key on the primary. Create it with `tsig-keygen NAME` (BIND) or `keymgr -t NAME` (Knot).',
    'The right to change TXT records with it. BIND: `update-policy { grant NAME name _acme-challenge.example.com. TXT; };` in the zone allows only this name; `allow-update { key NAME; };` allows the whole zone. Knot: an acl with the key and `action: update`, limited by `update-owner` and `update-type`.',
    'The same key must be allowed to query the names that it writes.',
    'TCP access to the port of the name server.',
  ],
  requests: {
    add: '1 update, plus 2 messages if the name has a value; 1 update for many names of a zone that have none',
    remove:
      '1 update, plus 2 messages if the name has other values; 1 update for many names of a zone that have no others',
  },
  tried: 'With BIND 9.18 and Knot 3.2, with hmac-sha256, hmac-sha384 and hmac-sha512.',
  notes: [
    'dns01 uses only TCP: it notices lost answers, answers are not truncated, and they are hard to forge.',
    'dns01 accepts only signed answers.',
    'The clocks of this machine and of the server may differ by at most five minutes.',
    'The ttl of the config becomes the TTL of all TXT records at the name, because they share one (RFC 2181 section 5.2).',
  ],
};

export default defineProvider({
  type: 'rfc2136',
  title: 'Dynamic updates (RFC 2136): BIND, Knot, PowerDNS and others',
  docs,
  options,
  http: false,
  changes: { atMost: 200, atomic: true },
  serverOf({ server, port }) {
    const endpoint = parseServer(server, port);
    return `${endpoint.host}:${endpoint.port}`;
  },
  create: (access, context) => createUpdates(access, context),
});

export interface UpdateOptions {
  readonly server: string;
  readonly port?: number | undefined;
  readonly tsig: { readonly name: string; readonly algorithm: TsigKey['algorithm']; readonly secret: string };
}

/** Tests set `now` (milliseconds since 1970) and `timeoutMs`. */
export function createUpdates(
  { server, port, tsig }: UpdateOptions,
  context: Pick<ProviderContext, 'signal' | 'writeOnce' | 'log'>,
  { now = Date.now, timeoutMs = TIMEOUT_MS }: { now?: () => number; timeoutMs?: number } = {},
): DnsProvider {
  const key = { name: normaliseName(tsig.name), algorithm: tsig.algorithm, secret: readSecret(tsig.secret) };
  const access = { ...parseServer(server, port), key, timeoutMs, now, signal: context.signal, log: context.log };
  return createRecords(() => openUpdateClient(access), context);
}

function readSecret(text: string): Buffer {
  const key = decodeKey(text);
  if (key) return key;
  throw new Dns01Error('E_CONFIG', 'the secret of tsig is not base64', {
    hint: 'use the text of secret in the key file, without its quotes',
  });
}

/** `ns1.example.com`, `192.0.2.1:5300`, `2001:db8::1` or `[2001:db8::1]:5300`. */
function isServer(text: string): boolean {
  const { host, port } = split(text);
  return (isIP(host) !== 0 || parseName(host) !== undefined) && (port === undefined || (port > 0 && port < 65_536));
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
