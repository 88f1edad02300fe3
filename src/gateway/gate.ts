/** Limits events by key to a number in any minute. A key may have a number of its own. */
export interface Gate {
  /** Milliseconds until the next one may pass; 0 for now. */
  wait(key: string, most?: number): number;
  count(key: string, most?: number): void;
}

const WINDOW_MS = 60_000;

/** A flood of keys must not fill the memory: the oldest ones are forgotten. */
const MAX_KEYS = 10_000;

export function createGate(usual: number): Gate {
  const starts = new Map<string, number[]>();
  return {
    wait(key, most = usual) {
      const now = performance.now();
      const recent = (starts.get(key) ?? []).filter((start) => now - start < WINDOW_MS);
      const [oldest] = recent.slice(-most);
      return recent.length < most || oldest === undefined ? 0 : oldest + WINDOW_MS - now;
    },
    count(key, most = usual) {
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
