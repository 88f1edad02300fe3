import { startDeadline } from '../deadline.ts';
import { isDns01Error } from '../errors.ts';
import type { SharedRateLimiter } from '../state/rate-limit.ts';
import type { State } from '../state/state.ts';
import type { GatewayUser } from './users.ts';

const WINDOW_MS = 60_000;

/** Milliseconds that a request may wait for its place, instead of being refused. */
const PATIENCE_MS = 1000;

/**
 * Counts requests of users on all nodes together. Only users with a number of their own are counted there, because each
 * count is a write.
 * @returns for a request, the milliseconds until the next one is possible; 0 where this one may go on. It throws where the
 * state is out of reach, since nothing can be written then
 */
export function openSharedLimits({ rateLimits, check }: State): (user: GatewayUser) => Promise<number> {
  const known = new WeakMap<GatewayUser, SharedRateLimiter>();
  return async (user) => {
    const { name, requestsPerMinute: requests, hasOwnLimit } = user;
    await check();
    if (!hasOwnLimit) return 0;
    const limit = { requests, windowMs: WINDOW_MS, per: 'login' } as const;
    const limiter = known.get(user) ?? rateLimits.open({ limit, owner: `gateway user ${name}`, info: () => {} });
    known.set(user, limiter);
    try {
      await limiter.take(startDeadline(PATIENCE_MS));
      return 0;
    } catch (error) {
      if (isDns01Error(error) && error.code === 'E_RATE') return limiter.untilReset();
      throw error;
    }
  };
}
