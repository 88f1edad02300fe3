import * as z from 'zod/mini';
import { isServerAddress, name } from './schema-parts.ts';

/** `scrypt$N$r$p$SALT$KEY`, the last two in base64url: what stands in the config for a password. */
export const HASH_PATTERN = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([\w-]{16,})\$([\w-]{43})$/;

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
  users: z
    .record(
      name,
      z.strictObject({
        hash: z
          .string()
          .check(
            z.regex(HASH_PATTERN, 'expected what dns01 serve hash prints'),
            z.describe('hash of the password: the output of dns01 serve hash'),
          ),
        names: z
          .array(z.string())
          .check(
            z.minLength(1),
            z.describe('domains for which the user may write challenge names, including their subdomains'),
          ),
      }),
    )
    .check(z.describe('the users of dns01 serve; you choose their names')),
  tls: z.optional(
    z
      .strictObject({ cert: z.string(), key: z.string() })
      .check(
        z.describe(
          'PEM files of a certificate and its key; needed unless the server listens on loopback or a Unix socket',
        ),
      ),
  ),
});

/** The path of a socket stays short and plain, because the system takes it as it is. */
function isListenAddress(text: string): boolean {
  return /^unix:\/\S{1,100}$/.test(text) || isServerAddress(text);
}
