import { join } from 'node:path';
import type { Log } from '../../output/log.ts';
import type { State } from '../state.ts';
import { accountFolder } from './account-folder.ts';
import { openJournal } from './journal.ts';
import { withLock } from './lock.ts';
import { openOrders } from './orders.ts';
import { openRateLimits } from './rate-limit.ts';
import { openRefusedLogins } from './refused-logins.ts';
import { removeStaleFiles } from './stale-files.ts';
import { openUsers } from './users.ts';
import { openZoneCache } from './zone-cache.ts';

const nothing = async (): Promise<void> => {};

/** The state of one machine, in files. @param directory undefined where nothing can be stored: everything goes on without */
export function openFiles(directory: string | undefined, log: Pick<Log, 'warn'>): State {
  return {
    directory,
    journal: openJournal(directory, log.warn),
    orders: openOrders(directory),
    zones: openZoneCache(directory),
    locks: {
      hold: (name, options, task) =>
        directory === undefined ? task({ check: nothing }) : withLock(join(directory, 'locks', name), options, task),
      // On one machine, the changes that wait are in one process.
      turn: (_name, _deadline, task) => task(),
    },
    rateLimits: openRateLimits(directory),
    refusedLogins: openRefusedLogins(directory),
    records: {
      async open(account) {
        const { openRecords } = await import('./records.ts');
        return openRecords(await accountFolder(account, directory));
      },
    },
    users: openUsers(directory),
    check: nothing,
    removeStale: async () => (directory === undefined ? undefined : removeStaleFiles(directory)),
    close: nothing,
  };
}
