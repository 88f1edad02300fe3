import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Dns01Error } from '../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The one config file of this run: the first that is there. One that was named must be there.
 * @throws E_CONFIG listing where was looked
 */
export function findConfig(named: string | undefined, env: Environment): string {
  const explicit = named ?? env['DNS01_CONFIG'];
  if (explicit) return resolve(explicit);
  const places = configPlaces(env);
  const found = places.find(isFile);
  if (found) return resolve(found);
  throw new Dns01Error('E_CONFIG', `no config found (looked at ${places.join(', ')})`, {
    hint: 'write one after config.example.yaml, or name it with --config FILE or DNS01_CONFIG',
  });
}

function configPlaces(env: Environment): string[] {
  const configHome = env['XDG_CONFIG_HOME'] || join(homedir(), '.config');
  return ['./dns01.yaml', join(configHome, 'dns01', 'config.yaml'), '/etc/dns01/config.yaml'];
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
