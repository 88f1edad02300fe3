/** Requests of one user, or failed logins from one address, that are let through in a minute. */
export interface FloodGate {
  /** Milliseconds until the next one is let through: 0 for at once, which also counts it. */
  enter(key: string): number;
}

const WINDOW = 60_000;

/** At most so many of a kind in any minute. What is over is forgotten, so that a flood of keys cannot fill the memory. */
export function createFloodGate(most: number): FloodGate {
  const starts = new Map<string, number[]>();
  return {
    enter(key) {
      const now = performance.now();
      if (starts.size > 10_000) starts.clear();
      const recent = (starts.get(key) ?? []).filter((start) => now - start < WINDOW);
      if (recent.length >= most) {
        starts.set(key, recent);
        return (recent[0] ?? now) + WINDOW - now;
      }
      starts.set(key, [...recent, now]);
      return 0;
    },
  };
}
