import { join } from 'node:path';
import * as z from 'zod/mini';
import { digest } from '../digest.ts';
import { type Fqdn, parseName } from '../names.ts';
import { readJson, writeJson } from './files.ts';

/** Milliseconds. A new zone is noticed a day later at the latest. */
const MAX_AGE_MS = 86_400_000;

/** Entries of an account for names, and for zones. The oldest go first. */
const MAX_ENTRIES = 1000;

const entriesSchema = z.record(z.string(), z.object({ is: z.string(), at: z.number() }));
const cacheSchema = z.object({
  /** The zone in which a name was found. */
  names: z._default(entriesSchema, {}),
  /** The provider's own id of a zone. */
  ids: z._default(entriesSchema, {}),
});
type Cache = z.output<typeof cacheSchema>;

/** What is known about an account's zones, so that it need not be looked up again. These are hints: zones move. */
export interface ZoneCache {
  recall(account: string, name: Fqdn): Promise<Fqdn | undefined>;
  remember(account: string, name: Fqdn, zone: Fqdn): Promise<void>;
  recallId(account: string, zone: Fqdn): Promise<string | undefined>;
  /** @param id undefined to forget it */
  rememberId(account: string, zone: Fqdn, id: string | undefined): Promise<void>;
}

/** Errors of reading and writing are ignored: nothing is cached then. */
export function openZoneCache(stateDirectory: string | undefined): ZoneCache {
  const fileOf = (account: string) => join(stateDirectory ?? '', 'zones', `${digest(account)}.json`);
  const known = new Map<string, Promise<Cache>>();
  const read = async (account: string): Promise<Cache> => {
    const cache =
      stateDirectory === undefined ? undefined : await readJson(fileOf(account), cacheSchema).catch(() => undefined);
    return cache ?? { names: {}, ids: {} };
  };
  /** Read once in a run. */
  const cacheOf = (account: string): Promise<Cache> => {
    const cache = known.get(account) ?? read(account);
    known.set(account, cache);
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
    known.set(account, Promise.resolve(changed));
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
