/** For providers that make many changes of a zone at once. */
import type { DnsProvider, ProviderDefinition, TxtChange } from '../../src/provider.ts';
import type { StandIn } from '../fakes/stand-in.ts';
import type { TestContextSettings } from './context.ts';
import { openOn } from './stand-in-contract.ts';
import { NAME, OTHER, recordOf, VALUE, ZONE } from './verbs-on.ts';

export { NAME, OTHER, recordOf, VALUE, ZONE };

export const manyChanges = (action: TxtChange['action'], count: number, handle?: TxtChange['handle']): TxtChange[] =>
  Array.from({ length: count }, (_, index) => ({
    action,
    record: recordOf(VALUE, `_acme-challenge.host${index}.example.com`),
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
