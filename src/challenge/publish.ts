import { join } from 'node:path';
import { digest } from '../digest.ts';
import { isDns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import type { AddedTxt, RecordHandle, TxtRecord } from '../provider.ts';
import { withLock } from '../state/lock.ts';
import type { Account } from './account.ts';
import type { Challenge } from './challenge.ts';
import { findTarget, type Target } from './delegation.ts';
import type { Overrides } from './route.ts';
import type { Run } from './run.ts';

/** A value that is at the provider now. */
export interface Published extends Challenge {
  readonly account: string;
  readonly provider: string;
  /** Where the value stands: the name itself, or where its CNAMEs lead. */
  readonly target: Fqdn;
  readonly handle: RecordHandle;
  /** False when it was there before. */
  readonly changed: boolean;
}

/**
 * Publish one value, once. It is in the journal before the provider hears of it, and with its handle after.
 * @param found where it goes, when that was looked for already
 * @throws what the route and the provider throw
 */
export async function publish(
  challenge: Challenge,
  run: Run,
  overrides: Overrides = {},
  found?: Target,
): Promise<Published> {
  const { name, value } = challenge;
  const target = found ?? (await findTarget(name, run, overrides));
  const account = await run.account(target.account);
  const provider = account.definition.type;
  const entry = { name, value, account: account.name, provider, zone: target.zone, target: target.name };
  const wasKnown = await run.journal.begin(entry);
  const added = await addOrForget(challenge, target, account, run, wasKnown);
  const { changed, ...handle } = added;
  if (target.zone === undefined && handle.zone !== target.likelyZone) {
    await run.zones.remember(account.name, target.name, handle.zone);
  }
  // What was there before, and not by us, is not ours to sweep later.
  if (changed || wasKnown) await run.journal.record({ ...entry, state: 'published', handle });
  else await run.journal.abandon(name, value);
  return { name, value, account: account.name, provider, target: target.name, handle, changed };
}

/** A write that was refused in so many words left nothing behind; any other stays in the journal. */
async function addOrForget(
  { name, value }: Challenge,
  target: Target,
  account: Account,
  run: Run,
  wasKnown: boolean,
): Promise<AddedTxt> {
  try {
    return await exclusively(account, run, (record) => account.use((dns) => dns.addTxt(record)), {
      name: target.name,
      value,
      ttl: run.config.ttl,
      zone: target.zone,
      likelyZone: target.likelyZone,
    });
  } catch (error) {
    if (isDns01Error(error) && !error.outcomeUnknown && !wasKnown) await run.journal.abandon(name, value);
    throw error;
  }
}

/** One writer at a time where the provider rewrites the whole RRset. */
export async function exclusively<Result>(
  account: Account,
  { stateDirectory, deadline, log }: Run,
  task: (record: TxtRecord) => Promise<Result>,
  record: TxtRecord,
): Promise<Result> {
  if (!account.definition.exclusive || stateDirectory === undefined) return task(record);
  const told = {
    deadline,
    info: (text: string) => log.info(`account ${account.name}: ${text}`),
    unusable: (reason: string) =>
      log.warn(`account ${account.name}: other processes cannot be told to wait while this one writes: ${reason}`),
  };
  return withLock(join(stateDirectory, 'locks', digest(account.name)), told, () => task(record));
}
