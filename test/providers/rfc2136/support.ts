import { createUpdates } from '../../../providers/rfc2136/index.ts';
import { type Dns01Error, isDns01Error } from '../../../src/errors.ts';
import { startUpdateFake, type UpdateFake, type UpdateFakeSettings } from '../../fakes/dns-update.ts';
import { createTestContext, type TestContext, type TestContextSettings } from '../../support/context.ts';
import { type SearchedRecord, type SearchingProvider, searching } from '../../support/searching.ts';

export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
export const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
export const NAME = '_acme-challenge.example.com';

export function recordOf(value: string, zone?: string, name = NAME): SearchedRecord {
  return { name, value, ttl: 60, zone };
}

interface OpenSettings {
  readonly key?: Partial<UpdateFake['key']>;
  readonly server?: string;
  /** Milliseconds since 1970. */
  now?(): number;
  readonly context?: TestContextSettings;
}

/** A provider that does not wait long for an answer. */
export function openUpdates(
  fake: Pick<UpdateFake, 'port' | 'key'>,
  { key, server = '127.0.0.1', now, context: settings = {} }: OpenSettings = {},
): { provider: SearchingProvider; context: TestContext; close(): Promise<void> } {
  const context = createTestContext(settings);
  const access = { server, port: fake.port, tsig: { ...fake.key, ...key } };
  const provider = createUpdates(access, context, { timeoutMs: 250, ...(now ? { now } : {}) });
  return { provider: searching(provider), context, close: () => context.http.close() };
}

/** One verb against a fake of its own. */
export async function withFake<Result>(
  settings: UpdateFakeSettings,
  verb: (fake: UpdateFake, provider: SearchingProvider) => Promise<Result>,
): Promise<Result> {
  const fake = await startUpdateFake(settings);
  try {
    return await verb(fake, openUpdates(fake).provider);
  } finally {
    await fake.close();
  }
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
