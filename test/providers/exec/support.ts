import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Dns01Error, isDns01Error } from '../../../src/errors.ts';

export interface Scratch {
  readonly directory: string;
  path(name: string): string;
  /** Writes an executable script and gives its path. */
  script(name: string, text: string, mode?: number): Promise<string>;
  read(name: string): Promise<string>;
  /** The text of a file as soon as it is there and not empty. */
  appeared(name: string): Promise<string>;
  remove(): Promise<void>;
}

/** A directory for the scripts of one test and what they write. */
export async function openScratch(): Promise<Scratch> {
  const directory = await mkdtemp(join(tmpdir(), 'dns01-scripts-'));
  const path = (name: string) => join(directory, name);
  const read = (name: string) => readFile(path(name), 'utf8');
  return {
    directory,
    path,
    read,
    async script(name, text, mode = 0o755) {
      await writeFile(path(name), text);
      await chmod(path(name), mode);
      return path(name);
    },
    async appeared(name) {
      for (;;) {
        const text = await read(name).catch(() => '');
        if (text !== '') return text;
        await delay(10);
      }
    },
    remove: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** Resolves when no process of that id is left. */
export async function ended(pid: number): Promise<void> {
  while (isAlive(pid)) await delay(10);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The error that the verb ends with. */
export async function failureOf(verb: Promise<unknown>): Promise<Dns01Error> {
  try {
    await verb;
  } catch (error) {
    if (isDns01Error(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
