import type { Run } from '../challenge/run.ts';
import { waitUntilVisible } from '../challenge/wait.ts';
import type { AwaitedValue } from '../dns/barrier.ts';
import type { Io } from './io.ts';
import type { CommonOptions } from './options.ts';
import { progressLine } from '../output/progress.ts';

/** Wait for values with a progress line for whoever watches. Returns milliseconds. */
export async function waitShowingProgress(
  values: readonly AwaitedValue[],
  run: Run,
  io: Io,
  options: CommonOptions,
): Promise<number> {
  const progress = progressLine(io, options);
  try {
    return await waitUntilVisible(values, run, progress.update);
  } finally {
    progress.clear();
  }
}
