import { isDns01Error } from '../errors.ts';
import type { BatchDone, BatchResult } from './batch.ts';
import type { Run } from './run.ts';
import { type WaitProgress, waitForMost } from './wait.ts';

export interface VisibleResult extends BatchResult {
  /** Milliseconds; undefined where nothing was waited for. */
  readonly waitedMs?: number;
}

/**
 * Results that wait together. All of a usual batch; a larger one is cut so that its memory does not grow with it, and
 * then waits while the next lines are done.
 */
const TOGETHER = 1000;

/** The results in their order, each add once its value can be seen, or with the error that it cannot. */
export async function* onceVisible(
  results: AsyncIterable<BatchResult>,
  run: Run,
  progress: WaitProgress,
  together = TOGETHER,
): AsyncGenerator<VisibleResult> {
  let waiting: Promise<VisibleResult[]> | undefined;
  let group: BatchResult[] = [];
  for await (const result of results) {
    // From the first add on the order has to wait for it.
    if (waiting === undefined && group.length === 0 && !isPublished(result)) {
      yield result;
      continue;
    }
    group.push(result);
    if (group.length < together) continue;
    if (waiting) yield* await waiting;
    waiting = visible(group, run, () => {});
    // It is told when its turn comes.
    waiting.catch(() => {});
    group = [];
  }
  if (waiting) yield* await waiting;
  yield* await visible(group, run, progress);
}

async function visible(group: readonly BatchResult[], run: Run, progress: WaitProgress): Promise<VisibleResult[]> {
  const values = group
    .filter(isPublished)
    .map(({ asked, outcome }) => ({ name: outcome.target, value: asked?.value ?? '' }));
  const { late, waitedMs } = await waitForMost(values, run, progress);
  return group.map((result) => {
    if (!isPublished(result)) return result;
    return late?.names.has(result.outcome.target) ? { ...result, outcome: late.error } : { ...result, waitedMs };
  });
}

const isPublished = (result: BatchResult): result is BatchResult & { readonly outcome: BatchDone } =>
  result.asked?.action === 'add' && !isDns01Error(result.outcome);
