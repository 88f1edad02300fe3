import { join } from 'node:path';
import * as z from 'zod/mini';
import { digest } from '../digest.ts';
import type { Fqdn } from '../names.ts';
import { readJson, writeJson } from './files.ts';

/** Milliseconds. A zone that is made meanwhile is noticed a day later at the latest. */
const REMEMBERED_FOR = 86_400_000;

/** No more names are remembered of an account; the oldest go first. */
const MOST_NAMES = 1000;

const namesSchema = z.record(z.string(), z.object({ zone: z.string(), at: z.number() }));
const memorySchema = z.object({ names: namesSchema });
type Names = z.output<typeof namesSchema>;

/** In which zone a name turned out to lie, so that it need not be searched for again. Only a hint: zones move. */
export interface ZoneCache {
  recall(account: string, name: Fqdn): Promise<Fqdn | undefined>;
  remember(account: string, name: Fqdn, zone: Fqdn): Promise<void>;
}

/** What cannot be read or written is not remembered, and nothing else happens. */
export function openZoneCache(stateDirectory: string | undefined): ZoneCache {
  const fileOf = (account: string) => join(stateDirectory ?? '', 'zones', `${digest(account)}.json`);
  const known = new Map<string, Promise<Names>>();
  const read = async (account: string): Promise<Names> => {
    if (stateDirectory === undefined) return {};
    const memory = await readJson(fileOf(account), memorySchema).catch(() => undefined);
    return memory?.names ?? {};
  };
  /** Read once in a run. */
  const namesOf = (account: string): Promise<Names> => {
    const names = known.get(account) ?? read(account);
    known.set(account, names);
    return names;
  };
  return {
    async recall(account, name) {
      const { [name]: found } = await namesOf(account);
      return found && Date.now() - found.at < REMEMBERED_FOR ? found.zone : undefined;
    },
    async remember(account, name, zone) {
      const others = Object.entries(await namesOf(account)).filter(([other]) => other !== name);
      const names = Object.fromEntries([...others.slice(1 - MOST_NAMES), [name, { zone, at: Date.now() }]]);
      known.set(account, Promise.resolve(names));
      if (stateDirectory !== undefined) await writeJson(fileOf(account), { names }).catch(() => {});
    },
  };
}
