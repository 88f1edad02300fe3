import { countLeftovers } from '../challenge/sweep.ts';
import type { Journal } from '../state/journal.ts';
import type { RateLimitOf } from './metrics.ts';
import type { SharedRun } from './shared-run.ts';

/** Milliseconds. A sweep takes what is older, unless it is asked otherwise. */
const OLD_MS = 86_400_000;

/** Counting may read the whole journal: it is done no more often than this, and for one twentieth of the time at most. */
const COUNT_EVERY_MS = 60_000;
const PAUSE_FACTOR = 20;

/** Counts what a sweep would take. */
export function openLeftoverCount(journal: Journal): () => Promise<number> {
  let count = 0;
  let nextAt = 0;
  let counting: Promise<void> | undefined;
  async function recount(): Promise<void> {
    const started = performance.now();
    count = await countLeftovers(journal, OLD_MS);
    const now = performance.now();
    nextAt = now + Math.max(COUNT_EVERY_MS, PAUSE_FACTOR * (now - started));
  }
  return async () => {
    if (performance.now() >= nextAt) {
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
