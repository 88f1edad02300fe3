import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Dns01Error } from '../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface FoundConfig {
  readonly file: string;
  /** Nobody named it, and whoever made this directory wrote it: it may not bring code along. */
  readonly foundInCurrentDirectory: boolean;
}

const IN_CURRENT_DIRECTORY = './dns01.yaml';

/**
 * The one config file of this run: the first that is there. One that was named must be there.
 * @throws E_CONFIG listing where was looked
 */
export function findConfig(named: string | undefined, env: Environment): FoundConfig {
  const explicit = named ?? env['DNS01_CONFIG'];
  if (explicit) return { file: resolve(explicit), foundInCurrentDirectory: false };
  const places = configPlaces(env);
  const found = places.find(isFile);
  if (found) return { file: resolve(found), foundInCurrentDirectory: found === IN_CURRENT_DIRECTORY };
  throw new Dns01Error('E_CONFIG', `no config found (looked at ${places.join(', ')})`, {
    hint: 'write one after config.example.yaml, or name it with --config FILE or DNS01_CONFIG',
  });
}

function configPlaces(env: Environment): string[] {
  const configHome = env['XDG_CONFIG_HOME'] || join(homedir(), '.config');
  return [IN_CURRENT_DIRECTORY, join(configHome, 'dns01', 'config.yaml'), '/etc/dns01/config.yaml'];
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
