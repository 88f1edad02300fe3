import { within } from '../deadline.ts';
import { type AwaitedValue, checkPropagation, type Late } from '../dns/propagation.ts';
import type { Run } from './run.ts';

export type { AwaitedValue };

/** Called while waiting, with the number of results that show the value and the number of all. */
export type WaitProgress = (shown: number, asked: number) => void;

/**
 * Waits until every authoritative server shows every value.
 * @returns milliseconds waited
 * @throws E_PROPAGATION with what each server answered
 */
export async function waitUntilVisible(
  values: readonly AwaitedValue[],
  run: Run,
  progress?: WaitProgress,
): Promise<number> {
  const { late, waitedMs } = await waitForMost(values, run, progress);
  if (late) throw late.error;
  return waitedMs;
}

/** The same for many values. Some of them may be late. */
export async function waitForMost(
  values: readonly AwaitedValue[],
  { config, deadline, authorities }: Run,
  progress: WaitProgress = () => {},
): Promise<{ late: Late | undefined; waitedMs: number }> {
  const started = performance.now();
  const limit = within(deadline, config.propagation.timeout * 1000);
  const late = await checkPropagation(values, authorities, { ...config.propagation, progress }, limit);
  return { late, waitedMs: Math.round(performance.now() - started) };
}
