import { randomInt } from 'node:crypto';
import { SocketAddress } from 'node:net';
import type { Fqdn } from '../names.ts';
import {
  CLASS,
  decodeMessage,
  decodeName,
  decodeTxt,
  EDNS,
  encodeMessage,
  FLAG,
  type Message,
  rcodeName,
  TYPE,
  type WireRecord,
} from './wire.ts';

export type QuestionType = 'A' | 'AAAA' | 'CAA' | 'CNAME' | 'NS' | 'SOA' | 'TXT';

export interface Question {
  readonly name: Fqdn;
  readonly type: QuestionType;
}

/** A decoded answer (RFC 1035 section 4.1). */
export interface DnsMessage {
  /** NOERROR, NXDOMAIN, SERVFAIL, REFUSED … */
  readonly rcode: string;
  /** The server is authoritative (AA). */
  readonly authoritative: boolean;
  /** The answer was too long for UDP (TC): query again over TCP. */
  readonly truncated: boolean;
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  readonly additionals: readonly ResourceRecord[];
}

export interface ResourceRecord {
  /** Lower case, and escaped where it is not a domain name: use it only after `parseName`. */
  readonly name: string;
  readonly type: QuestionType;
  /**
   * For A and AAAA the address; for NS and CNAME a name like the record's own; for TXT the value; for SOA its fields as in a
   * zone file, which `readSoa` takes apart; for CAA `FLAGS TAG VALUE`, empty where the record is malformed: a CA must not
   * ignore it.
   */
  readonly data: string;
  /** Seconds. */
  readonly ttl: number;
}

/** What counts of an SOA record. */
export interface Soa {
  readonly serial: number;
  /** Seconds that resolvers may cache that a name does not exist: the smaller of TTL and minimum (RFC 2308 section 4). */
  readonly negativeTtlS: number;
}

export function readSoa({ data, ttl }: ResourceRecord): Soa {
  const [, , serial = '', , , , minimum = ''] = data.split(' ');
  return { serial: Number(serial), negativeTtlS: Math.min(ttl, Number(minimum)) };
}

/** A query as bytes, with a random id. `edns: false` is for servers without EDNS (RFC 6891). */
export function encodeQuery({ name, type }: Question, options: { recursive: boolean; edns: boolean }): Buffer {
  return encodeMessage({
    id: randomInt(0x1_0000),
    flags: options.recursive ? FLAG.RECURSION_DESIRED : 0,
    questions: [{ name, type: TYPE[type] }],
    additionals: options.edns ? [EDNS] : [],
  });
}

/**
 * The answer to exactly this query, or undefined: a message that cannot be read, has another id or answers another
 * question is ignored.
 */
export function decodeAnswer(bytes: Buffer, sent: Buffer, { name, type }: Question): DnsMessage | undefined {
  const message = read(bytes);
  if (!message || (message.flags & FLAG.RESPONSE) === 0 || message.id !== sent.readUInt16BE(0)) return undefined;
  const [asked] = message.questions;
  // A server without EDNS may leave the question out of its FORMERR.
  if (asked && (asked.name !== name || asked.type !== TYPE[type])) return undefined;
  const rcode = rcodeName(message.rcode);
  if (!asked && rcode === 'NOERROR') return undefined;
  return {
    rcode,
    authoritative: (message.flags & FLAG.AUTHORITATIVE) !== 0,
    truncated: (message.flags & FLAG.TRUNCATED) !== 0,
    answers: message.answers.flatMap(readRecord),
    authorities: message.authorities.flatMap(readRecord),
    additionals: message.additionals.flatMap(readRecord),
  };
}

/**
 * The records of a type that an answer has for a name: at the name itself, or at the end of the answer's CNAMEs. Other
 * records in an answer do not count.
 */
export function answersFor(message: DnsMessage, { name, type }: Question): ResourceRecord[] {
  const owner = endOfAliases(message, name);
  return message.answers.filter((record) => record.type === type && record.name === owner);
}

/** Where the CNAMEs in an answer lead: the name itself without any. Not checked to be a domain name. */
export function endOfAliases({ answers }: DnsMessage, name: Fqdn): string {
  let owner: string = name;
  const passed = new Set<string>();
  while (!passed.has(owner)) {
    passed.add(owner);
    owner = answers.find((record) => record.type === 'CNAME' && record.name === owner)?.data ?? owner;
  }
  return owner;
}

function read(bytes: Buffer): Message | undefined {
  try {
    return decodeMessage(isTruncated(bytes) ? questionOf(bytes) : bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const isTruncated = (bytes: Buffer): boolean => (bytes.readUInt16BE(2) & FLAG.TRUNCATED) !== 0;

/** The records of a truncated answer must not be used (RFC 2181 section 9), and the last one may be incomplete. */
function questionOf(bytes: Buffer): Buffer {
  const [answerCount, headerEnd] = [6, 12];
  return Buffer.from(bytes).fill(0, answerCount, headerEnd);
}

const TYPE_NAMES = new Map<number, QuestionType>(
  (['A', 'AAAA', 'CAA', 'CNAME', 'NS', 'SOA', 'TXT'] as const).map((type) => [TYPE[type], type]),
);

/** Empty for a record of another type or class, or with data that do not fit its type. */
function readRecord(record: WireRecord): ResourceRecord[] {
  const type = record.class === CLASS.IN ? TYPE_NAMES.get(record.type) : undefined;
  const data = type && readData(type, record);
  return type === undefined || data === undefined ? [] : [{ name: record.name, type, data, ttl: record.ttl }];
}

function readData(type: QuestionType, { data }: WireRecord): string | undefined {
  switch (type) {
    case 'A':
      return data.length === 4 ? data.join('.') : undefined;
    case 'AAAA':
      return data.length === 16 ? ipv6Text(data) : undefined;
    case 'NS':
    case 'CNAME':
      return data.length > 0 ? decodeName(data, 0).name : undefined;
    case 'SOA':
      return soaText(data);
    case 'CAA':
      return caaText(data);
    case 'TXT':
      return decodeTxt(data);
  }
}

/** The short form, as people and config files write it. */
function ipv6Text(data: Buffer): string {
  const address = data.toString('hex').replace(/.{4}(?!$)/g, '$&:');
  return new SocketAddress({ family: 'ipv6', address }).address;
}

/** RFC 1035 section 3.3.13: two names and five numbers. */
function soaText(data: Buffer): string | undefined {
  const numbersAt = data.length - 20;
  if (numbersAt < 2) return undefined;
  const primary = decodeName(data, 0);
  const contact = decodeName(data, primary.end);
  if (contact.end !== numbersAt) return undefined;
  const numbers = [0, 4, 8, 12, 16].map((offset) => data.readUInt32BE(numbersAt + offset));
  return [primary.name, contact.name, ...numbers].join(' ');
}

/** RFC 8659 section 4.1. A blank in the tag would end it. */
function caaText(data: Buffer): string {
  const tagEnd = 2 + (data[1] ?? 0);
  if (tagEnd > data.length) return '';
  const tag = data.toString('latin1', 2, tagEnd).toLowerCase().replace(/\s/g, '?');
  return `${data[0]} ${tag} ${data.toString('utf8', tagEnd)}`;
}
