import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { remove } from './json.ts';

/** Milliseconds after which no process uses such a file. */
const MAX_AGE_MS = 86_400_000;

/** The folders that hold small files. */
const FOLDERS = ['journal', 'rate-limits', 'refused', 'orders', 'zones', 'users'];

/**
 * Removes what killed processes left in the state directory and no process will read: temporary files, empty ones, and
 * orders that never ended. Files that cannot be removed stay.
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
