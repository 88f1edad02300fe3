import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { Dns01Error } from '../errors.ts';

/** How a file is used. */
export interface TrustSettings {
  /** The largest size accepted, in bytes. */
  readonly maxBytes?: number;
  readonly kind?: 'file' | 'directory';
}

export interface TrustedFile {
  /** Without symbolic links. */
  readonly path: string;
  readonly stats: Stats;
  readonly text: string;
}

const DEFAULT_MAX_BYTES = 1024 * 1024;
const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * Reads a file that decides where credentials go, what runs or who is trusted. Anyone who can change it could decide
 * instead, so it must belong to root or to this user, and no other user may write it or a directory above it. All checks
 * are made on the opened file, not on its name, and nothing blocks: a FIFO is refused.
 * @throws E_CONFIG for a file that is not trusted; the system's own error where it cannot be opened
 */
export function readTrustedFile(file: string, settings: TrustSettings = {}): TrustedFile {
  return withTrusted(file, settings, (descriptor, path, stats) => ({
    path,
    stats,
    text: readFileSync(descriptor, 'utf8'),
  }));
}

/** The same checks for a directory, or for a file that another program reads or runs. Returns its real path. */
export function checkTrusted(file: string, settings: TrustSettings = {}): string {
  try {
    return withTrusted(file, settings, (_descriptor, path) => path);
  } catch (error) {
    // A user may be allowed to run a program without being allowed to read it.
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    const path = realpathSync(file);
    check(path, lstatSync(path), settings);
    return path;
  }
}

/** What a program in JavaScript may load. */
const CODE = new Set(['.js', '.mjs', '.cjs', '.json', '.node', '.wasm']);

/** Files and directories that are looked at. A package with its dependencies has some thousand. */
const MAX_ENTRIES = 20_000;

/**
 * The same owner and mode for everything below a directory that code there may load. Its own path has been checked.
 * @throws E_CONFIG for the first one that others can write, and where there is too much to look at
 */
export function checkTrustedCode(directory: string): void {
  const waiting = [realpathSync(directory)];
  const seen = new Set(waiting);
  for (let count = 0; ; ) {
    const folder = waiting.pop();
    if (folder === undefined) return;
    for (const name of ifThere(() => readdirSync(folder)) ?? []) {
      if (++count > MAX_ENTRIES) {
        throw refused(directory, 'too many files to check', 'put the provider into a folder of its own');
      }
      const path = join(folder, name);
      const real = ifThere(() => (checkCode(path) === 'directory' ? realpathSync(path) : undefined));
      if (real === undefined || seen.has(real)) continue;
      waiting.push(real);
      seen.add(real);
    }
  }
}

/** Files may go while a folder is looked at: those of an editor, or of a state directory beside the code. */
function ifThere<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}

function checkCode(path: string): 'file' | 'directory' | undefined {
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) {
    const target = statSync(path, { throwIfNoEntry: false });
    if (!target || (target.isFile() && !CODE.has(extname(path)))) return undefined;
    const kind = target.isDirectory() ? 'directory' : 'file';
    checkTrusted(path, { kind, maxBytes: Number.POSITIVE_INFINITY });
    return kind;
  }
  const kind = stats.isDirectory() ? 'directory' : 'file';
  if (kind === 'file' && !CODE.has(extname(path))) return undefined;
  if (process.platform !== 'win32') checkOwner(path, stats, kind);
  return kind;
}

function withTrusted<Result>(
  file: string,
  settings: TrustSettings,
  use: (descriptor: number, path: string, stats: Stats) => Result,
): Result {
  // Opening a FIFO for reading would wait for its writer.
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stats = fstatSync(descriptor);
    const path = realpathSync(file);
    const there = lstatSync(path);
    if (there.ino !== stats.ino || there.dev !== stats.dev) throw refused(file, 'it was replaced while it was opened');
    check(path, stats, settings);
    return use(descriptor, path, stats);
  } finally {
    closeSync(descriptor);
  }
}

function check(path: string, stats: Stats, { maxBytes = DEFAULT_MAX_BYTES, kind = 'file' }: TrustSettings): void {
  if (kind === 'file' && !stats.isFile()) throw refused(path, 'it is not a regular file');
  if (kind === 'directory' && !stats.isDirectory()) throw refused(path, 'it is not a directory');
  if (kind === 'file' && stats.size > maxBytes) throw refused(path, `it is larger than ${maxBytes} bytes`);
  if (process.platform === 'win32') return;
  checkOwner(path, stats, kind);
  for (let above = dirname(path), below = path; above !== below; below = above, above = dirname(above)) {
    const directory = lstatSync(above);
    const isSafeSticky = (directory.mode & STICKY) !== 0 && directory.uid === 0;
    if (!isSafeSticky) checkOwner(above, directory, 'directory');
  }
}

function checkOwner(path: string, { uid, mode }: Stats, kind: 'file' | 'directory'): void {
  const own = process.geteuid?.() ?? 0;
  if (uid !== 0 && uid !== own) {
    throw refused(path, `this ${kind} belongs to another user (uid ${uid})`, `chown ${own} ${path}`);
  }
  if ((mode & WRITABLE_BY_OTHERS) !== 0) {
    throw refused(path, `other users can write this ${kind} (mode ${octal(mode)})`, `chmod go-w ${path}`);
  }
}

function refused(path: string, why: string, hint?: string): Dns01Error {
  return new Dns01Error('E_CONFIG', `${path}: ${why}`, { hint });
}

const READABLE_BY_ALL = 0o004;

/** A warning for a file with secrets that every user of the machine can read. */
export function warnReadable(file: string, { mode }: Stats, warn: (message: string) => void): void {
  if (process.platform === 'win32' || (mode & READABLE_BY_ALL) === 0) return;
  warn(`${file} holds a secret and every user can read it (mode ${octal(mode)}): chmod o-r ${file}`);
}

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, '0');
