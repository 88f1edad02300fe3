import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';
import { parseJson } from '../../output/text.ts';
import { makeDirectory } from './directory.ts';

/**
 * Small JSON files, each written whole or not at all: a process that dies halfway leaves the old one. The state directory
 * belongs to this user (`directory.ts` checks that), but its content may come from anyone: symbolic links are never
 * followed, only regular files are read, and nothing blocks.
 */

/** In bytes. The largest is a cache of some thousand names. */
const MAX_BYTES = 1024 * 1024;

/** Replaces a file durably: writes a temporary file, calls fsync and renames it. */
export async function writeJson(file: string, content: unknown): Promise<void> {
  const { default: writeFileAtomic } = await import('write-file-atomic');
  await makeFolder(dirname(file));
  await refuseOther(file);
  await writeFileAtomic(file, `${JSON.stringify(content)}\n`, { mode: 0o600 });
}

/**
 * Creates a file durably, unless it exists. Only one of several processes gets true. A process that dies halfway leaves
 * an empty file, which counts as existing.
 */
export async function createJson(file: string, content: unknown): Promise<boolean> {
  await makeFolder(dirname(file));
  const created = await open(file, 'wx', 0o600).catch((error: unknown) => {
    if (codeOf(error) === 'EEXIST') return undefined;
    throw error;
  });
  if (!created) return false;
  try {
    await created.writeFile(`${JSON.stringify(content)}\n`);
    await created.sync();
    return true;
  } catch (error) {
    await remove(file);
    throw error;
  } finally {
    await created.close();
  }
}

/** The content, or undefined where the file is missing or has another form. */
export async function readJson<Schema extends z.core.$ZodType>(
  file: string,
  schema: Schema,
): Promise<z.output<Schema> | undefined> {
  const parsed = z.safeParse(schema, parseJson((await readText(file)) ?? ''));
  return parsed.success ? parsed.data : undefined;
}

/**
 * Undefined where the file is missing or may not be read.
 * @throws where its folder is a link or others can write it
 */
export async function readText(file: string): Promise<string | undefined> {
  await refuseForeign(dirname(file));
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const opened = await open(file, flags).catch((error: unknown) => {
    if (IS_NO_FILE.has(codeOf(error))) return undefined;
    throw error;
  });
  if (!opened) return undefined;
  try {
    const stats = await opened.stat();
    return stats.isFile() && isOwn(stats) && stats.size <= MAX_BYTES ? await opened.readFile('utf8') : undefined;
  } finally {
    await opened.close();
  }
}

/** ELOOP: a symbolic link. ENXIO: a socket. */
const IS_NO_FILE: ReadonlySet<unknown> = new Set(['ENOENT', 'ELOOP', 'ENXIO']);

/** How many files are read at the same time: a process may have only some hundred open. */
const MAX_OPEN = 32;

export interface ReadFiles<Content> {
  readonly contents: Content[];
  /** The names of files with another content; empty ones are not counted. */
  readonly unreadable: string[];
}

/** Every readable file of a directory that has this form. */
export async function readAllJson<Schema extends z.core.$ZodType>(
  directory: string,
  schema: Schema,
): Promise<ReadFiles<z.output<Schema>>> {
  const found: ReadFiles<z.output<Schema>> = { contents: [], unreadable: [] };
  await readEachJson(
    directory,
    schema,
    (content) => found.contents.push(content),
    (name) => found.unreadable.push(name),
  );
  return found;
}

/** The same, one after the other, for what has no place in memory all at once. */
export async function readEachJson<Schema extends z.core.$ZodType>(
  directory: string,
  schema: Schema,
  read: (content: z.output<Schema>) => void,
  unreadable: (name: string) => void = () => {},
): Promise<void> {
  await refuseForeign(directory);
  const names = await readdir(directory).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const line = names.filter((name) => name.endsWith('.json')).values();
  const readOn = async () => {
    for (const name of line) {
      const text = await readText(join(directory, name));
      const parsed = z.safeParse(schema, parseJson(text ?? ''));
      if (parsed.success) read(parsed.data);
      else if (text !== '') unreadable(name);
    }
  };
  await Promise.all(Array.from({ length: MAX_OPEN }, readOn));
}

export async function remove(file: string): Promise<void> {
  await rm(file, { force: true });
}

/** @throws where the folder is a link or others can write it */
export async function makeFolder(folder: string): Promise<void> {
  makeDirectory(folder);
  await refuseForeign(folder);
}

async function refuseForeign(folder: string): Promise<void> {
  const stats = await lstat(folder).catch(() => undefined);
  if (stats && !(stats.isDirectory() && isOwn(stats)))
    throw new Error(`${folder} is not a directory of this user alone`);
}

const WRITABLE_BY_OTHERS = 0o022;

/** Nobody else but root can have written it. */
function isOwn({ uid, mode }: Stats): boolean {
  const own = process.geteuid?.();
  return own === undefined || ((uid === own || uid === 0) && (mode & WRITABLE_BY_OTHERS) === 0);
}

/** Only a regular file may be replaced: other kinds would be followed or written to. */
async function refuseOther(file: string): Promise<void> {
  const stats = await lstat(file).catch(() => undefined);
  if (stats && !stats.isFile()) throw new Error(`${file} is not a regular file`);
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
