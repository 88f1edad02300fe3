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
 * What the hook calls of one order have published so far. A client that calls once a name and says how many calls are
 * still to come (certbot) pays one wait for all of them.
 */
export interface Orders {
  /**
   * Adds challenges to their order and gives back all of the order's challenges so far. A count that does not follow on
   * the last one begins a new order: the client was stopped halfway last time.
   */
  append(
    order: string,
    remaining: number,
    challenges: readonly PendingChallenge[],
  ): Promise<readonly PendingChallenge[]>;
}

/** Without a state directory there are no orders: `undefined`, and every call has to wait for itself. */
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
