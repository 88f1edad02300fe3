import { networkInterfaces } from 'node:os';
import { onTestFinished } from 'vitest';
import { type Dns01Error, isDns01Error } from '../../src/errors.ts';
import { type FakeDnsServer, type FakeDnsSettings, type FakeZone, startFakeServers } from '../fakes/dns-server.ts';

export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
export const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';

/** Whether this machine has IPv6 on loopback. */
export const HAS_IPV6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

/** A link-local address needs to know its link, so this is one that no machine has a way to. */
export const UNREACHABLE = 'fe80::1';

/** `dns.allowNetworks` of whoever finds these servers by delegations. */
export const LOCAL = ['127.0.0.0/8', '::1', 'fe80::/10'];

/** Servers on one port of several addresses, until the test is over. */
export async function serve<const Each extends readonly FakeDnsSettings[]>(
  ...perAddress: Each
): Promise<{ -readonly [Index in keyof Each]: FakeDnsServer }> {
  const servers = await startFakeServers(perAddress);
  onTestFinished(async () => void (await Promise.all(servers.map((server) => server.close()))));
  return servers as { -readonly [Index in keyof Each]: FakeDnsServer };
}

/** A zone with its own NS records, and whatever is at its challenge name. */
export function zoneOf(
  name: string,
  servers: readonly string[],
  more: Partial<FakeZone> & { readonly values?: readonly string[] } = {},
): FakeZone {
  const { values = [], records = [], ...rest } = more;
  const ns = servers.map((data) => ({ name, type: 'NS', data }) as const);
  const texts = values.map((data) => ({ name: `_acme-challenge.${name}`, type: 'TXT', data }) as const);
  return { name, records: [...ns, ...texts, ...records], ...rest };
}

/** The zone of the name servers' own names, with their addresses. */
export function hostsZone(name: string, hosts: Readonly<Record<string, readonly string[]>>): FakeZone {
  const records = Object.entries(hosts).flatMap(([host, addresses]) =>
    addresses.map((data) => ({ name: host, type: data.includes(':') ? 'AAAA' : 'A', data }) as const),
  );
  return { name, records };
}

/** The error that a promise ends with. */
export async function failureOf(task: Promise<unknown>): Promise<Dns01Error> {
  try {
    await task;
  } catch (error) {
    if (isDns01Error(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
