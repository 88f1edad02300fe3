import { expect, it } from 'vitest';
import { normaliseName } from '../../src/names.ts';
import type { DnsProvider, ProviderDefinition, TxtRecord, ZoneInfo } from '../../src/provider.ts';
import type { FakeRequest } from '../fakes/fault-server.ts';
import type { StandIn } from '../fakes/stand-in.ts';
import { type OpenedProvider, openOn } from './stand-in-contract.ts';

export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
export const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
export const ZONE = normaliseName('example.com');
export const NAME = normaliseName('_acme-challenge.example.com');

export const recordOf = (value = VALUE, name: string = NAME, zone: string = ZONE): TxtRecord => ({
  name: normaliseName(name),
  value,
  ttl: 60,
  zone: normaliseName(zone),
});

/** The verbs of a provider on a stand-in, each as in a new process. */
export function verbsOn(definition: ProviderDefinition, standIn: () => Pick<StandIn, 'options'>) {
  async function run<Result>(
    verb: (provider: DnsProvider, opened: OpenedProvider) => Promise<Result>,
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<Result> {
    const opened = openOn(definition, { options: { ...standIn().options, ...options } });
    try {
      return await verb(opened.provider, opened);
    } finally {
      await opened.close();
    }
  }
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
    const adding = Promise.all(values.map((value) => add(recordOf(value))));
    standIn.plant(NAME, OTHER);
    await adding;
    expect(standIn.held(NAME).sort()).toEqual([...values, OTHER].sort());
    const removing = Promise.all(values.map((value) => remove(recordOf(value))));
    standIn.plant(NAME, OTHER.toLowerCase());
    await removing;
    expect(standIn.held(NAME).sort()).toEqual([OTHER, OTHER.toLowerCase()].sort());
    expect(standIn.everything()).toEqual(expect.arrayContaining(before));
    await standIn.close();
  });
}
