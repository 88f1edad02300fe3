import type { Fqdn } from '../names.ts';

/** Milliseconds. A new zone is noticed a day later at the latest. */
export const MAX_AGE_MS = 86_400_000;

/** What is known about an account's zones, so that it need not be looked up again. These are hints: zones move. */
export interface ZoneCache {
  recall(account: string, name: Fqdn): Promise<Fqdn | undefined>;
  /** Never fails. */
  remember(account: string, name: Fqdn, zone: Fqdn): Promise<void>;
  recallId(account: string, zone: Fqdn): Promise<string | undefined>;
  /** Never fails. @param id undefined to forget it */
  rememberId(account: string, zone: Fqdn, id: string | undefined): Promise<void>;
}
