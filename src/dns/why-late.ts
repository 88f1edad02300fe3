import type { Fqdn } from '../names.ts';
import type { AuthorityFinder } from './authority.ts';
import { answersFor, readSoa } from './message.ts';
import { openResolver } from './resolver.ts';
import { formatServerAddress } from './server-address.ts';
import { askSigned, type SignedView, signatureFaults, type ZoneFault } from './zone-signatures.ts';

/** How many zones are looked into. One is usual. */
const MAX_ZONES = 3;

/**
 * Why values may not be shown: what the name servers of their zones show besides. Never throws; empty where nothing is
 * found before the signal aborts.
 */
export async function whyLate(
  names: ReadonlySet<Fqdn>,
  finder: AuthorityFinder,
  resolvers: readonly string[],
  signal: AbortSignal,
): Promise<ZoneFault[]> {
  const resolver = openResolver(resolvers, signal, { alsoUnchecked: true });
  const zones = new Set<Fqdn>();
  const found: ZoneFault[] = [];
  for (const name of names) {
    if (zones.size === MAX_ZONES || signal.aborted) break;
    const authority = await finder.find(name).catch(() => undefined);
    if (!authority || zones.has(authority.zone)) continue;
    zones.add(authority.zone);
    const views = await askSigned(authority, name, signal);
    found.push(...(await signatureFaults(authority, views, resolver, signal)), ...serialFaults(authority.zone, views));
  }
  return found;
}

function serialFaults(zone: Fqdn, views: readonly SignedView[]): ZoneFault[] {
  const bySerial = new Map<number, string[]>();
  for (const { server, messages } of views) {
    const [soa] = messages.flatMap((message) => answersFor(message, { name: zone, type: 'SOA' }));
    if (!soa) continue;
    const { serial } = readSoa(soa);
    bySerial.set(serial, [...(bySerial.get(serial) ?? []), formatServerAddress(server)]);
  }
  if (bySerial.size < 2) return [];
  const each = [...bySerial].map(([serial, at]) => `${serial} at ${at.join(', ')}`);
  return [
    {
      text: `the serials of ${zone} differ: ${each.join('; ')}`,
      hint: 'check the zone transfer to the name servers that lag behind',
    },
  ];
}
