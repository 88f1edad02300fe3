import type { Deadline } from '../deadline.ts';
import { Dns01Error } from '../errors.ts';
import type { RateLimiter } from '../http/client.ts';
import type { RateLimit } from '../provider.ts';

/** Milliseconds added to a provider's window, because clocks and networks are not exact. */
const MARGIN_MS = 250;

/** If a request ends within so many milliseconds of its start, the provider counts it within the margin. */
export const PROMPT_MS = MARGIN_MS / 2;

export interface RateLimiterSettings {
  readonly limit: RateLimit;
  /** Whose limit it is: the API's address and what the provider counts by. */
  readonly owner: string;
  /** Called when a wait begins. */
  info(message: string): void;
}

export interface SharedRateLimiter extends RateLimiter {
  /** How many requests of the last window still count. */
  used(): Promise<number>;
}

/** A provider's rate limits, shared by all processes with the same state. */
export interface RateLimits {
  open(settings: RateLimiterSettings): SharedRateLimiter;
}

/** Books a request, or says how many milliseconds to wait before the next attempt. */
export type Booking = { readonly booked: number; readonly waitMs: 0 } | { readonly waitMs: number };

/** The requests of one rate limit that still count, kept in one place. */
export interface RequestCount extends Pick<RateLimiter, 'over' | 'comeBackIn' | 'untilReset'> {
  book(deadline: Deadline): Promise<Booking>;
  used(): Promise<number>;
}

export const windowOf = ({ windowMs }: RateLimit): number => windowMs + MARGIN_MS;

/**
 * At most so many starts in any window. This keeps to the limit of a provider with sliding windows and of one with fixed
 * windows.
 */
export function limiterOf(count: RequestCount, { limit, info }: RateLimiterSettings): SharedRateLimiter {
  let announcedUntil = 0;
  /** Once for a wait, however many requests wait together. */
  function announce(waitMs: number): void {
    const end = Date.now() + waitMs;
    if (end <= announcedUntil + windowOf(limit) / 2) return;
    announcedUntil = end;
    info(`${asText(limit)} are allowed: waiting ${Math.ceil(waitMs / 1000)} s`);
  }
  return {
    ...count,
    remainingHeader: limit.remainingHeader,
    async take(deadline) {
      for (;;) {
        const booking = await count.book(deadline);
        if ('booked' in booking) return booking.booked;
        if (booking.waitMs >= deadline.remaining()) throw tooLong(booking.waitMs, limit);
        announce(booking.waitMs);
        await deadline.sleep(booking.waitMs);
      }
    },
  };
}

const asText = ({ requests, windowMs }: RateLimit): string => `${requests} requests in ${windowMs / 1000} s`;

function tooLong(waitMs: number, limit: RateLimit): Dns01Error {
  const seconds = Math.ceil(waitMs / 1000);
  return new Dns01Error(
    'E_RATE',
    `the provider allows ${asText(limit)}, the next one is only possible in ${seconds} s`,
    { hint: 'run it again later, or give more time with --timeout SECONDS' },
  );
}
