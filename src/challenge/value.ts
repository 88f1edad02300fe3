import { asDns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import type { RecordHandle, TxtChange } from '../provider.ts';
import type { Challenge } from './challenge.ts';
import type { Done } from './changes.ts';
import { isPersistName } from './persist.ts';
import { hasOverride } from './route.ts';
import type { Run } from './run.ts';
import { findRemovalTarget, findTarget, type Target, type TargetSettings } from './target.ts';
import { whileNothingOldIsWithdrawn } from './withdrawals.ts';
import { inFirstZone } from './zone-search.ts';

export interface Changed extends Challenge {
  readonly account: string;
  readonly provider: string;
  readonly zone: Fqdn;
  /** Where the value is or was: the name itself, or the end of its CNAMEs. */
  readonly target: Fqdn;
  readonly handle: RecordHandle | undefined;
  /** False when there was nothing to do; undefined where this cannot be known. */
  readonly changed: boolean | undefined;
}

/** Milliseconds after which the entry of a value that is not yet published is stored once more before the write. */
const FRESH_MS = 1000;

/** Publishes or withdraws a value whose target is known. */
export type Prepared = () => Promise<Changed>;

/**
 * Finds out where to publish a value. The journal has an entry from here on, with the handle once the value is published.
 * A refused write removes the entry; after any other failure it stays.
 * @throws what finding the target throws
 */
export async function preparePublishing(challenge: Challenge, run: Run, settings: TargetSettings): Promise<Prepared> {
  const { name, value } = challenge;
  const target = await findTarget(name, run, settings);
  const account = await run.account(target.account);
  const provider = account.definition.type;
  const place = { account: account.name, provider, zone: target.zone, target: target.name };
  const lasting = isPersistName(name) ? { lasting: true } : {};
  const entry = { name, value, ...place, ...lasting, by: settings.principal.name, leaseMs: settings.leaseMs };
  const { journal } = run.state;
  const first = await journal.begin(entry);
  // From here on, whoever withdraws old values leaves this one alone, or has begun and closes the entry.
  const begun = first.wasOld ? await whileNothingOldIsWithdrawn(run, () => journal.begin(entry)) : first;
  const keepBegun = repeatWhenOld(() => journal.begin(entry, begun.run));
  return async () => {
    const { zone, done } = await changeInZone('add', challenge, target, run, { beforeWrite: keepBegun }).catch(
      async (error: unknown) => {
        if (!asDns01Error(error).outcomeUnknown && !begun.wasKnown) await journal.abandon(begun);
        throw error;
      },
    );
    const handle = { zone, ...done.handle };
    // A server that gives a secret back as an id must not have it stored: the removal then looks for the record.
    if (run.redactor.holdsSecret(handle.id ?? '')) delete handle.id;
    // A value that was there before, and that we did not publish, is not ours to sweep.
    if (done.changed === false && !begun.wasKnown) await journal.abandon(begun);
    else await journal.record({ ...entry, state: 'published', handle });
    return { name, value, account: account.name, provider, target: target.name, zone, handle, changed: done.changed };
  };
}

/**
 * Finds out where to withdraw this value: where the journal has it as published, else where the config puts it. A value
 * that is not there is a success.
 */
export async function prepareWithdrawing(
  challenge: Challenge,
  run: Run,
  settings: TargetSettings,
  given?: RecordHandle,
): Promise<Prepared> {
  const { name, value } = challenge;
  const target = await findRemovalTarget(challenge, run, settings, given);
  const account = await run.account(target.account);
  return async () => {
    const { zone, done } = await changeInZone('remove', challenge, target, run, { handle: target.handle });
    const { entry } = target;
    // Absence at one place proves nothing about another: an override may have named the wrong place.
    const isSettled = entry?.account === account.name && (entry.target ?? name) === target.name;
    if (isSettled || !hasOverride(settings.overrides ?? {})) await run.state.journal.close(name, value, entry);
    const place = { account: account.name, provider: account.definition.type, target: target.name, zone };
    return { name, value, ...place, handle: undefined, changed: done.changed };
  };
}

/**
 * An add may wait for a lock or a rate limit, or be suspended. Meanwhile its client may have given up and another process
 * withdrawn the value, and with it the entry. Without an entry, a process that dies after its write leaves a value that
 * no sweep knows.
 */
function repeatWhenOld(begin: () => Promise<unknown>): () => Promise<void> {
  let begunAt = performance.now();
  return async () => {
    const now = performance.now();
    if (now - begunAt < FRESH_MS) return;
    await begin();
    begunAt = now;
  };
}

async function changeInZone(
  action: TxtChange['action'],
  { value }: Challenge,
  target: Target,
  run: Run,
  { handle, beforeWrite }: { readonly handle?: RecordHandle | undefined; beforeWrite?(): Promise<void> },
): Promise<{ zone: Fqdn; done: Done }> {
  const { name } = target;
  const account = await run.account(target.account);
  const zones = handle ? [handle.zone, ...target.zones.filter((zone) => zone !== handle.zone)] : target.zones;
  const result = await inFirstZone(name, account.definition.anyZone ? zones.slice(0, 1) : zones, async (zone) => {
    const record = { name, value, ttl: run.config.ttl, zone };
    const own = handle?.zone === zone ? handle : undefined;
    return { zone, done: await run.changes.make(account, zone, { action, record, handle: own }, beforeWrite) };
  });
  if (target.zone === undefined && result.zone !== target.zones[0]) {
    await run.state.zones.remember(account.name, name, result.zone);
  }
  return result;
}
