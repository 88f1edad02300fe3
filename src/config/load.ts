import * as z from 'zod/mini';
import { didYouMean } from '../closest.ts';
import { Dns01Error } from '../errors.ts';
import { firstFinding, namingKnownKeys } from '../issues.ts';
import { type Fqdn, normaliseName } from '../names.ts';
import { type ParsedConfig, parseConfig } from './parse.ts';
import { configSchema, type RawConfig } from './schema.ts';
import { type ServeConfig, serveConfig } from './serve-config.ts';
import { readTrustedFile } from './trusted-file.ts';

export interface ConfigFile {
  readonly file: string;
  /** The file to add a setting to, for hints; the same where there is a file. */
  readonly fileToEdit: string;
  /** Where a key or item stands, for messages: file, line and key. */
  placeOf(path: readonly PropertyKey[]): string;
}

export interface Config extends ConfigFile {
  readonly accounts: Readonly<Record<string, AccountConfig>>;
  /** The user's map of zones, unordered. */
  readonly zones: readonly ZoneRoute[];
  /** `HOST`, `HOST:PORT` or `[HOST]:PORT`; empty: the system's resolvers. */
  readonly resolvers: readonly string[];
  /** The servers to query for a zone instead of the zone's own. */
  readonly nameservers: readonly { readonly zone: Fqdn; readonly servers: readonly string[] }[];
  /** Networks in CIDR notation whose name servers may be queried, although they are loopback or link-local. */
  readonly allowNetworks: readonly string[];
  /** Root servers, like `resolvers`; empty: the public ones. */
  readonly roots: readonly string[];
  /** URLs of resolvers over HTTPS; undefined where the config does not say. */
  readonly doh: readonly string[] | undefined;
  readonly followCnames: boolean;
  /** In seconds. */
  readonly propagation: { readonly timeout: number; readonly interval: number; readonly settle: number };
  /** In seconds. */
  readonly ttl: number;
  /** The secret URL is not yet read. Undefined: files in the state directory. */
  readonly state: RawConfig['state'];
  /** Undefined without a `serve:` block. */
  readonly serve: ServeConfig | undefined;
}

export interface AccountConfig {
  readonly provider: string;
  /** The provider's keys, not yet validated: opening the account does that. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface ZoneRoute {
  readonly zone: Fqdn;
  readonly account: string;
  /** Any name may be written here, and CNAMEs of other zones may lead here. */
  readonly delegated: boolean;
}

/**
 * Reads and validates a config file: YAML or JSON, never code.
 * @throws E_CONFIG naming file, line and key, and what was expected there
 */
export function loadConfig(file: string): Config {
  const { data, lineOf } = readConfig(file);
  const placeOf = (path: readonly PropertyKey[]) =>
    [`${file}:${lineOf(path)}`, path.map(String).join('.')].filter(Boolean).join(': ');
  const found = { file, fileToEdit: file, placeOf };
  const parsed = z.safeParse(configSchema, data, namingKnownKeys);
  if (!parsed.success) {
    const { path, text, known = [] } = firstFinding(parsed.error.issues, data);
    throw configError(found, path, text, didYouMean(String(path.at(-1)), known));
  }
  if (Object.keys(parsed.data.accounts).length === 0)
    throw configError(found, ['accounts'], 'expected at least one account');
  return shape(found, parsed.data);
}

/** The defaults, for a verb that needs no account. */
export const withoutConfig = (): Config =>
  shape({ file: 'no config', fileToEdit: 'a config file', placeOf: (path) => path.join('.') }, { accounts: {} });

export function configError(
  { placeOf }: ConfigFile,
  path: readonly PropertyKey[],
  text: string,
  hint?: string,
): Dns01Error {
  return new Dns01Error('E_CONFIG', `${placeOf(path)}: ${text}`, { hint });
}

function readConfig(file: string): ParsedConfig {
  let text: string;
  try {
    text = readTrustedFile(file).text;
  } catch (error) {
    throw unreadable(file, error);
  }
  return parseConfig(file, text);
}

function unreadable(file: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof Dns01Error) return error;
  if (code === 'ENOENT') return new Dns01Error('E_CONFIG', `${file}: there is no such config file`);
  if (code === 'EACCES') {
    return new Dns01Error('E_CONFIG', `${file}: this user may not read the config`, {
      hint: 'run dns01 as the user that owns the config, or give that user the right to read it',
    });
  }
  return new Dns01Error('E_CONFIG', `${file}: ${message}`);
}

function shape(found: ConfigFile, raw: RawConfig): Config {
  const accounts = Object.fromEntries(
    Object.entries(raw.accounts).map(([name, { provider, ...options }]) => [name, { provider, options }]),
  );
  return {
    ...found,
    accounts,
    zones: Object.entries(raw.zones ?? {}).map((entry) => zoneRoute(found, raw, entry)),
    resolvers: raw.dns?.resolvers ?? [],
    followCnames: raw.dns?.followCnames ?? true,
    allowNetworks: raw.dns?.allowNetworks ?? [],
    roots: raw.dns?.roots ?? [],
    doh: raw.dns?.doh === false ? [] : raw.dns?.doh,
    nameservers: Object.entries(raw.dns?.nameservers ?? {}).map(([zone, servers]) => ({
      zone: nameAt(found, ['dns', 'nameservers', zone], zone),
      servers,
    })),
    propagation: {
      timeout: raw.propagation?.timeout ?? 300,
      interval: raw.propagation?.interval ?? 2,
      settle: raw.propagation?.settle ?? 2,
    },
    ttl: raw.ttl ?? 60,
    state: raw.state,
    serve:
      raw.serve &&
      serveConfig(raw.serve, {
        file: found.file,
        nameAt: (path, text) => nameAt(found, ['serve', ...path], text),
        fail: (path, text, hint) => configError(found, ['serve', ...path], text, hint),
      }),
  };
}

function zoneRoute(
  found: ConfigFile,
  { accounts }: RawConfig,
  [key, value]: [string, NonNullable<RawConfig['zones']>[string]],
): ZoneRoute {
  const { account, delegated = false } = typeof value === 'string' ? { account: value } : value;
  if (!Object.hasOwn(accounts, account)) {
    const names = Object.keys(accounts);
    const text = `there is no account "${account}" (accounts: ${names.join(', ')})`;
    throw configError(found, ['zones', key], text, didYouMean(account, names));
  }
  return { zone: nameAt(found, ['zones', key], key), account, delegated };
}

function nameAt(found: ConfigFile, path: readonly PropertyKey[], text: string): Fqdn {
  try {
    return normaliseName(text);
  } catch (error) {
    throw configError(found, path, `not a domain name: ${(error as Error).message}`);
  }
}
