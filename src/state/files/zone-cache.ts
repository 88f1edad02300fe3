import { join } from 'node:path';
import * as z from 'zod/mini';
import { digest } from '../../digest.ts';
import { parseName } from '../../names.ts';
import { MAX_AGE_MS, type ZoneCache } from '../zone-cache.ts';
import { readJson, writeJson } from './json.ts';

/** Entries of an account for names, and for zones. The oldest go first. */
const MAX_ENTRIES = 1000;

/** Milliseconds for which a file that was read is not read again, because other processes may have written it. */
const MEMORY_MS = 30_000;

const entriesSchema = z.record(z.string(), z.object({ is: z.string(), at: z.number() }));
const cacheSchema = z.object({
  /** The zone in which a name was found. */
  names: z._default(entriesSchema, {}),
  /** The provider's own id of a zone. */
  ids: z._default(entriesSchema, {}),
});
type Cache = z.output<typeof cacheSchema>;

/** Errors of reading and writing are ignored: nothing is cached then. */
export function openZoneCache(stateDirectory: string | undefined): ZoneCache {
  const fileOf = (account: string) => join(stateDirectory ?? '', 'zones', `${digest(account)}.json`);
  const known = new Map<string, { readonly cache: Promise<Cache>; readonly since: number }>();
  const keep = (account: string, cache: Promise<Cache>, since: number) => known.set(account, { cache, since });
  const read = async (account: string): Promise<Cache> => {
    const cache =
      stateDirectory === undefined ? undefined : await readJson(fileOf(account), cacheSchema).catch(() => undefined);
    return cache ?? { names: {}, ids: {} };
  };
  const cacheOf = (account: string): Promise<Cache> => {
    const before = known.get(account);
    const now = performance.now();
    if (before && (stateDirectory === undefined || now - before.since < MEMORY_MS)) return before.cache;
    const cache = read(account);
    keep(account, cache, now);
    return cache;
  };
  async function recall(account: string, kind: keyof Cache, key: string): Promise<string | undefined> {
    const found = (await cacheOf(account))[kind][key];
    // A time in the future was written before the clock was set back.
    const age = found ? Date.now() - found.at : MAX_AGE_MS;
    return age >= 0 && age < MAX_AGE_MS ? found?.is : undefined;
  }
  async function remember(account: string, kind: keyof Cache, key: string, is: string | undefined): Promise<void> {
    const cache = await cacheOf(account);
    const others = Object.entries(cache[kind]).filter(([other]) => other !== key);
    const added = is === undefined ? [] : [[key, { is, at: Date.now() }] as const];
    const changed = { ...cache, [kind]: Object.fromEntries([...others.slice(1 - MAX_ENTRIES), ...added]) };
    keep(account, Promise.resolve(changed), known.get(account)?.since ?? performance.now());
    if (stateDirectory !== undefined) await writeJson(fileOf(account), changed).catch(() => {});
  }
  return {
    async recall(account, name) {
      const zone = await recall(account, 'names', name);
      return zone === undefined ? undefined : parseName(zone);
    },
    remember: (account, name, zone) => remember(account, 'names', name, zone),
    recallId: (account, zone) => recall(account, 'ids', zone),
    rememberId: (account, zone, id) => remember(account, 'ids', zone, id),
  };
}
