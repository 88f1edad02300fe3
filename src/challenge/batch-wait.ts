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

/** Waits at the same time, where the input pauses again and again. */
const MAX_WAITS = 4;

/**
 * The results in order. An add comes when its value is visible, or with the error that it is not. Results wait together
 * until the input ends or pauses, or until there are many.
 */
export async function* onceVisible(
  results: AsyncIterable<BatchResult>,
  run: Run,
  progress: WaitProgress,
  together = MAX_TOGETHER,
): AsyncGenerator<VisibleResult> {
  const input = results[Symbol.asyncIterator]();
  const waits: Promise<VisibleResult[]>[] = [];
  let group: BatchResult[] = [];
  let next: Promise<Read> | undefined;
  let end: Read | undefined;
  while (!end || waits.length > 0 || group.length > 0) {
    const isDue =
      (waits.length === 0 && (end || group.length >= together)) || (waits.length < MAX_WAITS && isPaused(group));
    if (group.length > 0 && isDue) {
      const wait = visible(group, run, end ? progress : () => {});
      // A failure is reported when its turn comes.
      wait.catch(() => {});
      waits.push(wait);
      group = [];
    }
    if (!end && group.length < together) next ??= read(input);
    const first = await Promise.race([...(next ? [next] : []), ...waits.slice(0, 1)]);
    if (Array.isArray(first)) {
      waits.shift();
      yield* first;
      continue;
    }
    next = undefined;
    if ('error' in first || first.done) end = first;
    // From the first add on the order has to wait for it.
    else if (waits.length === 0 && group.length === 0 && !isPublished(first.value)) yield first.value;
    else group.push(first.value);
  }
  // What is known of the lines that were read comes first.
  if (end && 'error' in end) throw end.error;
}

type Read = IteratorResult<BatchResult> | { readonly error: unknown };

const read = (input: AsyncIterator<BatchResult>): Promise<Read> => input.next().catch((error: unknown) => ({ error }));

const isPaused = (group: readonly BatchResult[]): boolean => group.at(-1)?.isLastForNow === true;

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
