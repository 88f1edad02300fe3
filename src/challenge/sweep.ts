import { Dns01Error, isDns01Error } from '../errors.ts';
import { type Fqdn, isWithin } from '../names.ts';
import { entriesIn, type Journal, type JournalEntry, type JournalFilter } from '../state/journal.ts';
import { challengeNameOf, challengeParts, looksLikeChallenge } from './challenge.ts';
import type { OrderResult } from './order.ts';
import { isPersistName } from './persist.ts';
import { valuesAt, valuesIfKnown } from './preview.ts';
import type { Run } from './run.ts';
import { withdrawOld } from './withdraw-old.ts';

export interface Swept {
  readonly entry: JournalEntry;
  readonly outcome: 'removed' | 'absent' | 'would be removed' | Dns01Error;
}

/**
 * Withdraws what the journal has as published and not withdrawn, except lasting records, and nothing else. One failure
 * does not stop the others, and its entry stays in the journal.
 * @param olderThan seconds since the value was published
 */
export async function* sweep(run: Run, olderThan: number, dryRun: boolean): AsyncGenerator<Swept> {
  const { journal, removeStale } = run.state;
  if (!dryRun) await removeStale();
  let damage: Dns01Error | undefined;
  const open = leftovers(journal, olderThan * 1000, (names, place) => {
    damage = damagedEntries(names, place);
  });
  let group: JournalEntry[] = [];
  for await (const entry of open) {
    group.push(entry);
    if (group.length < MAX_TOGETHER) continue;
    yield* withdraw(group, run, dryRun);
    group = [];
  }
  yield* withdraw(group, run, dryRun);
  if (damage) throw damage;
}

function damagedEntries(names: readonly string[], place: string): Dns01Error {
  return new Dns01Error('E_CONFIG', `${names.length} entries of the journal are damaged, e.g. ${names[0]}`, {
    hint: `look at them in ${place}, then delete them: each is for a value that may still be published`,
  });
}

/**
 * What is published and should not be: older values, except lasting ones. A value with a lease is left over when that has
 * ended, whatever its age.
 */
export async function* leftovers(
  journal: Journal,
  olderThanMs: number,
  damaged: JournalFilter['damaged'] = () => {},
): AsyncGenerator<JournalEntry> {
  for await (const entry of journal.list({ olderThanMs, unleased: true, damaged })) {
    if (!isLasting(entry)) yield entry;
  }
  yield* journal.list({ leaseEnded: true });
}

/** How many these are. */
export async function countLeftovers(journal: Journal, olderThanMs: number): Promise<number> {
  return (await journal.count({ olderThanMs, unleased: true })) + (await journal.count({ leaseEnded: true }));
}

async function* withdraw(entries: readonly JournalEntry[], run: Run, dryRun: boolean): AsyncGenerator<Swept> {
  if (dryRun) return yield* entries.map((entry) => ({ entry, outcome: 'would be removed' }) as const);
  const { each: outcomes } = withdrawOld(entries, { ...run, log: { ...run.log, warn: () => {} } });
  for (const [index, entry] of entries.entries()) {
    const outcome = await outcomes[index];
    if (outcome !== undefined) yield { entry, outcome: outcomeOf(outcome) };
  }
}

/** Whether the value is meant to stay. */
export const isLasting = ({ lasting = false, name, target = name }: JournalEntry): boolean =>
  lasting || isPersistName(name) || isPersistName(target);

/** How many values are withdrawn in one order, so that those of one zone go out in few requests. */
const MAX_TOGETHER = 250;

function outcomeOf(result: OrderResult): Swept['outcome'] {
  if (isDns01Error(result)) return result;
  return result.changed === false ? 'absent' : 'removed';
}

/** A value that looks like a challenge and that this machine's journal does not have. */
export interface Leftover {
  readonly account: string;
  readonly name: Fqdn;
  readonly value: string;
}

/**
 * Looks at the challenge names of every zone for values that the journal does not have. Changes nothing.
 * @param accountLabel of an ACME account, to look at its names of dns-account-01 as well
 */
export async function* scan(run: Run, accounts: readonly string[], accountLabel?: string): AsyncGenerator<Leftover> {
  const known = await entriesIn(run.state.journal);
  for (const accountName of accounts) {
    const account = await run.account(accountName);
    const zones = await zonesOf(accountName, run);
    const names = new Set(
      [
        ...zones.flatMap((zone) => challengeNamesOf(zone, accountLabel)),
        ...known.map(({ name, target = name }) => target),
      ].filter((name) => zones.some((zone) => isWithin(name, zone))),
    );
    for (const name of names) {
      const zone = zones.filter((holder) => isWithin(name, holder)).sort((a, b) => b.length - a.length)[0];
      const found = zone && (await valuesIfKnown(() => valuesAt({ name, zones: [zone] }, account)));
      const values = found?.values ?? [];
      const foreign = values.filter(
        (value) => looksLikeChallenge(value) && !known.some((entry) => entry.value === value),
      );
      yield* foreign.map((value) => ({ account: accountName, name, value }));
    }
  }
}

/** Of the domain of a zone, which may itself be a challenge name. */
function challengeNamesOf(zone: Fqdn, accountLabel: string | undefined): Fqdn[] {
  const { domain } = challengeParts(zone) ?? { domain: zone };
  return [challengeNameOf(domain), ...(accountLabel === undefined ? [] : [challengeNameOf(domain, accountLabel)])];
}

async function zonesOf(accountName: string, run: Run): Promise<Fqdn[]> {
  const configured = run.config.zones.filter(({ account }) => account === accountName).map(({ zone }) => zone);
  const account = await run.account(accountName);
  const listed = await account.use(async (provider) => {
    const zones: Fqdn[] = [];
    for await (const { name } of provider.listZones?.() ?? []) zones.push(name);
    return zones;
  });
  return [...new Set([...configured, ...listed])];
}
