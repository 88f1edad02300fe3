/** For providers that make many changes of a zone at once. */
import type { DnsProvider, TxtChange } from '../../src/provider.ts';
import { inProcessOf } from './one-provider.ts';
import { NAME, OTHER, recordOf, VALUE, ZONE } from './verbs-on.ts';

export { inProcessOf, NAME, OTHER, recordOf, VALUE, ZONE };

export const manyChanges = (action: TxtChange['action'], count: number, handle?: TxtChange['handle']): TxtChange[] =>
  Array.from({ length: count }, (_, index) => ({
    action,
    record: recordOf(VALUE, `_acme-challenge.host${index}.example.com`),
    handle,
  }));

/** What the outcomes of several changes say: whether each was made, or its state. */
export async function changeAll(provider: DnsProvider, changes: readonly TxtChange[]): Promise<unknown[]> {
  const outcomes = (await provider.changeTxt?.(ZONE, changes)) ?? [];
  return outcomes.map((outcome) => (outcome.state === 'done' ? outcome.changed : outcome.state));
}

export const times = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value);
