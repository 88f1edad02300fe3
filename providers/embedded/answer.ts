import {
  CLASS,
  EDNS,
  encodeName,
  encodeTxt,
  FLAG,
  type Message,
  OPCODE,
  type OutgoingMessage,
  type OutgoingRecord,
  TYPE,
  uint32s,
} from '../../src/dns/wire.ts';
import { type Fqdn, isWithin, type KeptRecord } from '../../src/provider.ts';

/** A zone as the name server serves it. */
export interface ServedZone {
  readonly name: Fqdn;
  readonly ns: readonly string[];
  readonly serial: number;
  readonly records: readonly KeptRecord[];
}

/** Seconds. A missing value may exist a moment later, so resolvers must not cache its absence for long. */
const NEGATIVE_TTL = 5;
const APEX_TTL = 300;

const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;

/** The answer of an authoritative server that does no recursion (RFC 1034 section 4.3.2). */
export function answer(query: Message, zones: readonly ServedZone[]): OutgoingMessage {
  const [question, ...more] = query.questions;
  if (query.opcode !== OPCODE.QUERY) return reply(query, RCODE.NOTIMP);
  if (!question || more.length > 0) return reply(query, RCODE.FORMERR);
  const { name, wireName } = question;
  const zone = zones
    .filter((candidate) => isWithin(name, candidate.name))
    .sort((a, b) => b.name.length - a.name.length)[0];
  if (!zone || question.class !== CLASS.IN) return reply(query, RCODE.REFUSED);

  const owned = recordsAt(zone, name, wireName);
  const wanted = owned.filter(({ type }) => type === question.type || question.type === TYPE.ANY);
  if (wanted.length > 0) return reply(query, RCODE.NOERROR, { authoritative: true, answers: wanted });
  const rcode = exists(name, zone, zones) ? RCODE.NOERROR : RCODE.NXDOMAIN;
  return reply(query, rcode, { authoritative: true, authorities: [soa(zone, encodeName(zone.name), NEGATIVE_TTL)] });
}

/** A name above others exists even without records (RFC 8020). Otherwise resolvers would not look below it. */
function exists(name: string, zone: ServedZone, zones: readonly ServedZone[]): boolean {
  if (indexOf(zone.records).names.has(name)) return true;
  return [...zones.map((each) => each.name), ...zone.ns].some((other) => isWithin(other, name));
}

function recordsAt(zone: ServedZone, name: string, owner: Buffer): OutgoingRecord[] {
  const record = (type: number, ttl: number, data: Buffer) => ({ name: owner, type, class: CLASS.IN, ttl, data });
  const kept = indexOf(zone.records).byName.get(name) ?? [];
  const texts = kept.map(({ value, ttl }) => record(TYPE.TXT, ttl, encodeTxt(value)));
  if (name !== zone.name) return texts;
  const servers = zone.ns.map((host) => record(TYPE.NS, APEX_TTL, encodeName(host)));
  return [soa(zone, owner, APEX_TTL), ...servers, ...texts];
}

interface RecordIndex {
  readonly byName: ReadonlyMap<string, readonly KeptRecord[]>;
  /** Every name that has a record, and all names above it. */
  readonly names: ReadonlySet<string>;
}

const indexes = new WeakMap<readonly KeptRecord[], RecordIndex>();

/** Made once for each list, so that a query is fast with many records. */
function indexOf(records: readonly KeptRecord[]): RecordIndex {
  const known = indexes.get(records);
  if (known) return known;
  const byName = new Map<string, KeptRecord[]>();
  const names = new Set<string>();
  for (const record of records) {
    byName.set(record.name, [...(byName.get(record.name) ?? []), record]);
    for (let at = record.name; !names.has(at); at = at.slice(at.indexOf('.') + 1)) names.add(at);
  }
  const index = { byName, names };
  indexes.set(records, index);
  return index;
}

function soa(zone: ServedZone, owner: Buffer, ttl: number): OutgoingRecord {
  const [refresh, retry, expire] = [3600, 600, 604_800];
  const data = Buffer.concat([
    encodeName(zone.ns[0] ?? `ns.${zone.name}`),
    encodeName(`hostmaster.${zone.name}`),
    uint32s(zone.serial, refresh, retry, expire, NEGATIVE_TTL),
  ]);
  return { name: owner, type: TYPE.SOA, class: CLASS.IN, ttl, data };
}

/** The answer if our records cannot be read: the client tries another server, and this one later. */
export const failure = (query: Message): OutgoingMessage => reply(query, RCODE.SERVFAIL);

/** An answer with only the question, so that the client comes back over TCP. */
export const truncated = ({ id, flags, questions, additionals }: OutgoingMessage): OutgoingMessage => ({
  id,
  flags: flags | FLAG.TRUNCATED,
  questions,
  additionals,
});

interface Sections {
  readonly authoritative?: boolean;
  readonly answers?: readonly OutgoingRecord[];
  readonly authorities?: readonly OutgoingRecord[];
}

function reply(
  query: Message,
  rcode: number,
  { authoritative = false, answers = [], authorities = [] }: Sections = {},
): OutgoingMessage {
  const repeated = query.flags & FLAG.RECURSION_DESIRED;
  return {
    id: query.id,
    flags: FLAG.RESPONSE | (query.opcode << 11) | (authoritative ? FLAG.AUTHORITATIVE : 0) | repeated | rcode,
    questions: query.questions.map(({ wireName, type, class: klass }) => ({ name: wireName, type, class: klass })),
    answers,
    authorities,
    // EDNS only for a client that sent it.
    additionals: query.additionals.some(({ type }) => type === TYPE.OPT) ? [EDNS] : [],
  };
}
