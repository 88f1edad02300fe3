import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import definition from '../../../providers/zoneid/index.ts';
import type { RateLimiter } from '../../../src/http/client.ts';
import { type RateLimit, startZoneidFake, type ZoneidFake } from '../../fakes/zoneid.ts';
import { type Clock, failureOf, openZoneid, recordAt, startClock } from './support.ts';

const MINUTE = 60_000;

describe('zoneid at its rate limit', () => {
  let clock: Clock;
  let fake: ZoneidFake;
  beforeEach(() => {
    clock = startClock();
  });
  afterEach(() => fake.close());

  const start = async (rateLimit: RateLimit) => {
    fake = await startZoneidFake({ rateLimit, now: clock.now });
  };

  /** Adds so many values, one after the other, in one process. */
  async function addMany(count: number, rateLimiter?: RateLimiter): Promise<void> {
    const { provider, close } = openZoneid(fake, { clock, ...(rateLimiter === undefined ? {} : { rateLimiter }) });
    try {
      for (let index = 0; index < count; index++) {
        await provider.addTxt(recordAt('_acme-challenge.example.com', `value-${index}`, 'example.com'));
      }
    } finally {
      await close();
    }
  }

  it.each(['seconds', 'date'] as const)('waits as long as a 429 asks for, in %s', async (retryAfter) => {
    await start({ requests: 3, window: MINUTE, retryAfter });
    await addMany(5);
    expect(fake.held('_acme-challenge.example.com')).toHaveLength(5);
    expect(fake.server.requests).toHaveLength(6);
    expect(clock.waits).toHaveLength(1);
    expect(clock.waits[0]).toBeGreaterThan(MINUTE - 5000);
    expect(clock.waits[0]).toBeLessThan(MINUTE + 3000);
  });

  it('waits for the end of its own window where a 429 asks for nothing, and tells the rate limiter what is left', async () => {
    await start({ requests: 3, window: MINUTE });
    const left: number[] = [];
    const rateLimiter: RateLimiter = {
      take: async () => 0,
      over: async (_booked, remaining = -1) => void left.push(remaining),
      comeBackIn: async () => {},
      untilReset: async () => MINUTE + 1000,
      remainingHeader: definition.rateLimits?.[0]?.remainingHeader,
    };
    await addMany(4, rateLimiter);
    expect(fake.held('_acme-challenge.example.com')).toHaveLength(4);
    expect(clock.waits).toHaveLength(1);
    expect(clock.waits[0]).toBeGreaterThanOrEqual(MINUTE + 1000);
    expect(left).toEqual([2, 1, 0, 0, 2]);
  });

  it('does not search on for a zone, nor list, when the time does not suffice', async () => {
    clock = startClock(10_000);
    await start({ requests: 0, window: MINUTE, retryAfter: 'seconds' });
    const { provider, close } = openZoneid(fake, { clock });
    const failure = await failureOf(provider.addTxt(recordAt('_acme-challenge.www.example.com')));
    await close();
    expect(failure.code).toBe('E_RATE');
    expect(fake.server.takeCalls()).toEqual(['POST txt']);
  });

  it('declares the documented limit: 60 requests a minute for an address', async () => {
    await start({ requests: 1, window: MINUTE });
    expect(definition.rateLimits).toEqual([
      { requests: 60, windowMs: 60_000, per: 'address', remainingHeader: 'x-ratelimit-remaining' },
    ]);
  });
});
