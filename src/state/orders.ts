import * as z from 'zod/mini';
import { fqdn } from './name.ts';

export const pendingSchema = z.array(z.object({ name: fqdn, value: z.string() }));

export type PendingChallenge = z.output<typeof pendingSchema>[number];

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
