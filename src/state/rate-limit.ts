import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Deadline } from '../deadline.ts';
import { digest } from '../digest.ts';
import { Dns01Error, isDns01Error } from '../errors.ts';
import type { RateLimiter } from '../http/client.ts';
import type { RequestBudget } from '../provider.ts';
import { readJson, writeJson } from './files.ts';
import { withLock } from './lock.ts';

/** Milliseconds added to a provider's window, for clocks and networks that are not exact. */
const MARGIN = 250;

/** Milliseconds from the booking of a request to its end within which it surely came to the provider in time. */
const PROMPT = MARGIN / 2;

/**
 * When the requests that still count came to the provider at the latest, in milliseconds since 1970, oldest first: when
 * they were booked, or where that took long, when they were over.
 */
const ledgerSchema = z.object({ starts: z.array(z.number()) });

export interface LedgerSettings {
  readonly budget: RequestBudget;
  /** Whose budget it is: the API's address, and the account where the provider counts logins. */
  readonly owner: string;
  /** Without one the ledger is kept in memory, for this process alone. */
  readonly stateDirectory: string | undefined;
  /** Told when a wait begins. */
  info(message: string): void;
}

export interface Ledger extends RateLimiter {
  /** How many requests of the last window still count. */
  used(): Promise<number>;
}

/**
 * The gate before a provider's request budget, shared by all processes of this machine: at most so many starts in any
 * window, which keeps within both a sliding and a fixed window at the provider.
 */
export function openLedger({ budget, owner, stateDirectory, info }: LedgerSettings): Ledger {
  const window = budget.window * 1000 + MARGIN;
  const store =
    stateDirectory === undefined
      ? inMemory()
      : onDiskIfPossible(join(stateDirectory, 'ledger', `${digest(owner)}.json`), info);

  let announcedUntil = 0;
  /** Once for a wait, however many requests wait together. */
  function announce(wait: number): void {
    const end = Date.now() + wait;
    if (end <= announcedUntil + window / 2) return;
    announcedUntil = end;
    info(`${budget.requests} requests in ${budget.window} s are allowed: waiting ${Math.ceil(wait / 1000)} s`);
  }

  const stillCounting = (starts: readonly number[], now: number) => starts.filter((start) => now - start < window);

  /** Books one request. The result is how long to wait before asking again: 0 when it was booked. */
  function book(starts: readonly number[], now: number): { starts: number[]; wait: number } {
    const counting = stillCounting(starts, now);
    if (counting.length < budget.requests) return { starts: [...counting, now], wait: 0 };
    const oldest = counting[counting.length - budget.requests] ?? now;
    return { starts: counting, wait: oldest + window - now };
  }

  return {
    remainingHeader: budget.remainingHeader,
    async take(deadline) {
      for (;;) {
        let [wait, now] = [0, 0];
        await store.update(deadline, (starts) => {
          now = Date.now();
          const booked = book(starts, now);
          wait = booked.wait;
          return booked.starts;
        });
        if (wait === 0) return now;
        if (wait >= deadline.remaining()) throw tooLong(wait, budget);
        announce(wait);
        await deadline.sleep(wait);
      }
    },
    async over(booked, left, deadline) {
      const now = Date.now();
      const isPrompt = now - booked <= PROMPT;
      if (isPrompt && left === undefined) return;
      await store.update(deadline, (starts) => {
        const moved = isPrompt ? starts : moveToEnd(starts, booked, now);
        const counting = stillCounting(moved, now);
        // Somebody else behind the same address spends from the same purse: book what we did not see.
        const unseen = left === undefined ? 0 : Math.max(0, budget.requests - left - counting.length);
        if (unseen === 0 && moved === starts) return undefined;
        return [...counting, ...Array<number>(unseen).fill(now)];
      });
    },
    used: async () => stillCounting(await store.read(), Date.now()).length,
    async untilReset() {
      const now = Date.now();
      const [oldest] = stillCounting(await store.read(), now);
      return (oldest ?? now) + window - now;
    },
  };
}

function moveToEnd(starts: readonly number[], booked: number, now: number): readonly number[] {
  const at = starts.indexOf(booked);
  return at < 0 ? starts : [...starts.slice(0, at), ...starts.slice(at + 1), now];
}

function tooLong(wait: number, budget: RequestBudget): Dns01Error {
  const seconds = Math.ceil(wait / 1000);
  return new Dns01Error(
    'E_RATE',
    `the provider allows ${budget.requests} requests in ${budget.window} s, the next one is possible in ${seconds} s only`,
    { hint: 'run it again later, or give more time with --timeout SECONDS' },
  );
}

interface Store {
  read(): Promise<readonly number[]>;
  /** Changes the list under a lock; `undefined` leaves it as it is. */
  update(deadline: Deadline, change: (starts: readonly number[]) => number[] | undefined): Promise<void>;
}

function inMemory(): Store {
  let starts: readonly number[] = [];
  return {
    read: async () => starts,
    async update(_deadline, change) {
      starts = change(starts) ?? starts;
    },
  };
}

/** A budget for this process alone is better than none, and than a process that cannot go on. */
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
  const read = async () => (await readJson(file, ledgerSchema))?.starts ?? [];
  return {
    read,
    update: (deadline, change) =>
      withLock(file, { deadline }, async () => {
        const starts = change(await read());
        if (starts) await writeJson(file, { starts });
      }),
  };
}
