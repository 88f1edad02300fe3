import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import writeFileAtomic from 'write-file-atomic';
import * as z from 'zod/mini';
import type { Fqdn } from '../../src/provider.ts';

const recordSchema = z.object({ name: z.string(), value: z.string(), ttl: z.number() });

/** One TXT record; the TTL is in seconds. */
export type KeptRecord = z.output<typeof recordSchema>;

export interface Records {
  /** False when it was there before. */
  add(record: KeptRecord): Promise<boolean>;
  /** False when it was not there. */
  remove(name: Fqdn, value: string): Promise<boolean>;
  at(name: Fqdn): Promise<KeptRecord[]>;
  all(): Promise<KeptRecord[]>;
  /** A number for the SOA that never falls: the second of the last change. */
  serial(): Promise<number>;
}

/** However many records there are, a process may have some hundred files open. */
const READ_AT_ONCE = 32;

/**
 * The records of one account: a file for each, so that any number of processes can add and remove at once, and a reader
 * sees a record whole or not at all.
 */
export function openRecords(directory: string): Records {
  const fileOf = (name: Fqdn, value: string) => {
    const digest = createHash('sha256').update(`${name} ${value}`).digest('hex');
    return join(directory, `txt-${digest.slice(0, 32)}.json`);
  };

  async function all(): Promise<KeptRecord[]> {
    const files = ((await unlessMissing(readdir(directory))) ?? []).filter((file) => /^txt-\w+\.json$/.test(file));
    const records = await pLimit(READ_AT_ONCE).map(files, (file) => read(join(directory, file)));
    return records.filter((record) => record !== undefined);
  }

  return {
    async add(record) {
      const file = fileOf(record.name, record.value);
      const before = await read(file);
      if (before?.ttl === record.ttl) return false;
      await writeFileAtomic(file, `${JSON.stringify(record)}\n`, { mode: 0o644 });
      return before === undefined;
    },
    async remove(name, value) {
      const file = fileOf(name, value);
      if ((await read(file)) === undefined) return false;
      await rm(file, { force: true });
      return true;
    },
    at: async (name) => (await all()).filter((record) => record.name === name),
    all,
    serial: async () => Math.floor(((await unlessMissing(stat(directory)))?.mtimeMs ?? 0) / 1000),
  };
}

async function read(file: string): Promise<KeptRecord | undefined> {
  const text = await unlessMissing(readFile(file, 'utf8'));
  try {
    return z.safeParse(recordSchema, JSON.parse(text ?? '')).data;
  } catch {
    return undefined;
  }
}

/** A file may be withdrawn while others read, and before the first record there may be no directory. */
async function unlessMissing<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found;
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
}
