import definition from '../../../providers/cloudflare/index.ts';
import { isDns01Error } from '../../../src/errors.ts';
import { type DnsProvider, normaliseName, type TxtChange, type TxtRecord } from '../../../src/provider.ts';
import type { StandIn } from '../../fakes/stand-in.ts';
import { type OpenedProvider, openOn } from '../../support/stand-in-contract.ts';

export const ZONE = normaliseName('example.com');
export const NAME = normaliseName(`_acme-challenge.${ZONE}`);
export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
export const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';

export const recordOf = (more: Partial<TxtRecord> = {}): TxtRecord => ({
  name: NAME,
  value: VALUE,
  ttl: 60,
  zone: ZONE,
  ...more,
});

export const changesOf = (action: TxtChange['action'], count: number, value = VALUE): TxtChange[] =>
  Array.from({ length: count }, (_, index) => ({
    action,
    record: recordOf({ name: normaliseName(`_acme-challenge.host${index}.${ZONE}`), value }),
  }));

/** Uses the provider as one process does. */
export async function inProcess<Result>(
  standIn: Pick<StandIn, 'options'>,
  use: (provider: DnsProvider, opened: OpenedProvider) => Promise<Result>,
): Promise<Result> {
  const opened = openOn(definition, standIn);
  try {
    return await use(opened.provider, opened);
  } finally {
    await opened.close();
  }
}

export async function failureOf(verb: Promise<unknown>) {
  const error = await verb.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isDns01Error(error)) throw new Error(`not a refusal of ours: ${String(error)}`);
  return error;
}
