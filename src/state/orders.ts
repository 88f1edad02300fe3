import { join } from 'node:path';
import * as z from 'zod/mini';
import { digest } from '../digest.ts';
import { type Fqdn, parseName } from '../names.ts';
import { readJson, remove, writeJson } from './files.ts';

const challengeSchema = z.object({
  name: z.custom<Fqdn>((text) => typeof text === 'string' && parseName(text) === text),
  value: z.string(),
});
const orderSchema = z.object({ remaining: z.number(), challenges: z.array(challengeSchema) });

type PendingChallenge = z.output<typeof challengeSchema>;

/**
 * The values that the hook calls of one order have published so far. A client that calls once for each name, and says
 * how many calls follow (certbot), waits only once for all of them.
 */
export interface Orders {
  /**
   * Adds challenges to their order and returns all of the order's challenges so far. A count that does not continue the
   * last one begins a new order, because the client was stopped halfway last time.
   */
  append(
    order: string,
    remaining: number,
    challenges: readonly PendingChallenge[],
  ): Promise<readonly PendingChallenge[]>;
}

/** Without a state directory there are no orders: `undefined`, and every call waits for its own values. */
export function openOrders(stateDirectory: string | undefined): Orders | undefined {
  if (stateDirectory === undefined) return undefined;
  return {
    async append(order, remaining, added) {
      const file = join(stateDirectory, 'orders', `${digest(order)}.json`);
      const before = await readJson(file, orderSchema);
      const earlier = before?.remaining === remaining + 1 ? before.challenges : [];
      const challenges = [...earlier, ...added];
      if (remaining === 0) await remove(file);
      else await writeJson(file, { remaining, challenges });
      return challenges;
    },
  };
}
