/** For APIs that make many changes in one request, and for those that replace record sets or whole zones. */
import { asUnknown, Dns01Error, isDns01Error, withContext } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import type { DnsProvider, TxtChange, TxtOutcome } from '../provider.ts';
import type { ProviderContext } from './context.ts';

/**
 * The verbs of a provider that makes changes together or not at all.
 * @param change makes these changes, and returns for each whether it had to be made
 * @param listTxt as in the contract
 */
export function createChangeVerbs(
  change: (zone: Fqdn, changes: readonly TxtChange[]) => Promise<readonly boolean[]>,
  listTxt: DnsProvider['listTxt'],
): Required<Pick<DnsProvider, 'addTxt' | 'removeTxt' | 'listTxt' | 'changeTxt'>> {
  return {
    listTxt,
    async addTxt(record) {
      const [changed = false] = await change(record.zone, [{ action: 'add', record }]);
      return { zone: record.zone, changed };
    },
    async removeTxt(record, handle) {
      const [changed] = await change(record.zone, [{ action: 'remove', record, handle }]);
      return changed ? 'removed' : 'absent';
    },
    async changeTxt(zone, changes) {
      try {
        return (await change(zone, changes)).map((changed) => ({ state: 'done', changed }));
      } catch (error) {
        return failedTogether(changes, error);
      }
    },
  };
}

/**
 * The outcomes of changes that are made together or not at all, after this failure.
 * @throws the failure where it is about the whole zone, login or server, and nothing was changed
 */
export function failedTogether(changes: readonly TxtChange[], error: unknown): TxtOutcome[] {
  if (!isDns01Error(error)) throw error;
  if (error.outcomeUnknown) return changes.map(() => ({ state: 'unknown', error }));
  // With a status: one change was refused, and so were all the others.
  if (error.code !== 'E_REJECTED' || error.status === undefined) throw error;
  return changes.map(() => ({ state: 'refused', error }));
}

/** Record sets, or a whole zone, of which a change rewrites more than its own value. */
export interface Replacing<State> {
  readonly zone: Fqdn;
  readonly changes: readonly TxtChange[];
  /** As it was read right before. */
  readonly before: State;
  isReached(change: TxtChange, state: State): boolean;
  /** Writes this state, which was read last, with the changes. */
  write(state: State, attempt: number): Promise<unknown>;
  look(): Promise<State>;
  /** How often the changes are written if another program undoes them. */
  readonly maxAttempts: number;
  /** On average, before they are written again. */
  readonly pauseMs: number;
  /** True where requests are so limited that removals are not checked. Nobody waits for their end. */
  readonly trustsRemovals?: boolean;
}

/**
 * Writes, reads again, and repeats that if another program has undone it. After a lost answer, reading decides.
 * @returns the state that was written with the changes, and the one that was read after that
 * @throws with `outcomeUnknown` after the first write
 */
export async function replaceAndCheck<State>(
  replacing: Replacing<State>,
  { writeOnce, sleep, log }: Pick<ProviderContext, 'writeOnce' | 'sleep' | 'log'>,
): Promise<{ readonly written: State; readonly after?: State }> {
  const { zone, changes, before, isReached, write, look, maxAttempts, pauseMs, trustsRemovals = false } = replacing;
  const allReached = (state: State) => changes.every((wanted) => isReached(wanted, state));
  let seen = before;
  let isWritten = false;
  try {
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      if (attempt > 1) await sleep(pauseMs * (0.5 + Math.random()));
      await writeOnce<true>({
        async write() {
          await write(seen, attempt);
          return true;
        },
        async look() {
          seen = await look();
          return allReached(seen) || undefined;
        },
      });
      if (trustsRemovals && changes.every(({ action }) => action === 'remove')) return { written: seen };
      isWritten = true;
      const after = await look();
      if (allReached(after)) return { written: seen, after };
      seen = after;
      log.debug('the change was undone', { zone, attempt });
    }
    throw disturbed(zone, changes, maxAttempts);
  } catch (error) {
    throw isWritten ? asUnknown(withContext(error, 'after the change was sent')) : error;
  }
}

/** The error after so many attempts in which another program wrote the same records. */
export function disturbed(zone: Fqdn, changes: readonly TxtChange[], attempts: number): Dns01Error {
  const names = [...new Set(changes.map(({ record }) => record.name))].slice(0, 3).join(', ');
  return new Dns01Error(
    'E_REMOTE',
    `the TXT records at ${names} are not what was written, ${attempts} times in a row`,
    { hint: `something else writes the same records of ${zone} at the same time: try again later` },
  );
}
