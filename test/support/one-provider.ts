import { isDns01Error } from '../../src/errors.ts';
import {
  type DnsProvider,
  normaliseName,
  type ProviderDefinition,
  type TxtChange,
  type TxtRecord,
} from '../../src/provider.ts';
import type { StandIn } from '../fakes/stand-in.ts';
import type { TestContextSettings } from './context.ts';
import { type OpenedProvider, openOn } from './stand-in-contract.ts';
import { NAME, OTHER, VALUE, ZONE, zonesOf } from './verbs-on.ts';

export { NAME, OTHER, VALUE, ZONE, zonesOf };

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

/** Uses a provider as one process does, and closes it. */
export type InProcess = <Result>(
  standIn: Pick<StandIn, 'options'>,
  use: (provider: DnsProvider, opened: OpenedProvider) => Promise<Result>,
  settings?: TestContextSettings,
) => Promise<Result>;

export function inProcessOf(definition: ProviderDefinition): InProcess {
  return async (standIn, use, settings) => {
    const opened = openOn(definition, standIn, settings);
    try {
      return await use(opened.provider, opened);
    } finally {
      await opened.close();
    }
  };
}

/** What became of each change: whether it was made, or the code of its error. */
export async function statesOf(provider: DnsProvider, changes: readonly TxtChange[]) {
  const outcomes = (await provider.changeTxt?.(ZONE, changes)) ?? [];
  return outcomes.map((one) => (one.state === 'done' ? one.changed : one.error.code));
}

export const all = <Value>(value: Value, count: number): Value[] => Array.from({ length: count }, () => value);

export async function failureOf(verb: Promise<unknown>) {
  const error = await verb.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isDns01Error(error)) throw new Error(`not a refusal of ours: ${String(error)}`);
  return error;
}
