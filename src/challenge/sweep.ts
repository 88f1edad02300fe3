import { asDns01Error, type Dns01Error } from '../errors.ts';
import { type Fqdn, isWithin } from '../names.ts';
import { removeStaleFiles } from '../state/stale-files.ts';
import type { JournalEntry } from '../state/journal.ts';
import { guard } from './challenge.ts';
import { CHALLENGE_LABEL } from './name.ts';
import { valuesAt } from './preview.ts';
import type { Run } from './run.ts';
import { looksLikeChallenge } from './value.ts';
import { withdraw } from './withdraw.ts';

/** What became of one value that was never withdrawn. */
export interface Swept {
  readonly entry: JournalEntry;
  readonly outcome: 'removed' | 'absent' | 'would be removed' | Dns01Error;
}

/**
 * Withdraw what the journal says was published and never withdrawn, and nothing else. One that fails does not stop the
 * others; it stays in the journal.
 * @param olderThan seconds since the value was published
 */
export async function* sweep(run: Run, olderThan: number, dryRun: boolean): AsyncGenerator<Swept> {
  if (run.stateDirectory !== undefined && !dryRun) await removeStaleFiles(run.stateDirectory);
  const latest = Date.now() - olderThan * 1000;
  const open = (await run.journal.all()).filter(({ since }) => Date.parse(since) <= latest);
  for (const entry of open.sort((a, b) => a.since.localeCompare(b.since))) {
    yield { entry, outcome: dryRun ? 'would be removed' : await takeAway(entry, run) };
  }
}

async function takeAway(entry: JournalEntry, run: Run): Promise<Swept['outcome']> {
  try {
    const { changed } = await withdraw(
      guard(entry, run.config, () => {}),
      run,
    );
    return changed ? 'removed' : 'absent';
  } catch (error) {
    return asDns01Error(error);
  }
}

/** A value of the form of a challenge that this machine did not write, or no longer knows of. */
export interface Leftover {
  readonly account: string;
  readonly name: Fqdn;
  readonly value: string;
}

/** Look at the challenge names of every zone for values that the journal does not know. Only looks. */
export async function* scan(run: Run, accounts: readonly string[]): AsyncGenerator<Leftover> {
  const known = await run.journal.all();
  for (const accountName of accounts) {
    const account = await run.account(accountName);
    const zones = await zonesOf(accountName, run);
    const names = new Set([
      ...zones.map((zone) => `${CHALLENGE_LABEL}.${zone}`),
      ...known.map(({ name, target = name }) => target).filter((name) => zones.some((zone) => isWithin(name, zone))),
    ]);
    for (const name of names) {
      const values = (await valuesAt(name, undefined, account)) ?? [];
      const foreign = values.filter(
        (value) => looksLikeChallenge(value) && !known.some((entry) => entry.value === value),
      );
      yield* foreign.map((value) => ({ account: accountName, name, value }));
    }
  }
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
