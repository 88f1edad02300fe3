import definition from '../../../providers/zoneid/index.ts';
import type { Deadline } from '../../../src/deadline.ts';
import { type Dns01Error, isDns01Error } from '../../../src/errors.ts';
import type { RateLimiter } from '../../../src/http/client.ts';
import type { DnsProvider } from '../../../src/provider.ts';
import { createTestContext, type TestContext } from '../../support/context.ts';
import { type SearchedRecord, type SearchingProvider, searching } from '../../support/searching.ts';

export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
export const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';

/** A record of the default fake's zone; without a zone unless one is given. */
export function recordAt(name: string, value = VALUE, zone?: string): SearchedRecord {
  return { name, value, ttl: 60, zone };
}

/** Time that passes only by being slept: what would be waited for is seen in `waits`, in milliseconds. */
export interface Clock {
  readonly deadline: Deadline;
  readonly waits: number[];
  /** Milliseconds since 1970. */
  now(): number;
}

export function startClock(time = 600_000): Clock {
  const waits: number[] = [];
  const waited = () => waits.reduce((sum, wait) => sum + wait, 0);
  const { signal } = new AbortController();
  return {
    waits,
    now: () => Date.now() + waited(),
    deadline: {
      signal,
      remaining: () => Math.max(0, time - waited()),
      async sleep(milliseconds) {
        waits.push(milliseconds);
      },
    },
  };
}

interface Account {
  readonly username: string;
  readonly apiKey: string;
  readonly url: string;
}

interface OpenSettings {
  readonly clock?: Clock;
  readonly rateLimiter?: RateLimiter;
  /** Milliseconds. */
  readonly requestTimeout?: number;
}

/** A ZoneID provider on the real HTTP client that does not really wait: bare, and with the core's search for the zone. */
export function openZoneid(
  { username, apiKey, url }: Account,
  { clock = startClock(), rateLimiter, requestTimeout = 10_000 }: OpenSettings = {},
): { bare: DnsProvider; provider: SearchingProvider; context: TestContext; close(): Promise<void> } {
  const context = createTestContext({
    deadline: clock.deadline,
    requestTimeout,
    ...(rateLimiter === undefined ? {} : { rateLimiter }),
  });
  const bare = definition.create({ username, apiKey, url }, context);
  return {
    bare,
    provider: searching(bare),
    context,
    close: () => context.http.close(),
  };
}

/** The error that the verb ends with. */
export async function failureOf(verb: Promise<unknown>): Promise<Dns01Error> {
  try {
    await verb;
  } catch (error) {
    if (isDns01Error(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
