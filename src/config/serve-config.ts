import { dirname, resolve } from 'node:path';
import type { Dns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import type { RawConfig } from './schema.ts';

/** The `serve` block. Networks are in CIDR notation. */
export interface ServeConfig {
  /** `ADDRESS:PORT` or `unix:/PATH`. */
  readonly listen: string;
  readonly users: Readonly<Record<string, UserConfig>>;
  /** Paths of PEM files. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** For values of acme-dns clients. */
  readonly leaseMs: number;
  /** Undefined where nobody may register. */
  readonly register?: { readonly networks: readonly string[]; readonly zone: Fqdn } | undefined;
  /** Load balancers that tell the address of the client. */
  readonly proxies: readonly string[];
  /** Where dynamic updates are taken: `HOST`, `HOST:PORT` or `[HOST]:PORT` each. */
  readonly update?: NonNullable<RawConfig['serve']>['update'];
  /** In the form of `listen`. */
  readonly metrics?: { readonly listen: string } | undefined;
}

/** What is known of a gateway user, whether it is in the config or in the state. */
export interface UserConfig {
  /** Of the password, in the form of `HASH_PATTERN`. */
  readonly hash?: string | undefined;
  /** Of dynamic updates; the secret is not yet read. */
  readonly tsig?: RawUser['tsig'];
  /** Only of users in the state: their key is made from it. */
  readonly tsigSalt?: string | undefined;
  /** The domains whose challenge names, and those below, the user may write. */
  readonly names: readonly Fqdn[];
  readonly acmeDns?: AcmeDnsLogin | undefined;
  /** Undefined: the user may come from everywhere. */
  readonly networks?: readonly string[] | undefined;
  readonly limits?: UserLimits | undefined;
}

/** The user may write `subdomain.zone`. */
export interface AcmeDnsLogin {
  readonly hash: string;
  readonly subdomain: string;
  readonly zone: Fqdn;
}

export interface UserLimits {
  readonly liveValues?: number | undefined;
  readonly requestsPerMinute?: number | undefined;
}

type Path = readonly PropertyKey[];

interface Found {
  readonly file: string;
  /** @throws E_CONFIG */
  nameAt(path: Path, text: string): Fqdn;
  fail(path: Path, text: string, hint?: string): Dns01Error;
}

const DEFAULT_LEASE_SECONDS = 3600;

/** @param found reads names and makes errors; paths begin in the `serve` block. @throws E_CONFIG */
export function serveConfig(raw: NonNullable<RawConfig['serve']>, found: Found): ServeConfig {
  const inConfigDirectory = (path: string) => resolve(dirname(found.file), path);
  const { listen, tls, lease = DEFAULT_LEASE_SECONDS, register, proxies = [], update, metrics } = raw;
  return {
    listen,
    users: Object.fromEntries(Object.entries(raw.users).map(([name, user]) => [name, userConfig(name, user, found)])),
    tls: tls && { cert: inConfigDirectory(tls.cert), key: inConfigDirectory(tls.key) },
    leaseMs: lease * 1000,
    register: register && { ...register, zone: found.nameAt(['register', 'zone'], register.zone) },
    proxies,
    update,
    metrics,
  };
}

type RawUser = NonNullable<RawConfig['serve']>['users'][string];

function userConfig(name: string, { names = [], acmeDns, ...user }: RawUser, found: Found): UserConfig {
  const path = ['users', name];
  if (user.hash === undefined && user.tsig === undefined && acmeDns === undefined) {
    throw found.fail(path, 'is missing a login', 'give it hash: "…", the output of dns01 serve hash');
  }
  if (names.length === 0 && acmeDns === undefined) {
    throw found.fail(path, 'is missing names', 'names: [example.com] lets it write the challenge names of example.com');
  }
  return {
    ...user,
    names: names.map((text, index) => found.nameAt([...path, 'names', index], text)),
    acmeDns: acmeDns && { ...acmeDns, zone: found.nameAt([...path, 'acmeDns', 'zone'], acmeDns.zone) },
  };
}
