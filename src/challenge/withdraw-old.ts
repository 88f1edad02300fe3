import type { Account } from '../accounts/account.ts';
import type { Deadline } from '../deadline.ts';
import { asDns01Error } from '../errors.ts';
import type { JournalEntry } from '../state/journal.ts';
import type { HeldLock } from '../state/locks.ts';
import { carryOut, type OrderResult } from './order.ts';
import { WHOLE_CONFIG } from './principal.ts';
import type { Run } from './run.ts';
import { whileNothingOldIsWithdrawn } from './withdrawals.ts';

/** The result for an entry; undefined where it was left alone, because somebody has published it again. */
export type OldResult = OrderResult | undefined;

export interface OldResults {
  /** Resolves when this process has the lock. @throws E_LOCK when others have it at the deadline */
  readonly begun: Promise<unknown>;
  /** One for each entry, in order. Each resolves as soon as its result is known. */
  readonly each: readonly Promise<OldResult>[];
}

/**
 * Withdraws what no client has asked to withdraw: a sweep, or leases that have ended. Each entry is read again under the
 * lock, so a value that was published again since it was listed stays.
 * @param deadline for the wait for the lock
 */
export function withdrawOld(entries: readonly JournalEntry[], run: Run, deadline?: Deadline): OldResults {
  const begun = new Promise<Promise<OldResult>[]>((resolve, reject) => {
    const task = async ({ check }: HeldLock) => {
      const unchanged = await unchangedOf(entries, run);
      await checking(check, await accountsOf(unchanged, run), async () => {
        const { each } = carryOut({ action: 'remove', challenges: unchanged, principal: WHOLE_CONFIG }, run);
        const byEntry = new Map(unchanged.map((entry, index) => [entry, each[index]]));
        resolve(entries.map(async (entry) => byEntry.get(entry)));
        await Promise.all(each);
      });
    };
    whileNothingOldIsWithdrawn(run, task, deadline).catch(reject);
  });
  const each = entries.map(async (_, index) => {
    try {
      return await (await begun)[index];
    } catch (error) {
      return asDns01Error(error);
    }
  });
  return { begun, each };
}

async function unchangedOf(entries: readonly JournalEntry[], { state }: Run): Promise<JournalEntry[]> {
  const now = await Promise.all(entries.map(({ name, value }) => state.journal.find(name, value)));
  return entries.filter((entry, index) => {
    // One that is gone may be withdrawn once more: that costs a request, and nothing else.
    const { since, until } = now[index] ?? entry;
    return since === entry.since && until === entry.until;
  });
}

/** Those that can be opened: an entry of another one fails by itself. */
async function accountsOf(entries: readonly JournalEntry[], run: Run): Promise<Account[]> {
  const names = [...new Set(entries.map(({ account }) => account))];
  const opened = await Promise.allSettled(names.map((name) => run.account(name)));
  return opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
}

/** A process that was suspended may have lost the lock, and then it writes nothing more. */
function checking<Result>(
  check: HeldLock['check'],
  [account, ...others]: readonly Account[],
  task: () => Promise<Result>,
): Promise<Result> {
  return account ? account.checkingBeforeWrites(check, () => checking(check, others, task)) : task();
}
