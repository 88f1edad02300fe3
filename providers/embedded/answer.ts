import * as dnsPacket from 'dns-packet';
import { type Fqdn, isWithin } from '../../src/provider.ts';
import type { KeptRecord } from './records.ts';

/** A zone as the name server serves it. */
export interface ServedZone {
  readonly name: Fqdn;
  readonly ns: readonly Fqdn[];
  readonly serial: number;
  readonly records: readonly KeptRecord[];
}

type Query = dnsPacket.DecodedPacket;
type Record = dnsPacket.Answer;

/** Seconds. What is not there yet may be there in a moment: resolvers should not remember it for long. */
const NEGATIVE_TTL = 5;
const APEX_TTL = 300;

const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;

/** The answer of an authoritative server that does no recursion (RFC 1034 section 4.3.2). */
export function answer(query: Query, zones: readonly ServedZone[]): dnsPacket.Packet {
  const [question, ...more] = query.questions ?? [];
  if ((query as { opcode?: string }).opcode !== 'QUERY') return reply(query, RCODE.NOTIMP);
  if (!question || more.length > 0) return reply(query, RCODE.FORMERR);
  const name = question.name.toLowerCase();
  const zone = zones
    .filter((candidate) => isWithin(name, candidate.name))
    .sort((a, b) => b.name.length - a.name.length)[0];
  if (!zone || question.class !== 'IN') return reply(query, RCODE.REFUSED);

  const owned = recordsAt(zone, name, question.name);
  const wanted = owned.filter(({ type }) => type === question.type || (question.type as string) === 'ANY');
  if (wanted.length > 0) return reply(query, RCODE.NOERROR, { authoritative: true, answers: wanted });
  const rcode = exists(name, zone, zones) ? RCODE.NOERROR : RCODE.NXDOMAIN;
  return reply(query, rcode, { authoritative: true, authorities: [soa(zone, zone.name, NEGATIVE_TTL)] });
}

/** A name above others exists, although it has no records (RFC 8020): else resolvers would look for nothing below it. */
function exists(name: Fqdn, zone: ServedZone, zones: readonly ServedZone[]): boolean {
  const known = [...zones, ...zone.records].map((holder) => holder.name).concat(zone.ns);
  return known.some((other) => isWithin(other, name));
}

function recordsAt(zone: ServedZone, name: Fqdn, asAsked: string): Record[] {
  const texts = zone.records
    .filter((record) => record.name === name)
    .map(({ value, ttl }): Record => ({ type: 'TXT', name: asAsked, ttl, data: chunks(value) }));
  if (name !== zone.name) return texts;
  const servers = zone.ns.map((data): Record => ({ type: 'NS', name: asAsked, ttl: APEX_TTL, data }));
  return [soa(zone, asAsked, APEX_TTL), ...servers, ...texts];
}

function soa(zone: ServedZone, name: string, ttl: number): Record {
  const mname = zone.ns[0] ?? `ns.${zone.name}`;
  const data = {
    mname,
    rname: `hostmaster.${zone.name}`,
    serial: zone.serial,
    refresh: 3600,
    retry: 600,
    expire: 604_800,
  };
  return { type: 'SOA', name, ttl, data: { ...data, minimum: NEGATIVE_TTL } };
}

/** A TXT record is a list of strings of at most 255 bytes (RFC 1035 section 3.3.14). */
function chunks(value: string): string[] {
  return value.match(/[\s\S]{1,255}/g) ?? [''];
}

/** The answer when our own records cannot be read: the asker then tries another server, and later again. */
export const failure = (query: Query): dnsPacket.Packet => reply(query, RCODE.SERVFAIL);

interface Sections {
  readonly authoritative?: boolean;
  readonly answers?: Record[];
  readonly authorities?: Record[];
}

function reply(query: Query, rcode: number, { authoritative = false, answers = [], authorities = [] }: Sections = {}) {
  return {
    type: 'response',
    id: query.id ?? 0,
    flags:
      rcode | (authoritative ? dnsPacket.AUTHORITATIVE_ANSWER : 0) | (query.flag_rd ? dnsPacket.RECURSION_DESIRED : 0),
    questions: query.questions ?? [],
    answers,
    authorities,
    additionals: (query.additionals ?? []).some(({ type }) => type === 'OPT') ? [OPT] : [],
  } satisfies dnsPacket.Packet;
}

/** Our side of EDNS (RFC 6891), only where the asker speaks it. */
const OPT: dnsPacket.Answer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 1232,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};
