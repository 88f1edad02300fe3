import { isIPv6 } from 'node:net';
import type { Places } from './places.ts';
import type { LabZone, ServerKind } from './zones.ts';

/** Seconds, for all records: long enough that nothing is asked twice in a run, short enough for long runs. */
const TTL = 60;

export const SERIAL = 2;

const DEFAULT_SERVERS: readonly ServerKind[] = ['bind', 'knot'];

export const serversOf = ({ servers = DEFAULT_SERVERS }: LabZone): readonly ServerKind[] => servers;

/** The file of one zone, not signed. */
export function zoneLines(zone: LabZone, places: Places, serial = SERIAL): string[] {
  const { zone: origin, negativeTtl = TTL, records = [] } = zone;
  const servers = serversOf(zone);
  return [
    `$ORIGIN ${origin}.`,
    `$TTL ${TTL}`,
    // Of its TTL and its last number, the lower one counts (RFC 2308 section 5).
    `@ ${negativeTtl} SOA ${hostOf(servers[0] ?? 'bind', zone)} hostmaster.${origin}. ${serial} 86400 86400 864000 ${negativeTtl}`,
    ...servers.map((server) => `@ NS ${hostOf(server, zone)}`),
    ...new Set([...servers, ...(zone.delegatedTo ?? [])].flatMap((server) => addressRecord(server, zone, places))),
    // The name servers of the zones that have none of their own.
    ...(origin === 'hosts.net' ? DEFAULT_SERVERS.flatMap((server) => addressRecord(server, zone, places)) : []),
    ...records,
  ];
}

/** The records that the parent has for a zone, without DS. */
export function delegationOf(zone: LabZone, places: Places): string[] {
  const servers = zone.delegatedTo ?? serversOf(zone);
  const glue = zone.glue ?? servers;
  return [
    ...servers.map((server) => `${zone.zone}. NS ${hostOf(server, zone)}`),
    ...(glue === 'none' ? [] : servers.flatMap((server, index) => addressRecord(server, zone, places, glue[index]))),
  ];
}

/** The name of a server in the NS records of a zone. */
function hostOf(server: ServerKind, { zone, hostsIn = zone }: LabZone): string {
  return `${server.toLowerCase()}.${hostsIn}.`;
}

/** Nothing for names in another zone. */
function addressRecord(server: ServerKind, zone: LabZone, places: Places, at: ServerKind = server): string[] {
  if (zone.hostsIn !== undefined) return [];
  const address = places.servers[at];
  return [`${hostOf(server, zone)} ${isIPv6(address) ? 'AAAA' : 'A'} ${address}`];
}
