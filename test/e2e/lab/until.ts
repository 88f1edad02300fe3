import { setTimeout as pause } from 'node:timers/promises';

/** Asks `condition` again and again until it holds; false when it did not within the time. */
export async function holdsWithin(seconds: number, condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await condition())) {
    if (performance.now() >= deadline) return false;
    await pause(50);
  }
  return true;
}
