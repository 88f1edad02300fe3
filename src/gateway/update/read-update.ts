import { CLASS, decodeTxt, type Message, type ReceivedRecord, TYPE } from '../../dns/wire.ts';
import { isWithin } from '../../names.ts';
import { malformed, RCODE, type Reply, refused } from './reply.ts';

/** What an update asks for (RFC 2136 section 2), checked for its form only. Names are in the form of `decodeName`. */
export interface Update {
  readonly zone: string;
  readonly prerequisites: readonly Prerequisite[];
  /** Each value of a name once; the last line about it counts. */
  readonly adds: readonly Line[];
  readonly removes: readonly Line[];
  /** Names whose TXT RRset is to go, without those that also get a value. */
  readonly clears: readonly string[];
}

export interface Line {
  readonly name: string;
  readonly value: string;
}

/** RFC 2136 section 2.4. */
export interface Prerequisite {
  readonly name: string;
  readonly type: number;
  readonly expected: 'some' | 'none' | 'exactly';
  /** With `exactly`: one of the values, which come as one prerequisite each. */
  readonly value?: string;
}

/** A certificate has at most 100 names. */
const MAX_LINES = 200;

/** @returns the refusal of a message that is malformed (RFC 2136 section 3) or about other records than TXT */
export function readUpdate({ questions, answers, authorities }: Message): Update | Reply {
  const [zone, ...more] = questions;
  if (!zone || more.length > 0 || zone.type !== TYPE.SOA) return malformed('the zone section is not one zone');
  if (zone.class !== CLASS.IN) return refused('only class IN');
  if (answers.length > MAX_LINES || authorities.length > MAX_LINES) {
    return refused(`the message has more than ${MAX_LINES} lines`);
  }
  if ([...answers, ...authorities].some(({ name }) => !isWithin(name, zone.name))) {
    return { rcode: RCODE.NOTZONE };
  }
  const prerequisites: Prerequisite[] = [];
  for (const record of answers) {
    const read = readPrerequisite(record);
    if ('rcode' in read) return read;
    prerequisites.push(read);
  }
  const values = new Map<string, Line & { readonly action: 'add' | 'remove' }>();
  const cleared = new Set<string>();
  for (const record of authorities) {
    const line = readLine(record);
    if ('rcode' in line) return line;
    if (line.action === 'clear') cleared.add(line.name);
    else values.set(`${line.name} ${line.value}`, line);
  }
  const lines = [...values.values()];
  const adds = lines.filter(({ action }) => action === 'add');
  for (const { name } of adds) cleared.delete(name);
  const removes = lines.filter(({ action }) => action === 'remove');
  return { zone: zone.name, prerequisites, adds, removes, clears: [...cleared] };
}

function readPrerequisite({ name, type, class: klass, ttl, data }: ReceivedRecord): Prerequisite | Reply {
  if (ttl !== 0) return malformed('a prerequisite has a TTL');
  if (klass === CLASS.IN) {
    if (type !== TYPE.TXT) return refused('only TXT records');
    const value = textOf(data);
    return value === undefined ? malformed('a TXT record is cut off') : { name, type, expected: 'exactly', value };
  }
  if (klass !== CLASS.ANY && klass !== CLASS.NONE) return malformed('a prerequisite has an unknown class');
  if (data.length > 0) return malformed('a prerequisite of this class has data');
  return { name, type, expected: klass === CLASS.ANY ? 'some' : 'none' };
}

type ReadLine = (Line & { readonly action: 'add' | 'remove' }) | { readonly action: 'clear'; readonly name: string };

function readLine({ name, type, class: klass, ttl, data }: ReceivedRecord): ReadLine | Reply {
  if (klass !== CLASS.IN && ttl !== 0) return malformed('a deletion has a TTL');
  if (klass === CLASS.ANY) {
    if (data.length > 0) return malformed('the deletion of an RRset has data');
    return type === TYPE.TXT || type === TYPE.ANY ? { action: 'clear', name } : refused('only TXT records');
  }
  if (klass !== CLASS.IN && klass !== CLASS.NONE) return malformed('a change has an unknown class');
  if (META_TYPES.has(type)) return malformed('a change has a type that no record has');
  if (type !== TYPE.TXT) return refused('only TXT records');
  const value = textOf(data);
  if (value === undefined) return malformed('a TXT record is cut off');
  return { action: klass === CLASS.IN ? 'add' : 'remove', name, value };
}

/** ANY, AXFR, MAILA and MAILB (RFC 2136 section 3.4.1.2); the others are IXFR, OPT, TKEY and TSIG. */
const META_TYPES: ReadonlySet<number> = new Set([TYPE.OPT, 249, TYPE.TSIG, 251, 252, 253, 254, TYPE.ANY]);

/** Undefined for data that are not strings with their lengths (RFC 1035 section 3.3.14). */
function textOf(data: Buffer): string | undefined {
  let at = 0;
  while (at < data.length) at += 1 + data.readUInt8(at);
  return at === data.length && at > 0 ? decodeTxt(data) : undefined;
}
