import { leftovers } from '../challenge/sweep.ts';
import type { Journal } from '../state/journal.ts';
import type { RateLimitOf } from './metrics.ts';
import type { SharedRun } from './shared-run.ts';

/** Milliseconds. A sweep takes what is older, unless it is asked otherwise. */
const OLD_MS = 86_400_000;

/** Counting reads the whole journal, so it is done no more often. */
const COUNT_EVERY_MS = 60_000;

/** Counts what a sweep would take. */
export function openLeftoverCount(journal: Journal): () => Promise<number> {
  let count = 0;
  let countedAt = Number.NEGATIVE_INFINITY;
  let counting: Promise<void> | undefined;
  async function recount(): Promise<void> {
    let now = 0;
    for await (const _ of leftovers(journal, OLD_MS)) now++;
    [count, countedAt] = [now, performance.now()];
  }
  return async () => {
    if (performance.now() - countedAt >= COUNT_EVERY_MS) {
      counting ??= recount().finally(() => {
        counting = undefined;
      });
      await counting;
    }
    return count;
  };
}

/** What is left of the rate limits of these accounts; nothing of an account that cannot be opened. */
export async function rateLimitsOf(accounts: Iterable<string>, runs: SharedRun): Promise<RateLimitOf[]> {
  return runs.use(async (run) => {
    const all = [...accounts].map(async (account): Promise<RateLimitOf[]> => {
      const limits = await (await run.account(account)).rateLimits();
      return limits.map(({ windowMs, per, left }) => ({ account, windowMs, per, left }));
    });
    const settled = await Promise.allSettled(all);
    return settled.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  });
}
