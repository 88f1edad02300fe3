import { statSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod/mini';
import { providers } from '../../providers/index.ts';
import { type Config, configError } from '../config/load.ts';
import { refuseWritable } from '../config/permissions.ts';
import { Dns01Error } from '../errors.ts';
import { importModule } from '../import-module.ts';
import * as contract from '../provider.ts';

/** What a third party's module may export instead of a definition: a function that is given all it needs. */
export type ProviderFactory = (tools: ProviderTools) => contract.ProviderDefinition;

export interface ProviderTools
  extends Pick<typeof contract, 'defineProvider' | 'secret' | 'httpUrl' | 'isWithin' | 'zoneCandidates'> {
  readonly z: typeof schemas;
  readonly Dns01Error: typeof Dns01Error;
}

/**
 * The parts of zod that options are made of. Not all of zod: whoever hands out everything loads everything, in every
 * start of the program.
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
  number: z.number,
  optional: z.optional,
  record: z.record,
  refine: z.refine,
  regex: z.regex,
  strictObject: z.strictObject,
  string: z.string,
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
  const fail = (text: string, hint?: string) => configError(config.file, ['accounts', account, 'provider'], text, hint);
  if (/^\.{0,2}\//.test(type)) return loadFrom(resolve(dirname(config.file), type), config, fail);
  const file = resolvePackage(type, config.file);
  if (file) return loadFrom(file, config, fail);
  throw await fail(
    `there is no provider "${type}" (there are: ${Object.keys(providers).join(', ')})`,
    'a provider of your own is named by its path, ./my-provider.mjs, or by the name of an installed package',
  );
}

/** A provider that ships with dns01, for one that works through it. */
export async function builtIn(type: string): Promise<contract.ProviderDefinition> {
  const load = Object.hasOwn(providers, type) ? providers[type] : undefined;
  if (load) return (await load()).default;
  throw new Dns01Error('E_CONFIG', `there is no provider "${type}"`);
}

type Fail = (text: string, hint?: string) => Promise<Dns01Error>;

async function loadFrom(file: string, config: Config, fail: Fail): Promise<contract.ProviderDefinition> {
  if (config.foundInCurrentDirectory) {
    throw await fail(
      'a config that was only found in the current directory may not load code',
      `name the config: dns01 --config ${config.file}`,
    );
  }
  let exported: unknown;
  try {
    refuseWritable(file, statSync(file));
    exported = (await importModule(pathToFileURL(file).href)).default;
  } catch (error) {
    if (error instanceof Dns01Error) throw error;
    throw await fail(`${file} cannot be loaded: ${(error as Error).message}`);
  }
  const definition =
    typeof exported === 'function' ? (exported as ProviderFactory)({ ...contract, z: schemas, Dns01Error }) : exported;
  if (isDefinition(definition)) return definition;
  throw await fail(
    `the default export of ${file} is no provider`,
    'export default defineProvider({ type, title, docs, options, http, create })',
  );
}

function isDefinition(value: unknown): value is contract.ProviderDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { type, options, create } = value as Record<string, unknown>;
  return (
    typeof type === 'string' && typeof create === 'function' && typeof options === 'object' && '_zod' in (options ?? {})
  );
}

/** Packages are looked for beside the config, then beside dns01. */
function resolvePackage(name: string, configFile: string): string | undefined {
  if (!/^(@[\w.-]+\/)?[\w.-]+(\/[\w./-]+)?$/.test(name)) return undefined;
  const { createRequire } = process.getBuiltinModule('node:module');
  for (const place of [configFile, process.argv[1] ?? configFile]) {
    try {
      const file = createRequire(place).resolve(name);
      if (isAbsolute(file)) return file;
    } catch {
      // Not there: the next place.
    }
  }
  return undefined;
}
