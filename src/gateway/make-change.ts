import { carryOut, type OrderResult } from '../challenge/order.ts';
import type { Overrides } from '../challenge/route.ts';
import type { Run } from '../challenge/run.ts';
import { asDns01Error, type Dns01Error, isDns01Error } from '../errors.ts';
import type { Log } from '../output/log.ts';
import { type Audit, failureLine } from './audit.ts';
import type { Action } from './front.ts';
import type { LiveValues } from './live-values.ts';
import type { SharedRun } from './shared-run.ts';
import type { GatewayUser } from './users.ts';

/** Changes that a client asks for together. */
export interface Job {
  readonly action: Action;
  readonly lines: readonly { readonly name: string; readonly value: string }[];
  readonly user: GatewayUser;
  /** The front that the client speaks to. */
  readonly front: string;
  /** The client's IP address, or `unix`. */
  readonly from: string;
  /** Where the client never asks for the removal. */
  readonly hasLease?: boolean;
  /** Withdraw what was published if a line fails. */
  readonly undo?: boolean;
}

export interface ChangeMaker {
  /** @param run where one is open already. @throws as an order does, for the first line that fails */
  make(job: Job, run?: Run): Promise<void>;
  /** Writes a line into the log where the task fails. @param name what the task is about */
  logged<Result>(user: GatewayUser, name: string, task: () => Promise<Result>): Promise<Result>;
}

export interface ChangeSettings {
  readonly runs: SharedRun;
  readonly overrides: Overrides;
  /** Answer only when the name servers show the value. */
  readonly wait: boolean;
  /** For values of clients that never ask for the removal. */
  leaseMs(): number;
  readonly liveValues: LiveValues;
  readonly audit: Audit;
  readonly log: Log;
}

/** Makes the changes of all fronts in runs that they share, with an audit line for each. */
export function createChangeMaker(settings: ChangeSettings): ChangeMaker {
  const { runs, overrides, wait, leaseMs, liveValues, audit, log } = settings;

  async function make(job: Job, run?: Run): Promise<void> {
    const { action, lines, user, hasLease, undo } = job;
    if (lines.length === 0) return;
    const started = performance.now();
    let results: readonly OrderResult[] = [];
    const order = { action, challenges: lines, principal: user.principal, overrides, wait, undo };
    const change = async (opened: Run) => {
      const { each, all } = carryOut(hasLease ? { ...order, leaseMs: leaseMs() } : order, opened);
      results = await Promise.all(each);
      await all;
    };
    const inRun = () => (run ? change(run) : runs.use(change));
    const failure = await (action === 'add' ? liveValues.publish(user, lines, inRun) : inRun()).then(
      () => undefined,
      asDns01Error,
    );
    record(job, results, failure, performance.now() - started);
    if (failure) throw failure;
  }

  function record(job: Job, results: readonly OrderResult[], failure: Dns01Error | undefined, ms: number): void {
    const { action, user, front, from } = job;
    for (const [index, { name }] of job.lines.entries()) {
      const made = results[index];
      const account = made && !isDns01Error(made) ? made.account : '-';
      const outcome = outcomeOf(job, made, failure);
      audit({ user: user.name, from, front, action, name, account, outcome }, ms);
      if (isDns01Error(made) && made !== failure) log.warn(failureLine(user.name, name, made));
    }
  }

  return {
    make,
    async logged(user, name, task) {
      try {
        return await task();
      } catch (error) {
        log.warn(failureLine(user.name, name, error));
        throw error;
      }
    },
  };
}

/** Of one line. After a failure of another, a line that was published is withdrawn, and a withdrawn one stays so. */
function outcomeOf({ action, undo }: Job, made: OrderResult | undefined, failure: Dns01Error | undefined): string {
  if (isDns01Error(made)) return made.code;
  if (!failure || (made && action === 'remove')) return 'done';
  return made && undo ? 'undone' : failure.code;
}
