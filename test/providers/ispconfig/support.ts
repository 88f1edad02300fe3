import { expect } from 'vitest';
import ispconfig from '../../../providers/ispconfig/index.ts';
import type { IspconfigOptions } from '../../../providers/ispconfig/schema.ts';
import { type Dns01Error, isDns01Error } from '../../../src/errors.ts';
import type { DnsProvider } from '../../../src/provider.ts';
import type { IspconfigFake } from '../../fakes/ispconfig.ts';
import { createTestContext, type TestContext } from '../../support/context.ts';
import { type SearchedRecord, type SearchingProvider, searching } from '../../support/searching.ts';

export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';

export const record = {
  name: '_acme-challenge.example.com',
  value: VALUE,
  ttl: 60,
  zone: 'example.com',
} as const satisfies SearchedRecord;

export interface Opened {
  /** With the core's zone search before it. */
  readonly provider: SearchingProvider;
  readonly plain: DnsProvider;
  readonly context: TestContext;
}

/** The provider as a new process has it, logged in to nothing yet. */
export function open(
  options: Pick<IspconfigOptions, 'url'> & Partial<IspconfigOptions>,
  requestTimeout = 10_000,
): Opened {
  const context = createTestContext({ requestTimeout });
  const resolved = { username: 'acme', password: 'correct-horse-battery', clientLogin: false, clientId: 0, ...options };
  const plain = ispconfig.create(resolved, context);
  return { provider: searching(plain), plain, context };
}

export const openOn = (fake: IspconfigFake, options: Partial<IspconfigOptions> = {}, requestTimeout?: number): Opened =>
  open({ url: fake.url, username: fake.username, password: fake.password, ...options }, requestTimeout);

/** The failure as a user would see it, with all that was logged on the way. Fails when there was none. */
export async function failureOf(verb: Promise<unknown>): Promise<Dns01Error> {
  const outcome = await verb.then(
    (value) => `it succeeded with ${JSON.stringify(value)}`,
    (error: unknown) => error,
  );
  if (!isDns01Error(outcome)) throw new Error(`expected one of our errors, but ${String(outcome)}`);
  expect(outcome.message).toMatch(/^[^A-Z]/);
  expect(outcome.message).not.toMatch(/\.$/);
  return outcome;
}
