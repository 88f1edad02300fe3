import { type Account, type AccountRun, openAccount } from '../accounts/account.ts';
import { type Deadline, startDeadline } from '../deadline.ts';
import { type AuthorityFinder, openAuthorityFinder } from '../dns/authority.ts';
import { type Changes, openChanges } from './changes.ts';

/** What a run starts with. The rest is made for it. */
export type RunSettings = Omit<AccountRun, 'deadline' | 'authorities'>;

/** What every step of a verb may use. */
export interface Run extends RunSettings {
  /** The time limit and the stop signals, for all steps. */
  readonly deadline: Deadline;
  /** All writes at the providers. */
  readonly changes: Changes;
  /** The name servers of each name; looked up once in a run. */
  readonly authorities: AuthorityFinder;
  /** The account, opened on first use and then kept, so that a run logs in once. */
  account(name: string): Promise<Account>;
  /** Run a task that is needed even if this run was stopped or its time is up. It has a time limit of its own. */
  afterwards<Result>(milliseconds: number, task: (run: Run) => Promise<Result>): Promise<Result>;
}

/** Runs a task with everything that an order works with, and closes the accounts after it. */
export async function withRun<Result>(
  settings: RunSettings,
  deadline: Deadline,
  task: (run: Run) => Promise<Result>,
): Promise<Result> {
  const { config } = settings;
  const accounts = new Map<string, Promise<Account>>();
  const run: Run = {
    ...settings,
    get changes() {
      return changes;
    },
    deadline,
    authorities: openAuthorityFinder(config, deadline.signal),
    account(name) {
      const opening = accounts.get(name) ?? openAccount(name, run);
      accounts.set(name, opening);
      return opening;
    },
    afterwards: (milliseconds, step) => withRun(settings, startDeadline(milliseconds), step),
  };
  const changes = openChanges(run);
  try {
    return await task(run);
  } finally {
    const opened = await Promise.allSettled(accounts.values());
    await Promise.all(opened.map((account) => (account.status === 'fulfilled' ? account.value.close() : undefined)));
  }
}
