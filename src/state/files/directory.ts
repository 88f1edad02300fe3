import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

import { checkTrusted } from '../../config/trusted-file.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The directory for everything that outlives a process. Without one (read-only disk, no rights) all verbs still work,
 * but nothing is stored: the result is then `undefined`, with a warning. A directory that others can write is refused.
 * @throws E_CONFIG
 */
export function openStateDirectory(env: Environment, warn: (message: string) => void): string | undefined {
  const directory = stateDirectory(env);
  try {
    makeDirectory(directory);
  } catch (error) {
    warn(
      `the state directory ${directory} cannot be used (${(error as Error).message}); ` +
        'continuing without it, set DNS01_STATE_DIR to a directory that can be written',
    );
    return undefined;
  }
  return checkTrusted(directory, { kind: 'directory' });
}

function stateDirectory(env: Environment): string {
  // systemd gives a list separated by colons when a unit has several.
  const given = env['DNS01_STATE_DIR'] || env['STATE_DIRECTORY']?.split(':')[0];
  if (given) return given;
  if (process.getuid?.() === 0) return '/var/lib/dns01';
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'dns01');
}

/**
 * Make a directory and those above it that are missing, one by one: Node's own way of doing that never ends where the
 * system denies that a directory exists in which it was just found, as /proc does.
 */
export function makeDirectory(path: string): void {
  const make = () => {
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  };
  try {
    make();
  } catch (error) {
    const above = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path) throw error;
    makeDirectory(above);
    make();
  }
}
