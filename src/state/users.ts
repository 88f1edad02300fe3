import * as z from 'zod/mini';
import { fqdn } from './name.ts';

const text = (most: number) => z.string().check(z.minLength(1), z.maxLength(most));

const from1To = (most: number) => z.int().check(z.minimum(1), z.maximum(most));

/** A user of the gateway that was made by a command or by a registration, and not in the config. */
export const userSchema = z.object({
  name: z.string().check(z.regex(/^(?!\.{1,2}$)[\w.-]{1,64}$/)),
  /** Of the password, as in the config. */
  hash: z.optional(text(200)),
  names: z.array(fqdn).check(z.maxLength(10_000)),
  acmeDns: z.optional(
    z.object({
      hash: text(200),
      subdomain: z.string().check(z.regex(/^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/)),
      zone: fqdn,
    }),
  ),
  limits: z.optional(
    z.object({ liveValues: z.optional(from1To(1_000_000)), requestsPerMinute: z.optional(from1To(100_000)) }),
  ),
  /** For a TSIG key: it is made from this and a secret in the config, so that no secret is in the state. */
  tsigSalt: z.optional(text(64)),
  /** In CIDR notation. */
  networks: z.optional(z.array(text(64))),
  /** When the user registered, ISO 8601; undefined for one that a command has made. */
  registered: z.optional(z.string()),
});

export type StoredUser = z.output<typeof userSchema>;

export interface Users {
  all(): Promise<StoredUser[]>;
  /** False if there is a user of this name. Of several that are added at the same moment, one is added. */
  add(user: StoredUser): Promise<boolean>;
  /** False if there was none. */
  remove(name: string): Promise<boolean>;
  /** Another text after each change, in any process. Cheaper than `all`. */
  version(): Promise<string>;
}
