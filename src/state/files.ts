import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import * as z from 'zod/mini';

/** Small JSON files, each written whole or not at all: a process that dies halfway leaves the old one. */

/** Replace a file durably: written aside, fsynced, renamed. */
export async function writeJson(file: string, content: unknown): Promise<void> {
  const { default: writeFileAtomic } = await import('write-file-atomic');
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFileAtomic(file, `${JSON.stringify(content)}\n`, { mode: 0o600 });
}

/**
 * Make a file durably, unless there is one: of several processes one is told that it was the first. One that dies
 * halfway leaves a file that says nothing, which counts as being there.
 */
export async function createJson(file: string, content: unknown): Promise<boolean> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
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

/** The content, or undefined where there is no such file or it is not of that form. */
export async function readJson<Schema extends z.core.$ZodType>(
  file: string,
  schema: Schema,
): Promise<z.output<Schema> | undefined> {
  try {
    const parsed = z.safeParse(schema, JSON.parse(await readFile(file, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || isMissing(error)) return undefined;
    throw error;
  }
}

/** However many files there are, a process may have some hundred open. */
const READ_AT_ONCE = 32;

/** Every readable file of a directory that is of that form. */
export async function readAllJson<Schema extends z.core.$ZodType>(
  directory: string,
  schema: Schema,
): Promise<z.output<Schema>[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const files = names.filter((name) => name.endsWith('.json')).map((name) => join(directory, name));
  const contents = await pLimit(READ_AT_ONCE).map(files, (file) => readJson(file, schema));
  return contents.filter((content) => content !== undefined);
}

export async function remove(file: string): Promise<void> {
  await rm(file, { force: true });
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
