import { expect, it } from 'vitest';
import { isDns01Error } from '../../src/errors.ts';
import {
  type DnsProvider,
  normaliseName,
  type ProviderDefinition,
  type TxtChange,
  type TxtRecord,
  type ZoneInfo,
} from '../../src/provider.ts';
import type { FakeRequest } from '../fakes/fault-server.ts';
import type { StandIn } from '../fakes/stand-in.ts';
import type { TestContextSettings } from './context.ts';
import { type OpenedProvider, openOn } from './stand-in-contract.ts';

export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
export const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
export const ZONE = normaliseName('example.com');
export const NAME = normaliseName('_acme-challenge.example.com');

interface RecordText {
  readonly name?: string;
  readonly value?: string;
  readonly ttl?: number;
  readonly zone?: string;
}

export const recordOf = ({ name = NAME, value = VALUE, ttl = 60, zone = ZONE }: RecordText = {}): TxtRecord => ({
  name: normaliseName(name),
  value,
  ttl,
  zone: normaliseName(zone),
});

export const changesOf = (
  action: TxtChange['action'],
  count: number,
  value = VALUE,
  handle?: TxtChange['handle'],
): TxtChange[] =>
  Array.from({ length: count }, (_, index) => ({
    action,
    record: recordOf({ name: `_acme-challenge.host${index}.${ZONE}`, value }),
    handle,
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

/** What became of each change: whether it changed anything, the code of the refusal, or that it is unknown. */
export async function statesOf(provider: DnsProvider, changes: readonly TxtChange[]) {
  const outcomes = (await provider.changeTxt?.(ZONE, changes)) ?? [];
  return outcomes.map((one) =>
    one.state === 'done' ? one.changed : one.state === 'unknown' ? one.state : one.error.code,
  );
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

/** The verbs of a provider on a stand-in, each as in a new process. */
export function verbsOn(definition: ProviderDefinition, standIn: () => Pick<StandIn, 'options'>) {
  const inProcess = inProcessOf(definition);
  const run = <Result>(
    verb: (provider: DnsProvider, opened: OpenedProvider) => Promise<Result>,
    options: Readonly<Record<string, unknown>> = {},
  ) => inProcess({ options: { ...standIn().options, ...options } }, verb);
  return {
    run,
    add: (record = recordOf()) => run((provider) => provider.addTxt(record)),
    remove: (record = recordOf()) => run((provider) => provider.removeTxt(record)),
    zones: () => run(zonesOf),
    nameServers: (zone = ZONE) => run(async (provider) => provider.nameServers?.(zone)),
  };
}

export async function zonesOf(provider: DnsProvider): Promise<ZoneInfo[]> {
  const zones: ZoneInfo[] = [];
  for await (const zone of provider.listZones?.() ?? []) zones.push(zone);
  return zones;
}

/** The stand-in's answer to a request that it has had, sent once more; undefined for an empty body. */
export async function answerAgain(
  { server }: Pick<StandIn, 'server'>,
  { method, path, query, headers, body }: FakeRequest,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const { host: _, connection: __, 'content-length': ___, ...kept } = headers;
  const url = `${server.origin}${path}${query && `?${query}`}`;
  const response = await fetch(url, { method, headers: kept, ...(body ? { body } : {}) });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : undefined };
}

/** Clients of ours and another program change one name at once, and none of them loses a value of another. */
export function itShares(definition: ProviderDefinition, start: () => Promise<StandIn>): void {
  it('keeps the values of several clients and of another program, and records of other types', async () => {
    const standIn = await start();
    const { add, remove } = verbsOn(definition, () => standIn);
    const values = Array.from({ length: 5 }, (_, index) => `${index}`.repeat(43));
    standIn.plant(`_acme-challenge.www.${ZONE}`, VALUE);
    standIn.plant(`www.${ZONE}`, '192.0.2.1', 'A');
    const before = standIn.everything();
    const adding = Promise.all(values.map((value) => add(recordOf({ value }))));
    standIn.plant(NAME, OTHER);
    await adding;
    expect(standIn.held(NAME).sort()).toEqual([...values, OTHER].sort());
    const removing = Promise.all(values.map((value) => remove(recordOf({ value }))));
    standIn.plant(NAME, OTHER.toLowerCase());
    await removing;
    expect(standIn.held(NAME).sort()).toEqual([OTHER, OTHER.toLowerCase()].sort());
    expect(standIn.everything()).toEqual(expect.arrayContaining(before));
    await standIn.close();
  });
}
