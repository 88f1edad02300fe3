import { setTimeout as delay } from 'node:timers/promises';

/** Resolves when the condition is true; the test's time limit ends a wait in vain. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(10);
}
