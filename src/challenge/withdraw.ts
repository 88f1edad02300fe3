import type { Fqdn } from '../names.ts';
import type { RecordHandle } from '../provider.ts';
import type { JournalEntry } from '../state/journal.ts';
import type { Challenge } from './challenge.ts';
import { findTarget, refuseForeignName, type Target } from './delegation.ts';
import { exclusively } from './publish.ts';
import type { Overrides } from './route.ts';
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
 * @param way back, when that was looked for already
 */
export async function withdraw(
  challenge: Challenge,
  run: Run,
  overrides: Overrides = {},
  knownHandle?: RecordHandle,
  way?: WayBack,
): Promise<Withdrawn> {
  const { name, value } = challenge;
  const { entry, target: found } = way ?? (await findWayBack(challenge, run, overrides));
  const { name: target, account: accountName, zone, likelyZone } = found;
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
  if (isSettled || !hasWish(overrides)) await run.journal.close(name, value);
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

const hasWish = ({ account, zone }: Overrides): boolean => account !== undefined || zone !== undefined;

/** Where a value is to be withdrawn, and what the journal says of it. */
export interface WayBack {
  readonly entry: JournalEntry | undefined;
  readonly target: Target;
}

/** Config and CNAMEs may have changed since: what was done then counts, as long as the account is still there. */
export async function findWayBack({ name, value }: Challenge, run: Run, overrides: Overrides = {}): Promise<WayBack> {
  const entry = await run.journal.find(name, value);
  if (hasWish(overrides) || !entry || !Object.hasOwn(run.config.accounts, entry.account)) {
    return { entry, target: await findTarget(name, run, overrides) };
  }
  const target = entry.target ?? name;
  if (target !== name) refuseForeignName(target, [name, target], run.config);
  const zone = entry.zone ?? entry.handle?.zone;
  return { entry, target: { name: target, account: entry.account, zone, likelyZone: undefined } };
}
