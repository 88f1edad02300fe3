import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Dns01Error } from '../errors.ts';

const SYSTEM_CONFIG = '/etc/dns01/config.yaml';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The path of the one config file of this run: the first that is there. One that was named must be there. Nothing is
 * looked for in the current directory: whoever made that directory may be anybody.
 * @throws E_CONFIG listing where was looked
 */
export function findConfig(named: string | undefined, env: Environment): string {
  const explicit = named ?? env['DNS01_CONFIG'];
  if (explicit) return resolve(explicit);
  const places = [join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'dns01', 'config.yaml'), SYSTEM_CONFIG];
  const found = places.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false);
  if (found) return resolve(found);
  throw new Dns01Error('E_CONFIG', `no config found (looked at ${places.join(', ')})`, {
    hint: 'write one after config.example.yaml, or name it with --config FILE or DNS01_CONFIG',
  });
}
