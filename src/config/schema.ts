import * as z from 'zod/mini';
import { isLoopback } from '../names.ts';
import { secret } from '../toolbox/options.ts';
import { name, serverAddress } from './schema-parts.ts';
import { serveSchema } from './serve-schema.ts';

/** The shape of the config file. What a provider's own keys are, its `options` schema says. */

const seconds = (description: string, least: number, most: number) =>
  z.number().check(z.minimum(least), z.maximum(most), z.describe(description));

const account = z.looseObject({
  provider: z
    .string()
    .check(
      z.minLength(1),
      z.describe('type of the provider (see: dns01 providers), or the path or package of a provider of your own'),
    ),
});

const zoneRoute = z.union(
  [
    name,
    z.strictObject({
      account: name.check(z.describe('account that holds the zone')),
      delegated: z.optional(
        z
          .boolean()
          .check(
            z.describe(
              'CNAMEs from other zones may lead into this zone, and any name in it may be written, not only _acme-challenge names',
            ),
          ),
      ),
    }),
  ],
  'expected the name of an account, or { account: NAME, delegated: true }',
);

export const configSchema = z.strictObject({
  accounts: z.record(name, account).check(z.describe('the logins; you choose their names')),
  zones: z.optional(
    z
      .record(z.string(), zoneRoute)
      .check(z.describe('which account holds which zone; can be omitted if there is only one account')),
  ),
  dns: z.optional(
    z.strictObject({
      resolvers: z.optional(
        z.array(serverAddress).check(z.describe("resolvers that find zones and name servers; default: the system's")),
      ),
      followCnames: z.optional(
        z.boolean().check(z.describe('if a challenge name is a CNAME, write the value where it leads; default: true')),
      ),
      nameservers: z.optional(
        z
          .record(z.string(), z.array(serverAddress).check(z.minLength(1)))
          .check(z.describe('query these servers for a zone, instead of the ones that the DNS shows')),
      ),
      doh: z.optional(
        z
          .union(
            [z.array(z.string().check(z.refine(isDohUrl, 'expected an https:// URL'))), z.literal(false)],
            'expected a list of https:// URLs, or false',
          )
          .check(
            z.describe(
              'resolvers over HTTPS (RFC 8484), e.g. https://9.9.9.9/dns-query: dns01 check asks them, and so does the wait where DNS queries do not leave this network; default: three public ones for dns01 check, none for the wait; false: none',
            ),
          ),
      ),
      roots: z.optional(
        z
          .array(serverAddress)
          .check(
            z.describe(
              'root servers of a private DNS, where dns01 check starts; with a port, all of its servers are there; default: the public ones',
            ),
          ),
      ),
      allowNetworks: z.optional(
        z
          .array(z.string().check(z.regex(/^[\da-f.:]+\/\d{1,3}$/i, 'expected a network like 127.0.0.0/8')))
          .check(
            z.describe(
              'local networks (loopback, link-local) whose name servers may be queried, e.g. 127.0.0.0/8; default: none',
            ),
          ),
      ),
    }),
  ),
  propagation: z.optional(
    z.strictObject({
      timeout: z.optional(seconds('how long to wait for all name servers, in seconds; default: 300', 0, 86_400)),
      interval: z.optional(seconds('time between two rounds of queries, in seconds; default: 2', 0.05, 3600)),
      settle: z.optional(
        z
          .int()
          .check(
            z.minimum(1),
            z.maximum(100),
            z.describe('how many full rounds in a row must show the value; default: 2'),
          ),
      ),
    }),
  ),
  serve: z.optional(serveSchema),
  state: z.optional(
    z
      .strictObject({
        postgres: z.strictObject({
          url: secret(
            'postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full, or ?host=/run/postgresql for a Unix socket',
          ),
        }),
      })
      .check(z.describe('where several machines share journal, locks and rate limits; default: the state directory')),
  ),
  ttl: z.optional(
    z
      .int()
      .check(
        z.minimum(1),
        z.maximum(86_400),
        z.describe('TTL of the records in seconds, if the API accepts one; default: 60'),
      ),
  ),
});

/** Connection options that every provider with an HTTP API takes beside its own. */
export const connectionSchema = z.object({
  ca: z.optional(
    z.string().check(z.minLength(1), z.describe('PEM file of the CA to trust, instead of the CAs that Node trusts')),
  ),
  fingerprint: z.optional(
    z
      .string()
      .check(
        z.regex(/^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i, 'expected the 32 bytes of a SHA-256 fingerprint in hex'),
        z.describe("SHA-256 fingerprint of the server's certificate: trust exactly this one"),
      ),
  ),
  timeout: z.optional(seconds('time for one request, in seconds; default: 30', 0.1, 600)),
  proxy: z.optional(
    z.string().check(
      z.refine((text) => /^https?:\/\//.test(text) && URL.canParse(text), 'expected the http:// address of a proxy'),
      z.describe('HTTP proxy; default: HTTPS_PROXY, HTTP_PROXY and NO_PROXY from the environment'),
    ),
  ),
});

/** Without TLS only on this machine. */
function isDohUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) && url.username === '';
}

export type RawConfig = z.output<typeof configSchema>;
export type ConnectionOptions = z.output<typeof connectionSchema>;
