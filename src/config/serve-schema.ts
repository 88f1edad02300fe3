import * as z from 'zod/mini';
import { secret } from '../toolbox/options.ts';
import { isServerAddress, name, serverAddress } from './schema-parts.ts';

/** `scrypt$N$r$p$SALT$KEY`, the last two in base64url: what stands in the config for a password. */
export const HASH_PATTERN = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([\w-]{16,})\$([\w-]{43})$/;

const tsig = z
  .strictObject({
    algorithm: z._default(
      z
        .enum(['hmac-sha256', 'hmac-sha384', 'hmac-sha512'])
        .check(z.describe('algorithm of the key; default: hmac-sha256')),
      'hmac-sha256',
    ),
    secret: secret('the key, in base64'),
  })
  .check(z.describe("TSIG key for dynamic updates (RFC 2136); the name of the key is the user's name"));

const domain = z.string().check(z.minLength(1));

const hash = z
  .string()
  .check(
    z.regex(HASH_PATTERN, 'expected what dns01 serve hash prints'),
    z.describe('hash of the password: the output of dns01 serve hash'),
  );

const networks = z.array(
  z.string().check(z.regex(/^[\da-f.:]+\/\d{1,3}$/i, 'expected a network like 192.0.2.0/24 or 2001:db8::/32')),
);

/** One label, as acme-dns takes it. */
const subdomain = z
  .string()
  .check(
    z.regex(/^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/, 'expected one label of lower-case letters, digits and hyphens'),
  );

const limits = z.strictObject({
  liveValues: z.optional(
    z
      .int()
      .check(
        z.minimum(1),
        z.maximum(1_000_000),
        z.describe('values that the user may have published at the same time; default: no limit'),
      ),
  ),
  requestsPerMinute: z.optional(
    z
      .int()
      .check(
        z.minimum(1),
        z.maximum(100_000),
        z.describe('requests of the user in a minute, on all nodes together; default: 300 on each'),
      ),
  ),
});

const user = z.strictObject({
  hash: z.optional(hash),
  tsig: z.optional(tsig),
  names: z.optional(
    z
      .array(z.string())
      .check(
        z.minLength(1),
        z.describe('domains for which the user may write challenge names, including their subdomains'),
      ),
  ),
  acmeDns: z.optional(
    z
      .strictObject({
        hash,
        subdomain: subdomain.check(z.describe('label of the name that the user writes')),
        zone: domain.check(z.describe('domain of that name; it is in a zone that is marked delegated: true')),
      })
      .check(z.describe("login of acme-dns clients: X-Api-User is the user's name; it may write SUBDOMAIN.ZONE only")),
  ),
  networks: z.optional(
    networks.check(
      z.minLength(1),
      z.describe('networks from which the user may send requests, e.g. 192.0.2.0/24; default: all'),
    ),
  ),
  limits: z.optional(limits),
});

/** The `serve` block of the config. */
export const serveSchema = z.strictObject({
  listen: z._default(
    z
      .string()
      .check(
        z.refine(isListenAddress, 'expected ADDRESS:PORT or unix:/PATH'),
        z.describe('where dns01 serve listens; default: 127.0.0.1:8053'),
      ),
    '127.0.0.1:8053',
  ),
  update: z.optional(
    z
      .strictObject({
        listen: z
          .array(serverAddress)
          .check(
            z.minLength(1),
            z.maxLength(16),
            z.describe(
              'where dns01 serve takes dynamic updates (RFC 2136), over UDP and TCP, e.g. 0.0.0.0:53 and [::]:53',
            ),
          ),
        secret: z.optional(secret('what the keys of dns01 serve user add --tsig are made from; the same on all nodes')),
      })
      .check(z.describe('dynamic updates of challenge names, signed with the TSIG keys of users; default: none')),
  ),
  users: z._default(
    z
      .record(name, user)
      .check(
        z.describe('the users of dns01 serve; you choose their names. More can be added with dns01 serve user add'),
      ),
    {},
  ),
  tls: z.optional(
    z
      .strictObject({ cert: z.string(), key: z.string() })
      .check(
        z.describe(
          'PEM files of a certificate and its key; needed unless the server listens on loopback or a Unix socket',
        ),
      ),
  ),
  lease: z.optional(
    z
      .int()
      .check(
        z.minimum(1),
        z.maximum(604_800),
        z.describe(
          'seconds after which a value of an acme-dns client is removed, because these clients never do; default: 3600',
        ),
      ),
  ),
  register: z.optional(
    z
      .strictObject({
        networks: networks.check(z.minLength(1), z.describe('networks whose clients may register')),
        zone: domain.check(z.describe('domain of the new names; it is in a zone that is marked delegated: true')),
      })
      .check(z.describe('lets acme-dns clients register users with POST /register; default: nobody may')),
  ),
  proxies: z.optional(
    networks.check(
      z.describe(
        'networks of your load balancers: their X-Forwarded-For tells the address of the client; default: none',
      ),
    ),
  ),
  metrics: z.optional(
    z
      .strictObject({
        listen: z
          .string()
          .check(
            z.refine(isListenAddress, 'expected ADDRESS:PORT or unix:/PATH'),
            z.describe('where Prometheus gets /metrics, without TLS and without a password, e.g. 127.0.0.1:9153'),
          ),
      })
      .check(z.describe('metrics, on a listener of their own; default: none')),
  ),
});

/** The path of a socket stays short and plain, because the system takes it as it is. */
function isListenAddress(text: string): boolean {
  return /^unix:\/\S{1,100}$/.test(text) || isServerAddress(text);
}
