import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Deadline } from '../../deadline.ts';
import { digest } from '../../digest.ts';
import { isDns01Error } from '../../errors.ts';
import type { RateLimit } from '../../provider.ts';
import { limiterOf, PROMPT_MS, type RateLimits, type RequestCount, windowOf } from '../rate-limit.ts';
import { readJson, writeJson } from './json.ts';
import { withLock } from './lock.ts';

/** All times are in milliseconds since 1970. After a clock was set back they may be in the future. */
const countSchema = z.object({
  /**
   * When the provider got the requests that still count, at the latest, oldest first: the start of a request, or its end
   * if it took long.
   */
  starts: z.array(z.number()),
  /** At `at` the provider asked for a pause of so many milliseconds. */
  pause: z.optional(z.object({ at: z.number(), waitMs: z.number() })),
});
type Count = z.output<typeof countSchema>;

/** The rate limits of this machine. Without a state directory, the requests are counted in memory, for this process only. */
export function openRateLimits(stateDirectory: string | undefined): RateLimits {
  return {
    open(settings) {
      const { owner, limit, info } = settings;
      const store =
        stateDirectory === undefined
          ? inMemory()
          : onDiskIfPossible(join(stateDirectory, 'rate-limits', `${digest(owner)}.json`), info);
      return limiterOf(countIn(store, limit), settings);
    },
  };
}

function countIn(store: Store, limit: RateLimit): RequestCount {
  const windowMs = windowOf(limit);

  /** A start in the future was written before the clock was set back: it counts for one window from now on. */
  const stillCounting = ({ starts }: Count, now: number) =>
    starts.map((start) => Math.min(start, now)).filter((start) => now - start < windowMs);

  /** Books one request, or returns the milliseconds to wait before the next attempt. */
  function book(before: Count, now: number): { count: Count; wait: number } {
    const { pause } = before;
    const count = pause ? { ...before, pause: { ...pause, at: Math.min(pause.at, now) } } : before;
    const starts = stillCounting(count, now);
    const paused = pauseLeft(count, now);
    if (paused > 0) return { count: { ...count, starts }, wait: paused };
    if (starts.length < limit.requests) return { count: { starts: [...starts, now] }, wait: 0 };
    const oldest = starts[starts.length - limit.requests] ?? now;
    return { count: { ...count, starts }, wait: oldest + windowMs - now };
  }

  return {
    async book(deadline) {
      let [wait, now] = [0, 0];
      await store.update(deadline, (count) => {
        now = Date.now();
        const booked = book(count, now);
        wait = booked.wait;
        return booked.count;
      });
      return wait === 0 ? { booked: now, waitMs: 0 } : { waitMs: wait };
    },
    async over(booked, left, deadline) {
      const now = Date.now();
      const isPrompt = now - booked <= PROMPT_MS;
      if (isPrompt && left === undefined) return;
      await store.update(deadline, (count) => {
        const moved = isPrompt ? count.starts : moveToEnd(count.starts, booked, now);
        const counting = stillCounting({ starts: [...moved] }, now);
        // Others behind the same address use the same limit: this counts their requests.
        const unseen = left === undefined ? 0 : Math.max(0, limit.requests - left - counting.length);
        if (unseen === 0 && moved === count.starts) return undefined;
        return { ...count, starts: [...counting, ...Array<number>(unseen).fill(now)] };
      });
    },
    comeBackIn: (waitMs, deadline) => store.update(deadline, () => ({ starts: [], pause: { at: Date.now(), waitMs } })),
    used: async () => stillCounting(await store.read(), Date.now()).length,
    async untilReset() {
      const [count, now] = [await store.read(), Date.now()];
      const [oldest] = stillCounting(count, now);
      return Math.max((oldest ?? now) + windowMs - now, pauseLeft(count, now));
    },
  };
}

/** Never more than the provider asked for, even if the clock was changed. */
function pauseLeft({ pause }: Count, now: number): number {
  return pause ? Math.max(0, Math.min(pause.waitMs, pause.at + pause.waitMs - now)) : 0;
}

function moveToEnd(starts: readonly number[], booked: number, now: number): readonly number[] {
  const at = starts.indexOf(booked);
  return at < 0 ? starts : [...starts.slice(0, at), ...starts.slice(at + 1), now];
}

interface Store {
  read(): Promise<Count>;
  /** Changes the count under a lock; `undefined` leaves it as it is. */
  update(deadline: Deadline, change: (count: Count) => Count | undefined): Promise<void>;
}

function inMemory(): Store {
  let count: Count = { starts: [] };
  return {
    read: async () => count,
    async update(_deadline, change) {
      count = change(count) ?? count;
    },
  };
}

/** Counting in this process alone is better than not counting, and better than failing. */
function onDiskIfPossible(file: string, info: (message: string) => void): Store {
  let store = onDisk(file);
  async function attempt<Result>(step: (store: Store) => Promise<Result>): Promise<Result> {
    try {
      return await step(store);
    } catch (error) {
      if (isDns01Error(error)) throw error;
      info(`the requests of other processes cannot be counted: ${(error as Error).message}`);
      store = inMemory();
      return step(store);
    }
  }
  return {
    read: () => attempt((current) => current.read()),
    update: (deadline, change) => attempt((current) => current.update(deadline, change)),
  };
}

function onDisk(file: string): Store {
  const read = async () => (await readJson(file, countSchema)) ?? { starts: [] };
  return {
    read,
    update: (deadline, change) =>
      withLock(file, { deadline }, async () => {
        const count = change(await read());
        if (count) await writeJson(file, count);
      }),
  };
}
