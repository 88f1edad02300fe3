import { carryOut, type Order } from '../challenge/order.ts';
import type { Overrides } from '../challenge/route.ts';
import { asDns01Error, isDns01Error } from '../errors.ts';
import type { Log } from '../output/log.ts';
import { type Audit, failureLine } from './audit.ts';
import type { Action, ChallengeRequest } from './front.ts';
import type { LiveValues } from './live-values.ts';
import type { SharedRun } from './shared-run.ts';
import type { GatewayUser } from './users.ts';

/** A change that a client asks for. */
export interface Job {
  readonly action: Action;
  readonly request: ChallengeRequest;
  readonly user: GatewayUser;
  /** The front that the client speaks to. */
  readonly front: string;
  /** The client's IP address, or `unix`. */
  readonly from: string;
  /** Where the client never asks for the removal. */
  readonly hasLease: boolean;
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

/** Makes the changes of all fronts in runs that they share, and writes a line of each into the log. */
export function createChangeMaker(settings: ChangeSettings): (job: Job) => Promise<void> {
  const { runs, overrides, wait, liveValues, log } = settings;
  return async (job) => {
    const { action, request, user, from, front } = job;
    const started = performance.now();
    const order: Order = {
      action,
      challenges: [{ name: request.name, value: request.value }],
      principal: user.principal,
      overrides,
      wait,
      ...(job.hasLease ? { leaseMs: settings.leaseMs() } : {}),
    };
    let account = '-';
    const ended = (outcome: string) => {
      const entry = { user: user.name, from, front, action, name: request.name, account, outcome };
      settings.audit(entry, performance.now() - started);
    };
    const change = () =>
      runs.use(async (run) => {
        const { each, all } = carryOut(order, run);
        const made = await each[0];
        if (made && !isDns01Error(made)) account = made.account;
        await all;
      });
    try {
      await (action === 'add' ? liveValues.publish(user, request.name, request.value, change) : change());
      ended('done');
    } catch (error) {
      ended(asDns01Error(error).code);
      log.warn(failureLine(user.name, request.name, error));
      throw error;
    }
  };
}
