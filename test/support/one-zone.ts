/** One zone, two values, and verbs on them: what the tests of providers on a stand-in need again and again. */
import { normaliseName } from '../../src/names.ts';
import type { DnsProvider, ProviderDefinition, TxtChange, TxtRecord } from '../../src/provider.ts';
import type { StandIn } from '../fakes/stand-in.ts';
import type { TestContextSettings } from './context.ts';
import { openOn } from './stand-in-contract.ts';

export const ZONE = normaliseName('example.com');
export const NAME = normaliseName('_acme-challenge.example.com');
export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
export const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';

export const recordOf = (value = VALUE, name = NAME, zone = ZONE): TxtRecord => ({ name, value, ttl: 60, zone });

export const manyChanges = (action: TxtChange['action'], count: number, handle?: TxtChange['handle']): TxtChange[] =>
  Array.from({ length: count }, (_, index) => ({
    action,
    record: recordOf(VALUE, normaliseName(`_acme-challenge.host${index}.example.com`)),
    handle,
  }));

/** Done by a provider as in one process: with the zone's id known after the first verb. */
export type WithProvider = <Result>(
  standIn: Pick<StandIn, 'options'>,
  task: (provider: DnsProvider) => Promise<Result>,
  settings?: TestContextSettings,
) => Promise<Result>;

export const withProviderOf =
  (definition: ProviderDefinition): WithProvider =>
  async (standIn, task, settings = {}) => {
    const { provider, close } = openOn(definition, standIn, settings);
    try {
      return await task(provider);
    } finally {
      await close();
    }
  };

/** What the outcomes of several changes say: whether each was made, or its state. */
export async function changeAll(provider: DnsProvider, changes: readonly TxtChange[]): Promise<unknown[]> {
  const outcomes = (await provider.changeTxt?.(ZONE, changes)) ?? [];
  return outcomes.map((outcome) => (outcome.state === 'done' ? outcome.changed : outcome.state));
}

export const times = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value);
