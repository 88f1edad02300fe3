import type { Log } from '../../output/log.ts';
import type { State } from '../state.ts';
import { type Database, openDatabase } from './database.ts';
import { openJournal } from './journal.ts';
import { openLocks } from './locks.ts';
import { openOrders } from './orders.ts';
import { openRateLimits } from './rate-limit.ts';
import { openRecordStore } from './records.ts';
import { openRefusedLogins } from './refused-logins.ts';
import { parseStateUrl } from './url.ts';
import { openUsers } from './users.ts';
import { openZoneCache } from './zone-cache.ts';

const LOOPBACK = /^(127\.|::1$|localhost$|\/)/;

/**
 * The state of any number of machines, in PostgreSQL. Nothing is sent before the first use.
 * @param directory for providers that keep plain files
 * @throws E_CONFIG for a URL that cannot be used
 */
export function openPostgres(url: string, directory: string | undefined, log: Pick<Log, 'warn'>): State {
  const place = parseStateUrl(url);
  if (place.ssl === false && !LOOPBACK.test(place.host)) {
    log.warn(`the state database ${place.shown} is reached unencrypted, add sslmode=verify-full to its URL`);
  }
  const database = openDatabase(place);
  const records = openRecordStore(database, log.warn);
  return {
    directory,
    journal: openJournal(database),
    orders: openOrders(database),
    zones: openZoneCache(database),
    locks: openLocks(database),
    rateLimits: openRateLimits(database),
    refusedLogins: openRefusedLogins(database),
    records,
    users: openUsers(database),
    check: database.check,
    removeStale: () => removeStale(database),
    async close() {
      records.close();
      await database.close();
    },
  };
}

const TWO_DAYS_AGO = `extract(epoch from clock_timestamp() - interval '2 days') * 1000000`;

/** Rows that no process reads any more. */
const STALE = [
  `delete from dns01_orders where changed < clock_timestamp() - interval '1 day'`,
  `delete from dns01_zones where found < clock_timestamp() - interval '2 days'`,
  `delete from dns01_refused where refused < clock_timestamp() - interval '1 day'`,
  // No provider has a window of more than a day.
  `delete from dns01_rate_limits where coalesce(starts[cardinality(starts)], 0) < ${TWO_DAYS_AGO}
    and pause_at + pause_us < ${TWO_DAYS_AGO}`,
  `delete from dns01_locks where holder is null and expires < clock_timestamp() - interval '1 day'`,
];

async function removeStale(database: Database): Promise<void> {
  for (const text of STALE) await database.run({ text }).catch(() => {});
}
