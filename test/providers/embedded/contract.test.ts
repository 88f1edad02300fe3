import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import definition from '../../../providers/embedded/index.ts';
import { isDns01Error } from '../../../src/errors.ts';
import { normaliseName } from '../../../src/names.ts';
import type { DnsProvider } from '../../../src/provider.ts';
import { openRecords } from '../../../src/state/files/records.ts';
import { type ContractHarness, describeContract } from '../../contract.ts';
import { createTestContext } from '../../support/context.ts';
import { searching } from '../../support/searching.ts';
import { newDirectory } from './support.ts';

const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';

describeContract(
  'embedded',
  async (): Promise<ContractHarness> => {
    const directory = await newDirectory();
    const valuesAt = async (name: string) => (await openRecords(directory).at(name)).map(({ value }) => value);
    return {
      zone: 'example.com',
      open: async () => open(directory, ['example.com']),
      held: valuesAt,
      plant: async (name, value) => void (await openRecords(directory).add({ name, value, ttl: 60 })),
      close: () => rm(directory, { recursive: true }),
    };
  },
  { faults: false },
);

function open(directory: string, names: string[]): { provider: DnsProvider; close(): Promise<void> } {
  const context = createTestContext();
  const zones = names.map(normaliseName);
  const provider = definition.create({ zones }, { ...context, records: async () => openRecords(directory) });
  return { provider, close: () => context.http.close() };
}

describe('the embedded provider', () => {
  const nowhere = () => open('/nonexistent', ['example.com', 'sub.example.com', 'example.net']);

  it('lists its zones', async () => {
    const { provider, close } = nowhere();
    const zones: string[] = [];
    for await (const { name } of provider.listZones?.() ?? []) zones.push(name);
    expect(zones).toEqual(['example.com', 'sub.example.com', 'example.net']);
    await close();
  });

  it.each([
    ['ns.ZONE', undefined, ['ns.example.com']],
    ['those of the config', ['ns1.example.net', 'ns2.example.net'], ['ns1.example.net', 'ns2.example.net']],
  ])('tells the name servers of its zones: %s', async (_, ns, names) => {
    const context = createTestContext();
    const provider = definition.create({ zones: [normaliseName('example.com')], ns: ns?.map(normaliseName) }, context);
    expect(await provider.nameServers?.(normaliseName('example.com'))).toEqual(names);
    expect(await provider.nameServers?.(normaliseName('sub.example.com'))).toEqual([]);
    await context.http.close();
  });

  it('puts a name into its nearest zone', async () => {
    const directory = await newDirectory();
    const { provider, close } = open(directory, ['example.com', 'sub.example.com']);
    const record = { name: '_acme-challenge.sub.example.com', value: VALUE, ttl: 60 };
    expect(await searching(provider).addTxt(record)).toMatchObject({ zone: 'sub.example.com' });
    expect(await searching(provider).addTxt({ ...record, zone: 'example.com' })).toMatchObject({ zone: 'example.com' });
    await close();
    await rm(directory, { recursive: true });
  });

  it.each([
    { name: '_acme-challenge.example.org', zone: undefined },
    { name: '_acme-challenge.notexample.com', zone: undefined },
    { name: '_acme-challenge.example.com', zone: 'example.net' },
  ])('refuses what lies in none of its zones: $name, zone $zone', async ({ name, zone }) => {
    const { provider, close } = nowhere();
    const failure = await searching(provider)
      .addTxt({ name, value: VALUE, ttl: 60, zone })
      .catch((error: unknown) => error);
    expect(isDns01Error(failure) && failure.code).toBe('E_ZONE');
    await close();
  });
});
