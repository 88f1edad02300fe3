import { setTimeout as delay } from 'node:timers/promises';
import type { Run } from '../challenge/run.ts';

/** Milliseconds after which a run takes no more requests: a new one reads secrets, logs in and queries the DNS again. */
export const MAX_RUN_AGE_MS = 30_000;

/** Milliseconds that a run without requests stays open for the next one. */
const IDLE_MS = 250;

/** One run for requests that come at the same time: they share its logins, and changes of one zone go out together. */
export interface SharedRun {
  use<Result>(task: (run: Run) => Promise<Result>): Promise<Result>;
  /** Gives the next request a run of its own. */
  renew(): void;
  /** Resolves when everything that has begun is done. */
  close(): Promise<void>;
}

interface Generation {
  readonly run: Promise<Run>;
  readonly closed: Promise<void>;
  readonly started: number;
  users: number;
  end(): void;
}

/** @param open opens a run, and closes it when the task is done */
export function openSharedRun(open: (task: (run: Run) => Promise<void>) => Promise<void>): SharedRun {
  const generations = new Set<Generation>();
  let current: Generation | undefined;

  function begin(): Generation {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    let closed: Promise<void> = Promise.resolve();
    const run = new Promise<Run>((resolve, reject) => {
      closed = open((opened) => {
        resolve(opened);
        return ended;
      }).catch(reject);
    });
    run.catch(() => {});
    const generation: Generation = { run, closed, started: performance.now(), users: 0, end };
    generations.add(generation);
    void closed.then(() => generations.delete(generation));
    return generation;
  }

  async function leave(generation: Generation): Promise<void> {
    generation.users--;
    if (generation.users === 0 && generation === current) await delay(IDLE_MS, undefined, { ref: false });
    if (generation.users > 0) return;
    if (generation === current) current = undefined;
    generation.end();
  }

  function renew(): void {
    const before = current;
    current = undefined;
    if (before?.users === 0) before.end();
  }

  return {
    renew,
    async use(task) {
      if (current && performance.now() - current.started > MAX_RUN_AGE_MS) renew();
      current ??= begin();
      const generation = current;
      generation.users++;
      try {
        return await task(await generation.run);
      } catch (error) {
        // After a run that could not be opened, the next request tries again.
        if (
          generation === current &&
          (await generation.run.then(
            () => false,
            () => true,
          ))
        )
          current = undefined;
        throw error;
      } finally {
        void leave(generation);
      }
    },
    async close() {
      // Nothing waits for a next request any more.
      renew();
      for (const generation of generations) if (generation.users === 0) generation.end();
      await Promise.all([...generations].map(({ closed }) => closed));
    },
  };
}
