import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NEEDED = [
  'pebble',
  'certbot',
  'named',
  'knotd',
  'nsupdate',
  'dig',
  'openssl',
  'setpriv',
  'pdns_server',
  'sqlite3',
  'lexicon',
  'lego',
  'dehydrated',
  'uacme',
  'acmetool',
  'unbound',
  'unshare',
  'dnssec-keygen',
  'dnssec-signzone',
] as const;

export type Program = (typeof NEEDED)[number];

/** Servers live in sbin, which is not in the PATH of an ordinary user. */
export const PROGRAM_PATH = [process.env['PATH'] ?? '/usr/bin:/bin', '/usr/sbin', '/sbin'].join(delimiter);

export function pathOf(program: Program): string {
  const path = pathTo(program);
  if (path === undefined) throw new Error(`${program} is not installed; run: sudo bash test/e2e/install.sh`);
  return path;
}

export const missingPrograms = (): Program[] => missingOf(NEEDED);

export const missingOf = <Name extends string>(programs: readonly Name[]): Name[] =>
  programs.filter((program) => pathTo(program) === undefined);

/** Where a program is that only some suites need. */
export function installed(program: string): string {
  const path = pathTo(program);
  if (path === undefined) throw new Error(`${program} is not installed`);
  return path;
}

/** Where a program is; undefined where it is not installed. */
export function pathTo(program: string): string | undefined {
  return PROGRAM_PATH.split(delimiter)
    .map((directory) => join(directory, program))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
