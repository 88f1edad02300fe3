import type { Config } from '../../config/load.ts';
import { CLASS, encodeName, type OutgoingRecord, type Question, TYPE, uint32s } from '../../dns/wire.ts';
import { type Fqdn, longestZone } from '../../names.ts';
import { RCODE, type Reply, refused } from './reply.ts';

/** Seconds. */
const SOA_TTL = 60;
const NEGATIVE_TTL = 5;

/**
 * The zone of a name as this front shows it: one of the config's, else a domain of a user that has a key. It is only the
 * form in which clients write updates; the core finds the zone at the provider.
 */
export function apexOf(name: string, { zones, serve }: Config): Fqdn | undefined {
  const known = longestZone(zones, name)?.zone;
  if (known !== undefined) return known;
  const domains = Object.values(serve?.users ?? {}).flatMap(({ tsig, names }) => (tsig ? names : []));
  return longestZone(
    domains.map((zone) => ({ zone })),
    name,
  )?.zone;
}

/** The answer to an SOA question: every name of a zone looks the same, so that it shows nothing about what is there. */
export function answerSoa({ name, wireName }: Question, config: Config): Reply {
  const apex = apexOf(name, config);
  if (apex === undefined) return refused(NOT_SERVED);
  const isApex = name === apex;
  const soa = soaRecord(apex, isApex ? wireName : encodeName(apex));
  return { rcode: RCODE.NOERROR, authoritative: true, ...(isApex ? { answers: [soa] } : { authorities: [soa] }) };
}

const NOT_SERVED = 'no zone of this server holds the name';

/** The servers of the zone are others, so its own name stands for its primary. The serial means nothing here. */
export function soaRecord(apex: Fqdn, owner: Buffer = encodeName(apex)): OutgoingRecord {
  const [serial, refresh, retry, expire] = [1, 3600, 600, 604_800];
  const data = Buffer.concat([
    encodeName(apex),
    encodeName(`hostmaster.${apex}`),
    uint32s(serial, refresh, retry, expire, NEGATIVE_TTL),
  ]);
  return { name: owner, type: TYPE.SOA, class: CLASS.IN, ttl: SOA_TTL, data };
}
