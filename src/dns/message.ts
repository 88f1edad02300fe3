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
  encodeName,
  FLAG,
  HEADER_LENGTH,
  type Message,
  rcodeName,
  TYPE,
  type WireRecord,
} from './wire.ts';

const TYPES = ['A', 'AAAA', 'CAA', 'CNAME', 'DNAME', 'DNSKEY', 'DS', 'NS', 'RRSIG', 'SOA', 'TXT'] as const;

export type QuestionType = (typeof TYPES)[number];

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
  /** The question came back in the letter case in which it was asked. */
  readonly keepsCase: boolean;
  /** The server knows EDNS (RFC 6891). */
  readonly edns: boolean;
  /** The server answers for all zones (RA): it is a resolver. */
  readonly recursive: boolean;
  /** A resolver has validated the answer (AD, RFC 4035 section 3.2.3). */
  readonly authenticated: boolean;
  /** Why the server could not do better. */
  readonly errors: readonly ExtendedError[];
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  readonly additionals: readonly ResourceRecord[];
}

/** An extended error (RFC 8914). */
export interface ExtendedError {
  readonly code: number;
  /** EXTRA-TEXT, which anybody may have written. */
  readonly text: string;
}

export interface ResourceRecord {
  /** Lower case, and escaped where it is not a domain name: use it only after `parseName`. */
  readonly name: string;
  readonly type: QuestionType;
  /**
   * For A and AAAA the address; for NS, CNAME and DNAME a name like the record's own; for TXT the value; for CAA `FLAGS TAG VALUE`,
   * empty where the record is malformed: a CA must not ignore it; for all others their fields as in a zone file: of SOA,
   * which `readSoa` takes apart, of DS and DNSKEY, and of RRSIG those before the signer's name, with UNIX seconds as times.
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

/** What counts of an RRSIG record. */
export interface Signature {
  /** The type that it signs. */
  readonly covered: string;
  /** UNIX seconds. */
  readonly expiresS: number;
  readonly beginsS: number;
  readonly keyTag: number;
}

export function readSignature({ data }: ResourceRecord): Signature {
  const [covered = '', , , , expires, begins, keyTag] = data.split(' ');
  return { covered, expiresS: Number(expires), beginsS: Number(begins), keyTag: Number(keyTag) };
}

export function readSoa({ data, ttl }: ResourceRecord): Soa {
  const [, , serial = '', , , , minimum = ''] = data.split(' ');
  return { serial: Number(serial), negativeTtlS: Math.min(ttl, Number(minimum)) };
}

export interface QueryFlags {
  readonly recursive: boolean;
  /** False for servers without EDNS (RFC 6891). */
  readonly edns: boolean;
  /** With signatures (DO). */
  readonly dnssec?: boolean | undefined;
  /** The resolver answers although the answer is not valid (CD, RFC 4035 section 3.2.2). */
  readonly unchecked?: boolean | undefined;
  /** The name in random letter case, as resolvers of CAs do to notice forged answers (draft-vixie-dnsext-dns0x20). */
  readonly mixedCase?: boolean | undefined;
}

/** DO, in the place of the TTL (RFC 3225 section 3). */
const DNSSEC_OK = 0x8000;

/** A query as bytes, with a random id. */
export function encodeQuery({ name, type }: Question, flags: QueryFlags): Buffer {
  const { recursive, edns, dnssec, unchecked, mixedCase } = flags;
  return encodeMessage({
    id: randomInt(0x1_0000),
    flags: (recursive ? FLAG.RECURSION_DESIRED : 0) | (unchecked ? FLAG.CHECKING_DISABLED : 0),
    questions: [{ name: mixedCase ? inMixedCase(name) : name, type: TYPE[type] }],
    additionals: edns ? [{ ...EDNS, ttl: dnssec ? DNSSEC_OK : 0 }] : [],
  });
}

/** The bytes of a name. At least one letter is upper case, if there is a letter at all. */
function inMixedCase(name: Fqdn): Buffer {
  const bytes = encodeName(name);
  const letters = [...bytes.keys()].filter((index) => (bytes[index] ?? 0) >= 0x61 && (bytes[index] ?? 0) <= 0x7a);
  const sure = letters[randomInt(Math.max(1, letters.length))];
  // A length is never that large, so these bytes are letters.
  for (const index of letters) if (index === sure || randomInt(2) === 1) bytes[index] = (bytes[index] ?? 0) - 0x20;
  return bytes;
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
    keepsCase: asked === undefined || sent.includes(asked.wireName, HEADER_LENGTH),
    edns: message.additionals.some(({ type: each }) => each === TYPE.OPT),
    recursive: (message.flags & FLAG.RECURSION_AVAILABLE) !== 0,
    authenticated: (message.flags & FLAG.AUTHENTICATED) !== 0,
    errors: message.additionals.filter((record) => record.type === TYPE.OPT).flatMap(extendedErrors),
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

/** Whether the answer says what is there: records, or that there are none. */
export const isAnswer = ({ rcode }: DnsMessage): boolean => rcode === 'NOERROR' || rcode === 'NXDOMAIN';

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

const TYPE_NAMES = new Map<number, QuestionType>(TYPES.map((type) => [TYPE[type], type]));

/** Options of EDNS (RFC 6891 section 6.1.2), and how many extended errors of one answer are read. */
const EXTENDED_ERROR = 15;
const MAX_ERRORS = 10;

function extendedErrors({ data }: WireRecord): ExtendedError[] {
  const errors: ExtendedError[] = [];
  for (let at = 0; at + 4 <= data.length && errors.length < MAX_ERRORS; ) {
    const [option, end] = [data.readUInt16BE(at), at + 4 + data.readUInt16BE(at + 2)];
    if (option === EXTENDED_ERROR && end >= at + 6 && end <= data.length)
      errors.push({ code: data.readUInt16BE(at + 4), text: data.toString('utf8', at + 6, end) });
    at = end;
  }
  return errors;
}

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
    case 'DNAME':
      return data.length > 0 ? decodeName(data, 0).name : undefined;
    case 'SOA':
      return soaText(data);
    case 'CAA':
      return caaText(data);
    case 'TXT':
      return decodeTxt(data);
    case 'DS':
      return data.length > 4 ? `${keyText(data)} ${data.toString('hex', 4)}` : undefined;
    case 'DNSKEY':
      return data.length > 4 ? `${keyText(data)} ${data.toString('base64', 4)}` : undefined;
    case 'RRSIG':
      return signatureText(data);
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

/** Both begin with a number of two bytes and two of one (RFC 4034 sections 2.1 and 5.1). */
const keyText = (data: Buffer): string => `${data.readUInt16BE(0)} ${data[2]} ${data[3]}`;

/** Types that nobody here asks for, and that have signatures all the same. */
const SIGNED_NAMES: Readonly<Record<number, string>> = { 47: 'NSEC', 50: 'NSEC3' };

/** RFC 4034 section 3.1. */
function signatureText(data: Buffer): string | undefined {
  if (data.length < 18) return undefined;
  const covered = data.readUInt16BE(0);
  const times = [4, 8, 12].map((offset) => data.readUInt32BE(offset));
  return [
    SIGNED_NAMES[covered] ?? TYPE_NAMES.get(covered) ?? `TYPE${covered}`,
    data[2],
    data[3],
    ...times,
    data.readUInt16BE(16),
  ].join(' ');
}

/** RFC 8659 section 4.1. A blank in the tag would end it. */
function caaText(data: Buffer): string {
  const tagEnd = 2 + (data[1] ?? 0);
  if (tagEnd > data.length) return '';
  const tag = data.toString('latin1', 2, tagEnd).toLowerCase().replace(/\s/g, '?');
  return `${data[0]} ${tag} ${data.toString('utf8', tagEnd)}`;
}
