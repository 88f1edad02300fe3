import { join } from 'node:path';
import * as z from 'zod/mini';
import { digest } from '../digest.ts';
import type { Fqdn } from '../names.ts';
import { readJson, writeJson } from './files.ts';

/** Milliseconds. A zone that is made meanwhile is noticed a day later at the latest. */
const REMEMBERED_FOR = 86_400_000;

/** No more names are remembered of an account; the oldest go first. */
const MOST_NAMES = 1000;

const memorySchema = z.object({ names: z.record(z.string(), z.object({ zone: z.string(), at: z.number() })) });

/** In which zone a name turned out to lie, so that it need not be searched for again. Only a hint: zones move. */
export interface ZoneMemory {
  recall(account: string, name: Fqdn): Promise<Fqdn | undefined>;
  remember(account: string, name: Fqdn, zone: Fqdn): Promise<void>;
}

/** What cannot be read or written is not remembered, and nothing else happens. */
export function openZoneMemory(stateDirectory: string | undefined): ZoneMemory {
  const fileOf = (account: string) => join(stateDirectory ?? '', 'zones', `${digest(account)}.json`);
  const read = async (account: string) =>
    stateDirectory === undefined
      ? {}
      : ((await readJson(fileOf(account), memorySchema).catch(() => undefined))?.names ?? {});
  return {
    async recall(account, name) {
      const known = (await read(account))[name];
      return known && Date.now() - known.at < REMEMBERED_FOR ? known.zone : undefined;
    },
    async remember(account, name, zone) {
      if (stateDirectory === undefined) return;
      const others = Object.entries(await read(account)).filter(([other]) => other !== name);
      const names = Object.fromEntries([...others.slice(1 - MOST_NAMES), [name, { zone, at: Date.now() }]]);
      await writeJson(fileOf(account), { names }).catch(() => {});
    },
  };
}
