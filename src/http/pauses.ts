/** How long to wait before a request is sent again. All in milliseconds; `undefined` means: not again. */

const MAX_RETRIES_AFTER_FAILURE = 2;
const MAX_RETRIES_AFTER_CONFLICT = 5;
const MAX_RETRIES_AFTER_RATE_LIMIT = 5;

/** Milliseconds that a 429 without a time is assumed to last, where the provider declares no rate limit. */
const UNKNOWN_RATE_WINDOW_MS = 15_000;

const jitter = (most: number): number => Math.random() * most;

/** After a network failure or a 5xx, for a request that may be repeated. */
export function retryPause(attempt: number): number | undefined {
  return attempt > MAX_RETRIES_AFTER_FAILURE ? undefined : 500 * attempt + jitter(250);
}

/** After a 409 for another request in progress: nothing was done. */
export function conflictPause(attempt: number): number | undefined {
  return attempt > MAX_RETRIES_AFTER_CONFLICT ? undefined : Math.min(4000, 250 * 2 ** attempt) * (0.5 + jitter(0.5));
}

/**
 * After a 429: the time that the provider asks for, else the rest of its window. A short backoff would not help, because
 * all attempts would fall into the same window.
 */
export function rateLimitPause(asked: number | undefined, untilReset: number | undefined, attempt: number) {
  if (attempt > MAX_RETRIES_AFTER_RATE_LIMIT) return undefined;
  return (asked ?? untilReset ?? UNKNOWN_RATE_WINDOW_MS) + jitter(1000);
}

/** Milliseconds that a Retry-After header asks for: seconds or an HTTP date (RFC 9110 section 10.2.3). */
export function parseRetryAfter(header: string | undefined): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
