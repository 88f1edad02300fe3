/**
 * DNS messages as bytes: names, questions, records and the framing over TCP (RFC 1035 sections 3 and 4). Shared by our
 * own queries, the providers that speak DNS and the embedded name server.
 */

export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  TXT: 16,
  AAAA: 28,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  RRSIG: 46,
  DNSKEY: 48,
  TSIG: 250,
  ANY: 255,
  CAA: 257,
} as const;
export const CLASS = { IN: 1, NONE: 254, ANY: 255 } as const;
export const OPCODE = { QUERY: 0, UPDATE: 5 } as const;
export const FLAG = {
  RESPONSE: 0x8000,
  AUTHORITATIVE: 0x0400,
  TRUNCATED: 0x0200,
  RECURSION_DESIRED: 0x0100,
  RECURSION_AVAILABLE: 0x0080,
  AUTHENTICATED: 0x0020,
  CHECKING_DISABLED: 0x0010,
} as const;

const RCODES = [
  ...['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'],
  ...['YXDOMAIN', 'YXRRSET', 'NXRRSET', 'NOTAUTH', 'NOTZONE'],
] as const;

export const rcodeName = (rcode: number): string => RCODES[rcode] ?? `response code ${rcode}`;

/** Bytes of the header (RFC 1035 section 4.1.1). */
export const HEADER_LENGTH = 12;

/** The size of a UDP answer that passes every network unfragmented (DNS flag day 2020). */
export const UDP_PAYLOAD = 1232;

/** A name has at most 255 bytes (RFC 1035 section 3.1), so a valid one follows no more pointers than this. */
const MAX_POINTER_HOPS = 127;
const MAX_NAME_LENGTH = 255;

/** How many labels and pointers are followed in one message. The largest valid message needs a third of it. */
const MAX_NAME_STEPS = 100_000;

export interface Question {
  /** In the form of `decodeName`. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** The name without compression, with its letter case unchanged. */
  readonly wireName: Buffer;
}

/** A resource record (RFC 1035 section 4.1.3). */
export interface WireRecord {
  /** In the form of `decodeName`. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Seconds. */
  readonly ttl: number;
  /** Its RDATA; names in that of NS, CNAME and SOA are without compression. */
  readonly data: Buffer;
}

export interface ReceivedRecord extends WireRecord {
  /** The offset of the record in the message. */
  readonly offset: number;
}

export interface Message {
  readonly id: number;
  readonly flags: number;
  readonly opcode: number;
  readonly rcode: number;
  readonly questions: readonly Question[];
  readonly answers: readonly ReceivedRecord[];
  readonly authorities: readonly ReceivedRecord[];
  readonly additionals: readonly ReceivedRecord[];
}

/** A message to send. In an update the sections are called zone, prerequisites and changes (RFC 2136 section 2). */
export interface OutgoingMessage {
  readonly id: number;
  /** From `FLAG`, with opcode and response code. */
  readonly flags: number;
  readonly questions?: readonly OutgoingQuestion[] | undefined;
  readonly answers?: readonly OutgoingRecord[] | undefined;
  readonly authorities?: readonly OutgoingRecord[] | undefined;
  readonly additionals?: readonly OutgoingRecord[] | undefined;
}

export interface OutgoingQuestion {
  readonly name: string | Buffer;
  readonly type: number;
  readonly class?: number;
}

export type OutgoingRecord = Omit<WireRecord, 'name'> & { readonly name: string | Buffer };

export function encodeMessage(message: OutgoingMessage): Buffer {
  const { id, flags, questions = [], answers = [], authorities = [], additionals = [] } = message;
  const counts = [questions, answers, authorities, additionals].map(({ length }) => length);
  return Buffer.concat([
    uint16s(id, flags, ...counts),
    ...questions.flatMap((question) => [nameBytes(question.name), uint16s(question.type, question.class ?? CLASS.IN)]),
    ...[...answers, ...authorities, ...additionals].map(encodeRecord),
  ]);
}

export function encodeRecord({ name, type, class: klass, ttl, data }: OutgoingRecord): Buffer {
  return Buffer.concat([nameBytes(name), uint16s(type, klass), uint32s(ttl), uint16s(data.length), data]);
}

/** Our EDNS record (RFC 6891 section 6.1): its class is the size of the UDP answers that we accept. */
export const EDNS: WireRecord = { name: '', type: TYPE.OPT, class: UDP_PAYLOAD, ttl: 0, data: Buffer.alloc(0) };

const nameBytes = (name: string | Buffer): Buffer => (typeof name === 'string' ? encodeName(name) : name);

/**
 * A name without compression (RFC 1035 section 3.1), in lower case, which is its canonical form (RFC 4034 section 6.2).
 * @throws RangeError for a text that is not a name
 */
export function encodeName(name: string): Buffer {
  const labels = name === '' ? [] : name.toLowerCase().split('.');
  const bytes = labels.map((label) => Buffer.from(label, 'latin1'));
  if (bytes.some(({ length }) => length === 0 || length > 63)) throw new RangeError(`not a name: ${name}`);
  return Buffer.concat([...bytes.flatMap((label) => [Buffer.of(label.length), label]), Buffer.of(0)]);
}

export function uint16s(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(2 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeUInt16BE(number, 2 * index);
  return bytes;
}

export function uint32s(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * index);
  return bytes;
}

/** TXT RDATA: strings of at most 255 bytes (RFC 1035 section 3.3.14). */
export function encodeTxt(value: string): Buffer {
  const bytes = Buffer.from(value);
  const strings: Buffer[] = [];
  for (let start = 0; start === 0 || start < bytes.length; start += 255) {
    const string = bytes.subarray(start, start + 255);
    strings.push(Buffer.of(string.length), string);
  }
  return Buffer.concat(strings);
}

