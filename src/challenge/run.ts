import type { Config } from '../config/load.ts';
import type { Deadline } from '../deadline.ts';
import type { AuthorityFinder } from '../dns/authority.ts';
import type { Log } from '../output/log.ts';
import type { Redactor } from '../output/redact.ts';
import type { Journal } from '../state/journal.ts';
import type { ZoneCache } from '../state/zone-cache.ts';
import type { Account } from './account.ts';

/** What every step of a verb may use. */
export interface Run {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly redactor: Redactor;
  readonly deadline: Deadline;
  /** Undefined where nothing can be remembered. */
  readonly stateDirectory: string | undefined;
  readonly journal: Journal;
  /** Which zone a name was found in last time. */
  readonly zones: ZoneCache;
  /** Who speaks for which name; looked up once a run. */
  readonly authorities: AuthorityFinder;
  /** The account, opened on first use and then kept: one login for everything that a run does there. */
  account(name: string): Promise<Account>;
}
