import { isDns01Error } from '../errors.ts';
import type { BatchDone, BatchResult } from './batch.ts';
import type { Run } from './run.ts';
import { type WaitProgress, waitForMost } from './wait.ts';

export interface VisibleResult extends BatchResult {
  /** Milliseconds; undefined where there was no wait. */
  readonly waitedMs?: number;
}

/**
 * How many results wait together. A usual batch fits. A larger one is split, so that its memory does not grow; a group
 * waits while the next lines are processed.
 */
const MAX_TOGETHER = 1000;

/** The results in order. An add comes when its value is visible, or with the error that it is not. */
export async function* onceVisible(
  results: AsyncIterable<BatchResult>,
  run: Run,
  progress: WaitProgress,
  together = MAX_TOGETHER,
): AsyncGenerator<VisibleResult> {
  let waiting: Promise<VisibleResult[]> | undefined;
  let group: BatchResult[] = [];
  for await (const result of results) {
    // From the first add on, later results have to wait for it.
    if (waiting === undefined && group.length === 0 && !isPublished(result)) {
      yield result;
      continue;
    }
    group.push(result);
    if (group.length < together) continue;
    if (waiting) yield* await waiting;
    waiting = visible(group, run, () => {});
    // The error is reported when it is this group's turn.
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
