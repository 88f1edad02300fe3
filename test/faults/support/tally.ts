import type { TaskMeta } from 'vitest';

/** What the tests count, each for itself; the reporter adds it up. */
export interface Tally {
  /** Runs in which something was made to go wrong. */
  faults: number;
  /** Processes that were killed, and after which all was put right. */
  kills: number;
  /** Processes that ran at the same time as others. */
  crowd: number;
  /** Values that were published and not there, or there and not to be found again. */
  lost: number;
  /** Records of others that were not as before. */
  touched: number;
  /** Hostile inputs of each kind, and those that came through. */
  names: number;
  messages: number;
  answers: number;
  redactions: number;
  escapes: number;
}

declare module 'vitest' {
  interface TaskMeta {
    tally?: Tally;
  }
}

export const emptyTally = (): Tally => ({
  ...{ faults: 0, kills: 0, crowd: 0, lost: 0, touched: 0 },
  ...{ names: 0, messages: 0, answers: 0, redactions: 0, escapes: 0 },
});

/** Adds to what the test has counted so far. */
export function count(task: { readonly meta: TaskMeta }, more: Partial<Tally>): void {
  const tally = task.meta.tally ?? emptyTally();
  for (const [key, number] of Object.entries(more)) tally[key as keyof Tally] += number;
  task.meta.tally = tally;
}
