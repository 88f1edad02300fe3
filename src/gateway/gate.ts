/** Limits events by key to a number in any minute. */
export interface Gate {
  /** Milliseconds until the next one may pass; 0 for now. */
  wait(key: string): number;
  count(key: string): void;
}

const WINDOW_MS = 60_000;

/** A flood of keys must not fill the memory: the oldest ones are forgotten. */
const MAX_KEYS = 10_000;

export function createGate(most: number): Gate {
  const starts = new Map<string, number[]>();
  return {
    wait(key) {
      const now = performance.now();
      const recent = (starts.get(key) ?? []).filter((start) => now - start < WINDOW_MS);
      const [oldest] = recent.slice(-most);
      return recent.length < most || oldest === undefined ? 0 : oldest + WINDOW_MS - now;
    },
    count(key) {
      const before = starts.get(key) ?? [];
      starts.delete(key);
      starts.set(key, [...before, performance.now()].slice(-most));
      for (const [oldest] of starts) {
        if (starts.size <= MAX_KEYS) return;
        starts.delete(oldest);
      }
    },
  };
}
