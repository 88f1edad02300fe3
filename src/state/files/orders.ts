import { join } from 'node:path';
import * as z from 'zod/mini';
import { digest } from '../../digest.ts';
import { type Orders, pendingSchema } from '../orders.ts';
import { readJson, remove, writeJson } from './json.ts';

const orderSchema = z.object({ remaining: z.number(), challenges: pendingSchema });

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