/** The value of TXT RDATA: all of its strings, joined. */
export function decodeTxt(data: Buffer): string {
  const strings: Buffer[] = [];
  for (let at = 0; at < data.length; ) {
    const length = data.readUInt8(at);
    strings.push(data.subarray(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return Buffer.concat(strings).toString('utf8');
}

/** How many more labels and pointers may be followed. */
interface Work {
  left: number;
}

/** @throws RangeError for bytes that are not a DNS message, or that are expensive on purpose */
export function decodeMessage(bytes: Buffer): Message {
  const work = { left: MAX_NAME_STEPS };
  const flags = bytes.readUInt16BE(2);
  let at = HEADER_LENGTH;
  const questions = Array.from({ length: bytes.readUInt16BE(4) }, (): Question => {
    const { labels, end } = readLabels(bytes, at, work);
    at = end + 4;
    return {
      name: textOf(labels),
      type: bytes.readUInt16BE(end),
      class: bytes.readUInt16BE(end + 2),
      wireName: wireOf(labels),
    };
  });
  const section = (countAt: number) =>
    Array.from({ length: bytes.readUInt16BE(countAt) }, (): ReceivedRecord => {
      const { record, end } = readRecord(bytes, at, work);
      at = end;
      return record;
    });
  const [answers, authorities, additionals] = [section(6), section(8), section(10)];
  const [opcode, rcode] = [(flags >> 11) & 0xf, flags & 0xf];
  return { id: bytes.readUInt16BE(0), flags, opcode, rcode, questions, answers, authorities, additionals };
}

function readRecord(bytes: Buffer, offset: number, work: Work): { record: ReceivedRecord; end: number } {
  const { labels, end: at } = readLabels(bytes, offset, work);
  const end = at + 10 + bytes.readUInt16BE(at + 8);
  if (end > bytes.length) throw new RangeError('a record is cut off');
  const [type, klass, ttl] = [bytes.readUInt16BE(at), bytes.readUInt16BE(at + 2), bytes.readUInt32BE(at + 4)];
  const data = end === at + 10 ? Buffer.alloc(0) : expandedData(bytes, type, at + 10, end, work);
  return { record: { name: textOf(labels), type, class: klass, ttl, data, offset }, end };
}

/** RDATA with its names expanded, because pointers lead to other parts of the message. */
function expandedData(bytes: Buffer, type: number, start: number, end: number, work: Work): Buffer {
  const names = NAMES_IN_DATA[type] ?? 0;
  const parts: Buffer[] = [];
  let at = start;
  for (let left = names; left > 0; left--) {
    const name = readLabels(bytes, at, work);
    parts.push(wireOf(name.labels));
    at = name.end;
  }
  if (at > end) throw new RangeError('a name in a record is cut off');
  return names === 0 ? bytes.subarray(at, end) : Buffer.concat([...parts, bytes.subarray(at, end)]);
}

/** The number of names at the start of a type's RDATA. */
const NAMES_IN_DATA: Record<number, number> = { [TYPE.NS]: 1, [TYPE.CNAME]: 1, [TYPE.DNAME]: 1, [TYPE.SOA]: 2 };

/**
 * The name at an offset, compressed or not, and where the next field begins. It is in lower case and has no dot at the
 * end. Dots, backslashes and everything outside printable ASCII are escaped inside a label as in zone files (RFC 1035
 * section 5.1), so a text without a backslash is exactly the name.
 * @throws RangeError
 */
export function decodeName(bytes: Buffer, start: number): { name: string; end: number } {
  const { labels, end } = readLabels(bytes, start, { left: MAX_NAME_STEPS });
  return { name: textOf(labels), end };
}

/** Each label with the byte of its length (RFC 1035 section 4.1.4). */
function readLabels(bytes: Buffer, start: number, work: Work): { labels: Buffer[]; end: number } {
  const labels: Buffer[] = [];
  let end: number | undefined;
  let [at, earliest, hops, total] = [start, start, 0, 1];
  for (;;) {
    if (--work.left < 0) throw new RangeError('the message has too many names');
    const length = bytes.readUInt8(at);
    if (length === 0) return { labels, end: end ?? at + 1 };
    if (length >= 0xc0) {
      const target = bytes.readUInt16BE(at) & 0x3fff;
      // Each pointer has to lead to an earlier place, so that the chain ends.
      if (target >= earliest || ++hops > MAX_POINTER_HOPS) throw new RangeError('a name points to itself');
      end ??= at + 2;
      at = target;
      earliest = target;
      continue;
    }
    total += 1 + length;
    if (length > 63 || at + 1 + length > bytes.length) throw new RangeError('a name is cut off');
    if (total > MAX_NAME_LENGTH) throw new RangeError('a name is too long');
    labels.push(bytes.subarray(at, at + 1 + length));
    at += 1 + length;
  }
}

const wireOf = (labels: readonly Buffer[]): Buffer => Buffer.concat([...labels, Buffer.of(0)]);

const textOf = (labels: readonly Buffer[]): string => labels.map(labelText).join('.').toLowerCase();

function labelText(label: Buffer): string {
  const text = label.toString('latin1', 1);
  return /^[\w-]*$/.test(text) ? text : [...label.subarray(1)].map(escapeByte).join('');
}

function escapeByte(byte: number): string {
  if (byte === 0x2e || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
  if (byte > 0x20 && byte < 0x7f) return String.fromCharCode(byte);
  return `\\${String(byte).padStart(3, '0')}`;
}
