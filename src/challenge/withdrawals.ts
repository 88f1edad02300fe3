import type { Deadline } from '../deadline.ts';
import type { HeldLock } from '../state/locks.ts';
import type { Run } from './run.ts';

/**
 * Runs a task while no other process withdraws old values, which no client has asked for: one that publishes such a value
 * again would otherwise find it in place and lose it a moment later.
 * @throws E_LOCK when others still do so at the deadline
 */
export function whileNothingOldIsWithdrawn<Result>(
  { state, log, ...run }: Run,
  task: (lock: HeldLock) => Promise<Result>,
  deadline: Deadline = run.deadline,
): Promise<Result> {
  const unusable = (reason: string) => log.warn(`cannot keep others from withdrawing at the same time: ${reason}`);
  return state.locks.hold('withdrawals', { deadline, info: log.info, unusable }, task);
}
