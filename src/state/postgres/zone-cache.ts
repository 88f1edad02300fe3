import * as z from 'zod/mini';
import { parseName } from '../../names.ts';
import { MAX_AGE_MS, type ZoneCache } from '../zone-cache.ts';
import type { Database } from './database.ts';

type Kind = 'name' | 'id';

const FIND = `select value from dns01_zones where account = $1::text and kind = $2::text and key = $3::text
  and found > clock_timestamp() - interval '${MAX_AGE_MS} milliseconds'`;

const STORE = `insert into dns01_zones (account, kind, key, value, found)
  values ($1::text, $2::text, $3::text, $4::text, clock_timestamp())
  on conflict (account, kind, key) do update set value = excluded.value, found = excluded.found`;

const FORGET = 'delete from dns01_zones where account = $1::text and kind = $2::text and key = $3::text';

export function openZoneCache(database: Database): ZoneCache {
  async function recall(account: string, kind: Kind, key: string): Promise<string | undefined> {
    const values = [account, kind, key];
    const [row] = await database.rows(z.object({ value: z.string() }), { text: FIND, values });
    return row?.value;
  }
  /** Without it the zone is looked up again. */
  async function remember(account: string, kind: Kind, key: string, value: string | undefined): Promise<void> {
    const query =
      value === undefined
        ? { text: FORGET, values: [account, kind, key] }
        : { text: STORE, values: [account, kind, key, value] };
    await database.run(query).catch(() => {});
  }
  return {
    async recall(account, name) {
      const zone = await recall(account, 'name', name);
      return zone === undefined ? undefined : parseName(zone);
    },
    remember: (account, name, zone) => remember(account, 'name', name, zone),
    recallId: (account, zone) => recall(account, 'id', zone),
    rememberId: (account, zone, id) => remember(account, 'id', zone, id),
  };
}
