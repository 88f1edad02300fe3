import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { remove } from './files.ts';

/** Milliseconds after which no process works with such a file any more. */
const MAX_AGE_MS = 86_400_000;

/** The folders in which small files are written. */
const FOLDERS = ['journal', 'rate-limits', 'refused', 'orders', 'zones'];

/**
 * Remove what killed processes have left in the state directory and nobody will look at again: files written aside and
 * never put in place, empty ones, and orders that never came to their end. What cannot be removed stays.
 */
export async function removeStaleFiles(stateDirectory: string): Promise<void> {
  for (const folder of FOLDERS) {
    const directory = join(stateDirectory, folder);
    for (const name of await readdir(directory).catch(() => [])) {
      const file = join(directory, name);
      const found = await lstat(file).catch(() => undefined);
      if (found && isStale(folder, name, found)) await remove(file).catch(() => {});
    }
  }
}

function isStale(folder: string, name: string, found: Stats): boolean {
  if (!found.isFile() || Date.now() - found.mtimeMs < MAX_AGE_MS) return false;
  return folder === 'orders' || folder === 'refused' || found.size === 0 || !name.endsWith('.json');
}
