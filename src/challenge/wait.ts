import { within } from '../deadline.ts';
import { type AwaitedValue, awaitPropagation } from '../dns/barrier.ts';
import type { Run } from './run.ts';

/** Told while waiting: how many answers are as wished, of how many asked for. */
export type WaitProgress = (shown: number, asked: number) => void;

/**
 * Wait until every authoritative server shows every value.
 * @returns milliseconds waited
 * @throws E_PROPAGATION with what each server answered
 */
export async function waitUntilVisible(
  values: readonly AwaitedValue[],
  { config, deadline, authorities }: Run,
  progress: WaitProgress = () => {},
): Promise<number> {
  const started = performance.now();
  const limit = within(deadline, config.propagation.timeout * 1000);
  await awaitPropagation(values, authorities, { ...config.propagation, progress }, limit);
  return Math.round(performance.now() - started);
}
