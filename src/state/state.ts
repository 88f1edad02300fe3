import type { Journal } from './journal.ts';
import type { Locks } from './locks.ts';
import type { Orders } from './orders.ts';
import type { RateLimits } from './rate-limit.ts';
import type { RecordStore } from './records.ts';
import type { RefusedLogins } from './refused-logins.ts';
import type { Users } from './users.ts';
import type { ZoneCache } from './zone-cache.ts';

/** Everything that outlives a process. A process opens it once and closes it at its end. */
export interface State {
  /** The folder of providers that keep plain files; undefined where nothing can be stored. */
  readonly directory: string | undefined;
  readonly journal: Journal;
  /** Undefined where nothing can be stored: every call then waits for its own values. */
  readonly orders: Orders | undefined;
  readonly zones: ZoneCache;
  readonly locks: Locks;
  readonly rateLimits: RateLimits;
  readonly refusedLogins: RefusedLogins;
  readonly records: RecordStore;
  readonly users: Users;
  /** Called before each write at a provider. @throws E_STATE where the state is out of reach, so that nothing is written */
  check(): Promise<void>;
  /** Removes what dead processes left and no process reads. Never fails. */
  removeStale(): Promise<void>;
  close(): Promise<void>;
}
