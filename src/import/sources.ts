import { readdirSync, type Stats, statSync } from 'node:fs';
import { readTrustedFile } from '../config/trusted-file.ts';
import { Dns01Error } from '../errors.ts';

/** What another tool has stored in one place, by its own names. */
export interface Bag {
  /** The file, or `the environment`. */
  readonly from: string;
  readonly values: ReadonlyMap<string, string>;
  /** Paths of files with a value, where the tool itself reads it from a file. */
  readonly files?: ReadonlyMap<string, string>;
  /** The certificates that use it. */
  readonly certificates?: readonly Certificate[];
  /** acme.sh's dnsapi file or lexicon's provider that reads these values. */
  readonly service?: string | undefined;
}

export interface Certificate {
  readonly names: readonly string[];
  /** What certbot calls it. */
  readonly lineage?: string;
}

/** Everything of one tool. */
export interface Found {
  readonly bags: readonly Bag[];
  /** For tools whose other providers dns01 runs itself. */
  readonly home?: string;
}

/** Reads the files of a tool, and remembers them. */
export interface Reader {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @throws E_CONFIG where the file is not trusted, or not there */
  read(path: string): string;
  /** Undefined where there is none. */
  readIfAny(path: string): string | undefined;
  /** The names in a directory; none where it is not there. */
  list(directory: string): string[];
  /** The files that were read and that every user can read. */
  readonly readableByAll: string[];
}

const MAX_FILE_BYTES = 256 * 1024;

/** More certificates than this are not expected on one machine. */
const MAX_ENTRIES = 10_000;

const READABLE_BY_ALL = 0o004;

/** Another user who can write these files could send the credentials anywhere, so they pass the same checks as a config. */
export function openReader(env: Reader['env']): Reader {
  const readableByAll: string[] = [];
  function read(path: string): string {
    try {
      const { text, stats } = readTrustedFile(path, { maxBytes: MAX_FILE_BYTES });
      if ((stats.mode & READABLE_BY_ALL) !== 0 && !readableByAll.includes(path)) readableByAll.push(path);
      return text;
    } catch (error) {
      throw unreadable(path, error);
    }
  }
  return {
    env,
    read,
    readableByAll,
    readIfAny: (path) => (statsOf(path)?.isFile() ? read(path) : undefined),
    list(directory) {
      if (!statsOf(directory)?.isDirectory()) return [];
      const names = readdirSync(directory).sort();
      if (names.length > MAX_ENTRIES)
        throw new Dns01Error('E_CONFIG', `${directory}: more than ${MAX_ENTRIES} entries`);
      return names;
    },
  };
}

/** Undefined where there is nothing, also below a file. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function unreadable(path: string, error: unknown): Dns01Error {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') {
    return new Dns01Error('E_CONFIG', `${path}: there is no such file`, {
      hint: 'name the file or directory with --from',
    });
  }
  const text = message.startsWith(path) ? message : `${path}: ${message}`;
  return new Dns01Error('E_CONFIG', text, {
    hint: 'run dns01 import as the user who owns the file; no other user may be able to write it or a directory above it',
  });
}

/** Whether a path is a directory. @throws E_CONFIG where there is nothing */
export function isDirectory(path: string): boolean {
  const stats = statsOf(path);
  if (!stats) throw unreadable(path, Object.assign(new Error(), { code: 'ENOENT' }));
  return stats.isDirectory();
}
