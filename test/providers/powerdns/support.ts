import definition from '../../../providers/powerdns/index.ts';
import type { Deadline } from '../../../src/deadline.ts';
import { type Dns01Error, isDns01Error } from '../../../src/errors.ts';
import type { DnsProvider } from '../../../src/provider.ts';
import { createTestContext, type TestContext } from '../../support/context.ts';
import { type SearchedRecord, type SearchingProvider, searching } from '../../support/searching.ts';

export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
export const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
export const NAME = '_acme-challenge.example.com';

/** A record of the default fake's zone; without a zone unless one is given. */
export function recordAt(name: string, value = VALUE, zone?: string): SearchedRecord {
  return { name, value, ttl: 60, zone };
}

/** Time that is not really waited for; what was asked for is seen in `waits`, in milliseconds. */
function startClock(): { readonly deadline: Deadline; readonly waits: number[] } {
  const waits: number[] = [];
  const { signal } = new AbortController();
  return {
    waits,
    deadline: {
      signal,
      remaining: () => 600_000,
      async sleep(milliseconds) {
        waits.push(milliseconds);
      },
    },
  };
}

interface Account {
  readonly url: string;
  readonly apiKey: string;
}

export interface OpenedPowerdns {
  readonly provider: DnsProvider;
  readonly context: TestContext;
  readonly waits: readonly number[];
  close(): Promise<void>;
}

/** A PowerDNS provider on the real HTTP client that does not really wait, but for an answer (in milliseconds). */
export function openPowerdns({ url, apiKey }: Account, requestTimeout = 10_000): OpenedPowerdns {
  const { deadline, waits } = startClock();
  const context = createTestContext({ deadline, requestTimeout });
  return {
    provider: definition.create({ url, apiKey, server: 'localhost' }, context),
    context,
    waits,
    close: () => context.http.close(),
  };
}

/** One verb in a process of its own. */
export async function inProcess<Result>(
  account: Account,
  verb: (provider: SearchingProvider, opened: OpenedPowerdns) => Promise<Result>,
): Promise<Result> {
  const opened = openPowerdns(account);
  try {
    return await verb(searching(opened.provider), opened);
  } finally {
    await opened.close();
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
