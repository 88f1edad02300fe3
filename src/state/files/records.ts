import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import writeFileAtomic from 'write-file-atomic';
import * as z from 'zod/mini';
import { type KeptRecord, type Records, recordSchema, type ServedRecords } from '../records.ts';

/** How many files are read at the same time: a process may have only some hundred open. */
const MAX_OPEN = 32;

/** Two changes in one tick of the file system's clock look like one, so the files are read again for a while. */
const RECENT_MS = 3000;
const RESCAN_MS = 250;

/**
 * The records of one account. Each has a file, so that any number of processes can add and remove at the same time, and
 * a reader sees a whole record or none.
 */
export function openRecords(directory: string): Records {
  const limit = pLimit(MAX_OPEN);
  const fileOf = (name: string, value: string) => {
    const digest = createHash('sha256').update(`${name} ${value}`).digest('hex');
    return join(directory, `txt-${digest.slice(0, 32)}.json`);
  };

  async function recordFiles(): Promise<string[]> {
    const files = (await unlessMissing(readdir(directory))) ?? [];
    return files.filter((file) => /^txt-\w+\.json$/.test(file)).map((file) => join(directory, file));
  }

  async function all(): Promise<KeptRecord[]> {
    const records = await limit.map(await recordFiles(), read);
    return records.filter((record) => record !== undefined);
  }

  const memory = serveFromMemory(directory, async (known) => {
    const files = await recordFiles();
    return limit.map(files, async (file) => ({ file, ...(await readUnlessKnown(file, known.get(file))) }));
  });

  return {
    async add(record) {
      const file = fileOf(record.name, record.value);
      const before = await read(file);
      if (before?.ttl === record.ttl) return false;
      if (!before) await removeOther(file);
      await writeFileAtomic(file, `${JSON.stringify(record)}\n`, { mode: 0o644 });
      memory.changed();
      return before === undefined;
    },
    async remove(name, value) {
      const file = fileOf(name, value);
      if ((await read(file)) === undefined) return false;
      await rm(file, { force: true });
      memory.changed();
      return true;
    },
    at: async (name) => (await all()).filter((record) => record.name === name),
    all,
    served: memory.served,
  };
}

/** A file that was read. Its content is the same as long as the stamp is. */
interface ReadFile {
  readonly stamp: string;
  readonly record: KeptRecord | undefined;
}

/**
 * The directory's modification time says whether the files must be read: every write is a new file that is renamed. For
 * any number of queries, only one read is in progress.
 */
function serveFromMemory(
  directory: string,
  scan: (known: ReadonlyMap<string, ReadFile>) => Promise<(ReadFile & { readonly file: string })[]>,
): { served(): Promise<ServedRecords>; changed(): void } {
  let known = new Map<string, ReadFile>();
  let served: ServedRecords = { records: [], serial: 0 };
  let scanned: string | undefined;
  let ownChanges = 0;
  let scannedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<ServedRecords> | undefined;

  async function look(): Promise<ServedRecords> {
    const changesBefore = ownChanges;
    const mtimeMs = (await unlessMissing(stat(directory)))?.mtimeMs ?? 0;
    const state = `${mtimeMs} ${changesBefore}`;
    const isRecent = Math.abs(Date.now() - mtimeMs) < RECENT_MS && performance.now() - scannedAt > RESCAN_MS;
    if (state === scanned && !isRecent) return served;
    scannedAt = performance.now();
    const files = await scan(known);
    const isChanged = files.length !== known.size || files.some(({ file, stamp }) => known.get(file)?.stamp !== stamp);
    known = new Map(files.map(({ file, ...read }) => [file, read]));
    const serial = Math.floor(mtimeMs / 1000);
    if (isChanged || serial !== served.serial) {
      const records = isChanged ? files.flatMap(({ record }) => record ?? []) : served.records;
      served = { records, serial };
    }
    scanned = state;
    return served;
  }

  return {
    served() {
      looking ??= look().finally(() => {
        looking = undefined;
      });
      return looking;
    },
    changed() {
      ownChanges++;
    },
  };
}

/** A pipe must not block, and a link lead nowhere. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** What is no file cannot be replaced by one. */
async function removeOther(file: string): Promise<void> {
  const stats = await unlessMissing(lstat(file));
  if (stats && !stats.isFile()) await rm(file, { recursive: true, force: true });
}

async function readUnlessKnown(file: string, known: ReadFile | undefined): Promise<ReadFile> {
  const stats = await unlessMissing(stat(file));
  const stamp = stats ? `${stats.ino} ${stats.mtimeMs} ${stats.size}` : 'gone';
  return known?.stamp === stamp ? known : { stamp, record: stats && (await read(file)) };
}

async function read(file: string): Promise<KeptRecord | undefined> {
  const text = await unlessMissing(readFile(file, { encoding: 'utf8', flag: READ_FLAGS }));
  try {
    return z.safeParse(recordSchema, JSON.parse(text ?? '')).data;
  } catch {
    return undefined;
  }
}

/**
 * A file may be removed during a read, and before the first record the directory may not exist. Links, directories and
 * files that are too large for a record are not records.
 */
async function unlessMissing<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found;
  } catch (error) {
    if (NO_RECORD.has((error as { code?: string }).code ?? '')) return undefined;
    throw error;
  }
}

const NO_RECORD: ReadonlySet<string> = new Set(['ENOENT', 'ELOOP', 'EISDIR', 'ENXIO', 'ERR_FS_FILE_TOO_LARGE']);
