import type { Stats } from 'node:fs';
import { Dns01Error } from '../errors.ts';

const WRITABLE_BY_OTHERS = 0o022;
const READABLE_BY_ALL = 0o004;

/**
 * A file that others may write decides nothing here: whoever can change it could send the credentials elsewhere.
 * @throws E_CONFIG
 */
export function refuseWritable(file: string, { mode }: Stats): void {
  if (process.platform === 'win32' || (mode & WRITABLE_BY_OTHERS) === 0) return;
  throw new Dns01Error('E_CONFIG', `${file}: other users can write this file (mode ${octal(mode)})`, {
    hint: `chmod go-w ${file}`,
  });
}

/** A warning for a file with secrets that every user of the machine can read. */
export function warnReadable(file: string, { mode }: Stats, warn: (message: string) => void): void {
  if (process.platform === 'win32' || (mode & READABLE_BY_ALL) === 0) return;
  warn(`${file} holds a secret and every user can read it (mode ${octal(mode)}): chmod o-r ${file}`);
}

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, '0');
