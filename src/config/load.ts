import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ExplorerSync } from 'cosmiconfig/dist/ExplorerSync.js';
import { loadYaml } from 'cosmiconfig/dist/loaders.js';
import * as z from 'zod/mini';
import { Dns01Error } from '../errors.ts';
import { firstFinding } from '../issues.ts';
import { normaliseName } from '../names.ts';
import type { FoundConfig } from './find.ts';
import { refuseWritable } from './permissions.ts';
import { configSchema, type RawConfig } from './schema.ts';

export interface Config extends FoundConfig {
  readonly accounts: Readonly<Record<string, AccountConfig>>;
  /** The user's own map of zones, in no order. */
  readonly zones: readonly ZoneRoute[];
  /** `HOST`, `HOST:PORT` or `[HOST]:PORT`; empty: the system's. */
  readonly resolvers: readonly string[];
  readonly nameservers: readonly { readonly zone: string; readonly servers: readonly string[] }[];
  readonly followCnames: boolean;
  /** In seconds. */
  readonly propagation: { readonly timeout: number; readonly interval: number; readonly settle: number };
  /** In seconds. */
  readonly ttl: number;
  /** Undefined where nothing is to be served. */
  readonly serve: ServeConfig | undefined;
}

export interface ServeConfig {
  /** `ADDRESS:PORT` or `unix:/PATH`. */
  readonly listen: string;
  readonly users: Readonly<Record<string, { readonly hash: string; readonly names: readonly string[] }>>;
  /** Paths of PEM files. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

export interface AccountConfig {
  readonly provider: string;
  /** The provider's keys, not yet validated: that happens when the account is used. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface ZoneRoute {
  readonly zone: string;
  readonly account: string;
  readonly delegated: boolean;
}

/**
 * Read and validate a config file: YAML or JSON, never code.
 * @throws E_CONFIG naming file, line and key, and what was expected there
 */
export async function loadConfig(found: FoundConfig): Promise<Config> {
  const { file } = found;
  const raw = readRaw(file);
  const parsed = z.safeParse(configSchema, raw);
  if (!parsed.success) {
    const { path, text } = firstFinding(parsed.error.issues, raw);
    throw await configError(file, path, text);
  }
  return shape(found, parsed.data);
}

/** An error that points at a place in the config file. */
export async function configError(
  file: string,
  path: readonly PropertyKey[],
  text: string,
  hint?: string,
): Promise<Dns01Error> {
  // Only needed when something is wrong: a parser that knows where each key stands.
  const { lineOf } = await import('./position.ts');
  const line = lineOf(readFileSync(file, 'utf8'), path);
  const key = path.map(String).join('.');
  return new Dns01Error('E_CONFIG', `${file}:${line}: ${key ? `${key}: ` : ''}${text}`, { hint });
}

/**
 * cosmiconfig's explorer itself, not its `cosmiconfig()` front: that one first looks for its own settings in the
 * current directory, and runs a `.config/config.js` that it finds there.
 */
function readRaw(file: string): unknown {
  const explorer = new ExplorerSync({
    moduleName: 'dns01',
    searchPlaces: [],
    loaders: { '.yaml': load, '.yml': load, '.json': load, noExt: load },
    ignoreEmptySearchPlaces: false,
    applyPackagePropertyPathToConfiguration: false,
    cache: false,
    transform: (result) => result,
    metaConfigFilePath: null,
    mergeImportArrays: false,
    mergeSearchPlaces: false,
    searchStrategy: 'none',
  });
  try {
    refuseWritable(file, statSync(file));
    return explorer.load(file)?.config ?? {};
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** JSON is YAML: one parser for both, whose messages have a line. */
function load(path: string, text: string): unknown {
  const content: unknown = loadYaml(path, text);
  if (typeof content === 'object' && content !== null && '$import' in content) {
    throw new Dns01Error('E_CONFIG', `${path}: $import is not supported, keep everything in one file`);
  }
  return content;
}

/** js-yaml's own message repeats the lines around the mistake, where a password may stand. */
interface YamlMistake {
  readonly reason: string;
  readonly mark?: { readonly line: number };
}

function unreadable(file: string, error: unknown): Dns01Error {
  if (error instanceof Dns01Error) return error;
  if (error instanceof Error && 'reason' in error) {
    const { reason, mark } = error as Error & YamlMistake;
    const line = mark ? `:${mark.line + 1}` : '';
    return new Dns01Error('E_CONFIG', `${file}${line}: not valid YAML: ${reason}`);
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return new Dns01Error('E_CONFIG', `${file}: there is no such config file`);
  if (code === 'EACCES') {
    return new Dns01Error('E_CONFIG', `${file}: this user may not read the config`, {
      hint: 'run dns01 as the user that owns the config, or give that user the right to read it',
    });
  }
  return new Dns01Error('E_CONFIG', `${file}: ${error instanceof Error ? error.message : String(error)}`, {
    hint: 'the config is YAML or JSON: name it .yaml, .yml or .json',
  });
}

async function shape(found: FoundConfig, raw: RawConfig): Promise<Config> {
  const { file } = found;
  const accounts = Object.fromEntries(
    Object.entries(raw.accounts).map(([name, { provider, ...options }]) => [name, { provider, options }]),
  );
  if (Object.keys(accounts).length === 0) throw await configError(file, ['accounts'], 'expected at least one account');
  return {
    ...found,
    accounts,
    zones: await Promise.all(Object.entries(raw.zones ?? {}).map((entry) => zoneRoute(file, raw, entry))),
    resolvers: raw.dns?.resolvers ?? [],
    followCnames: raw.dns?.followCnames ?? true,
    nameservers: await Promise.all(
      Object.entries(raw.dns?.nameservers ?? {}).map(async ([zone, servers]) => ({
        zone: await nameKey(file, ['dns', 'nameservers', zone]),
        servers,
      })),
    ),
    propagation: {
      timeout: raw.propagation?.timeout ?? 300,
      interval: raw.propagation?.interval ?? 2,
      settle: raw.propagation?.settle ?? 2,
    },
    ttl: raw.ttl ?? 60,
    serve: raw.serve && (await serveConfig(file, raw.serve)),
  };
}

async function zoneRoute(
  file: string,
  { accounts }: RawConfig,
  [key, value]: [string, NonNullable<RawConfig['zones']>[string]],
): Promise<ZoneRoute> {
  const { account, delegated = false } = typeof value === 'string' ? { account: value } : value;
  if (!Object.hasOwn(accounts, account)) {
    const names = Object.keys(accounts).join(', ');
    throw await configError(file, ['zones', key], `there is no account "${account}" (accounts: ${names})`);
  }
  return { zone: await nameKey(file, ['zones', key]), account, delegated };
}

async function serveConfig(file: string, raw: NonNullable<RawConfig['serve']>): Promise<ServeConfig> {
  const inConfigDirectory = (path: string) => resolve(dirname(file), path);
  const users = Object.entries(raw.users).map(async ([user, { hash, names }]) => {
    const places = names.map((_, index) => ['serve', 'users', user, 'names', index]);
    return [
      user,
      { hash, names: await Promise.all(names.map((name, index) => nameAt(file, places[index] ?? [], name))) },
    ];
  });
  return {
    listen: raw.listen,
    users: Object.fromEntries(await Promise.all(users)),
    tls: raw.tls && { cert: inConfigDirectory(raw.tls.cert), key: inConfigDirectory(raw.tls.key) },
  };
}

/** A name that is used as a key, in the one form that names have everywhere inside. */
function nameKey(file: string, path: readonly string[]): Promise<string> {
  return nameAt(file, path, path.at(-1) ?? '');
}

async function nameAt(file: string, path: readonly PropertyKey[], text: string): Promise<string> {
  try {
    return normaliseName(text);
  } catch (error) {
    throw await configError(file, path, `not a domain name: ${(error as Error).message}`);
  }
}
