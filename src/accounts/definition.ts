import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod/mini';
import { providers } from '../../providers/index.ts';
import { didYouMean } from '../closest.ts';
import { type Config, configError } from '../config/load.ts';
import { type ConnectionOptions, connectionSchema } from '../config/schema.ts';
import { checkTrusted, checkTrustedCode } from '../config/trusted-file.ts';
import { Dns01Error } from '../errors.ts';
import { firstFinding, namingKnownKeys } from '../issues.ts';
import * as contract from '../provider.ts';

/** What a third party's module may export instead of a definition: a function that gets everything that it needs. */
export type ProviderFactory = (tools: ProviderTools) => contract.ProviderDefinition;

export interface ProviderTools extends Omit<typeof contract, 'secretSourceOf'> {
  readonly z: typeof schemas;
  readonly Dns01Error: typeof Dns01Error;
}

/**
 * The parts of zod that options and answers need. Exporting all of zod would load all of it in every start of the
 * program.
 */
const schemas = {
  array: z.array,
  boolean: z.boolean,
  describe: z.describe,
  enum: z.enum,
  int: z.int,
  maximum: z.maximum,
  maxLength: z.maxLength,
  minimum: z.minimum,
  minLength: z.minLength,
  nullable: z.nullable,
  number: z.number,
  object: z.object,
  optional: z.optional,
  pipe: z.pipe,
  record: z.record,
  refine: z.refine,
  regex: z.regex,
  strictObject: z.strictObject,
  string: z.string,
  transform: z.transform,
  union: z.union,
  withDefault: z._default,
};

/**
 * The provider of an account: one that ships with dns01, or a third party's by path (`./mine.mjs`) or package name.
 * @throws E_CONFIG naming file, line and key
 */
export async function loadDefinition(account: string, config: Config): Promise<contract.ProviderDefinition> {
  const type = config.accounts[account]?.provider ?? '';
  const load = Object.hasOwn(providers, type) ? providers[type] : undefined;
  if (load) return (await load()).default;
  const fail: Fail = (text, hint) => configError(config, ['accounts', account, 'provider'], text, hint);
  if (/^\.{0,2}\//.test(type)) return loadFrom(resolve(dirname(config.file), type), fail);
  const file = resolvePackage(type, config.file);
  if (file) return loadFrom(file, fail);
  throw fail(
    `there is no provider "${type}"`,
    didYouMean(type, Object.keys(providers)) ??
      'dns01 providers lists them; one of your own is named by its path, ./my-provider.mjs, or by the name of an installed package',
  );
}

type Fail = (text: string, hint?: string) => Dns01Error;

async function loadFrom(file: string, fail: Fail): Promise<contract.ProviderDefinition> {
  let exported: unknown;
  try {
    const real = checkTrusted(file);
    checkTrustedCode(folderOf(real));
    exported = (await importModule(pathToFileURL(real).href)).default;
  } catch (error) {
    if (error instanceof Dns01Error) throw error;
    throw fail(`${file} cannot be loaded: ${(error as Error).message}`);
  }
  const definition =
    typeof exported === 'function' ? (exported as ProviderFactory)({ ...contract, z: schemas, Dns01Error }) : exported;
  if (isDefinition(definition)) return definition;
  throw fail(
    `the default export of ${file} is not a provider`,
    'export default defineProvider({ type, title, docs, options, http, create })',
  );
}

/** The package that a file belongs to, else the folder that it lies in: what it imports lies there, too. */
function folderOf(file: string): string {
  const [, inPackages] = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
  return inPackages ?? dirname(file);
}

function isDefinition(value: unknown): value is contract.ProviderDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { type, options, create } = value as Record<string, unknown>;
  return (
    typeof type === 'string' && typeof create === 'function' && typeof options === 'object' && '_zod' in (options ?? {})
  );
}

/** Packages are looked up in the `node_modules` beside the config, and nowhere else. */
function resolvePackage(name: string, configFile: string): string | undefined {
  if (!/^(@[\w.-]+\/)?[\w.-]+(\/[\w./-]+)?$/.test(name) || name.includes('..')) return undefined;
  const { createRequire } = process.getBuiltinModule('node:module');
  const modules = join(dirname(configFile), 'node_modules');
  try {
    const file = createRequire(configFile).resolve(name);
    return isAbsolute(file) && isBelow(realpathSync(file), realpathSync(modules)) ? file : undefined;
  } catch {
    return undefined;
  }
}

const isBelow = (file: string, directory: string): boolean => file.startsWith(`${directory}${sep}`);

/** Precompiled code cannot call import(). bin/start.ts provides it under this name. */
const IMPORTER = Symbol.for('dns01.import');

type Importer = (url: string) => Promise<{ readonly default?: unknown }>;

/** Loads a module that is not part of dns01, by its `file:` URL. */
function importModule(url: string): ReturnType<Importer> {
  const { [IMPORTER]: importer } = globalThis as { [IMPORTER]?: Importer };
  return importer ? importer(url) : import(url);
}

export interface ValidAccount {
  readonly definition: contract.ProviderDefinition;
  /** The provider's own keys, secrets not yet read. */
  readonly options: unknown;
  readonly connection: ConnectionOptions;
}

/**
 * The account's provider, and its keys after validation.
 * @throws E_CONFIG naming file, line and key; E_USAGE when there is no such account
 */
export async function validAccount(name: string, { config }: { readonly config: Config }): Promise<ValidAccount> {
  if (!Object.hasOwn(config.accounts, name)) throw noSuchAccount(name, config);
  const definition = await loadDefinition(name, config);
  const all = config.accounts[name]?.options ?? {};
  const isConnectionKey = (key: string) => definition.http === true && Object.hasOwn(connectionSchema.shape, key);
  const pick = (wanted: boolean) =>
    Object.fromEntries(Object.entries(all).filter(([key]) => isConnectionKey(key) === wanted));
  const check = <Schema extends z.core.$ZodType>(schema: Schema, value: unknown): z.output<Schema> => {
    const parsed = z.safeParse(schema, value, namingKnownKeys);
    if (parsed.success) return parsed.data;
    const { path, text, known } = firstFinding(parsed.error.issues, value);
    const connectionKeys = definition.http && path.length === 1 ? Object.keys(connectionSchema.shape) : [];
    const meant = known && didYouMean(String(path.at(-1)), [...known, ...connectionKeys]);
    const hint = [meant, `see: dns01 providers ${definition.type}`].filter(Boolean).join(' ');
    throw configError(config, ['accounts', name, ...path], text, hint);
  };
  return {
    definition,
    options: check(definition.options, pick(false)),
    connection: check(connectionSchema, pick(true)),
  };
}

export function noSuchAccount(name: string, { file, accounts }: Config): Dns01Error {
  const names = Object.keys(accounts);
  const hint = didYouMean(name, names) ?? `accounts: ${names.join(', ')}`;
  return new Dns01Error('E_USAGE', `there is no account "${name}" in ${file}`, { hint });
}
