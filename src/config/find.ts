import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Dns01Error } from '../errors.ts';

const SYSTEM_CONFIG = '/etc/dns01/config.yaml';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The path of the config file of this run: the first that exists. A named one has to exist. The current directory is not
 * searched, because anyone may have made it.
 * @throws E_CONFIG with the places that were looked at
 */
export function findConfig(named: string | undefined, env: Environment): string {
  const found = findConfigIfAny(named, env);
  if (found !== undefined) return found;
  throw new Dns01Error('E_CONFIG', `no config found (looked at ${placesOf(env).join(', ')})`, {
    hint: env['DNS01_PROVIDER']
      ? 'DNS01_PROVIDER makes an account, but this command needs more: write a config file'
      : 'dns01 init makes one; or name one with --config FILE or DNS01_CONFIG, or set DNS01_PROVIDER and the options of the provider',
  });
}

/** The same for a verb that needs none: undefined where there is none. A named one has to exist. */
export function findConfigIfAny(named: string | undefined, env: Environment): string | undefined {
  const explicit = named ?? env['DNS01_CONFIG'];
  if (explicit) return resolve(explicit);
  const found = placesOf(env).find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false);
  return found && resolve(found);
}

/** Where a new config goes: where this user's dns01 finds it. */
export const newConfigFile = (env: Environment): string =>
  process.getuid?.() === 0 ? SYSTEM_CONFIG : (placesOf(env)[0] ?? SYSTEM_CONFIG);

const placesOf = (env: Environment): string[] => [
  join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'dns01', 'config.yaml'),
  SYSTEM_CONFIG,
];
