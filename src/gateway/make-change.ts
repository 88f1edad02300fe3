import { carryOut, type Order } from '../challenge/order.ts';
import type { Overrides } from '../challenge/route.ts';
import { asDns01Error, isDns01Error } from '../errors.ts';
import type { Log } from '../output/log.ts';
import type { Action, ChallengeRequest } from './front.ts';
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
  readonly log: Log;
}

/** How a change ended, for the audit line. */
interface Outcome {
  readonly account?: string | undefined;
  readonly result: string;
}

/** Makes the changes of all fronts in runs that they share, and writes a line of each into the log. */
export function createChangeMaker(settings: ChangeSettings): (job: Job) => Promise<void> {
  const { runs, overrides, wait, log } = settings;
  return async (job) => {
    const { action, request, user } = job;
    const started = performance.now();
    const order: Order = {
      action,
      challenges: [{ name: request.name, value: request.value }],
      principal: user.principal,
      overrides,
      wait,
      ...(job.hasLease ? { leaseMs: settings.leaseMs() } : {}),
    };
    let account: string | undefined;
    const audit = (result: string) => {
      const outcome = { account, result };
      log.info(auditLine(job, outcome, performance.now() - started));
    };
    try {
      await runs.use(async (run) => {
        const { each, all } = carryOut(order, run);
        const made = await each[0];
        if (made && !isDns01Error(made)) account = made.account;
        await all;
      });
      audit('done');
    } catch (error) {
      const { code, message, hint } = asDns01Error(error);
      audit(code);
      const details = hint ? `${message} (${hint})` : message;
      log.warn(`serve: ${user.name} ${request.name}: ${code}: ${details.replace(/\s+/g, ' ')}`);
      throw error;
    }
  };
}

/** One line for every change, in the form `key=value`. No value has a blank, and none is a secret or a TXT value. */
function auditLine(
  { user, front, from, action, request }: Job,
  { account = '-', result }: Outcome,
  ms: number,
): string {
  const fields = { user: user.name, from, front, action, name: request.name, account, outcome: result };
  const text = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
  return `audit: ${text.join(' ')} ms=${Math.round(ms)}`;
}
