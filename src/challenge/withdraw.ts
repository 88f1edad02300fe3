import type { Fqdn } from '../names.ts';
import type { RecordHandle } from '../provider.ts';
import type { JournalEntry } from '../state/journal.ts';
import type { Challenge } from './challenge.ts';
import { findTarget, refuseForeignName, type Target } from './delegation.ts';
import { exclusively } from './publish.ts';
import type { RouteWishes } from './route.ts';
import type { Run } from './run.ts';

export interface Withdrawn extends Challenge {
  readonly account: string;
  readonly provider: string;
  readonly zone: string | undefined;
  /** Where the value stood. */
  readonly target: Fqdn;
  /** False when it was not there any more. */
  readonly changed: boolean;
}

/**
 * Withdraw exactly this value, where the journal says it was published, else where the config says it belongs.
 * Not there is a success.
 */
export async function withdraw(
  challenge: Challenge,
  run: Run,
  wishes: RouteWishes = {},
  knownHandle?: RecordHandle,
): Promise<Withdrawn> {
  const { name, value } = challenge;
  const entry = await run.journal.find(name, value);
  const { name: target, account: accountName, zone, likelyZone } = await wayBack(challenge, run, wishes, entry);
  const account = await run.account(accountName);
  const handle = entry?.account === accountName ? (entry.handle ?? knownHandle) : knownHandle;
  const record = { name: target, value, ttl: run.config.ttl, zone, likelyZone };
  const outcome = await exclusively(
    account,
    run,
    (given) => account.use((dns) => dns.removeTxt(given, handle)),
    record,
  );
  // Absent at one place says nothing of another, which a wish may have led away from.
  const isSettled = entry?.account === account.name && (entry.target ?? name) === target;
  if (isSettled || !hasWish(wishes)) await run.journal.close(name, value);
  return {
    name,
    value,
    account: account.name,
    provider: account.definition.type,
    zone: zone ?? handle?.zone,
    target,
    changed: outcome === 'removed',
  };
}

const hasWish = ({ account, zone }: RouteWishes): boolean => account !== undefined || zone !== undefined;

/** Config and CNAMEs may have changed since: what was done then counts, as long as the account is still there. */
async function wayBack(
  { name }: Challenge,
  run: Run,
  wishes: RouteWishes,
  entry: JournalEntry | undefined,
): Promise<Target> {
  if (!hasWish(wishes) && entry && Object.hasOwn(run.config.accounts, entry.account)) {
    const target = entry.target ?? name;
    if (target !== name) refuseForeignName(target, [name, target], run.config);
    return { name: target, account: entry.account, zone: entry.zone ?? entry.handle?.zone, likelyZone: undefined };
  }
  return findTarget(name, run, wishes);
}
