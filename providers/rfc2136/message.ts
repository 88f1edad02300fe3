import type { Fqdn } from '../../src/provider.ts';

/** DNS messages as UPDATE and TSIG need them: dns-packet knows neither class NONE nor where in a message a record stands. */

export const TYPE = { NS: 2, CNAME: 5, SOA: 6, TXT: 16, TSIG: 250 } as const;
export const CLASS = { IN: 1, NONE: 254, ANY: 255 } as const;
export const OPCODE = { QUERY: 0, UPDATE: 5 } as const;

/** A resource record (RFC 1035 section 4.1.3); `data` is its RDATA as it is on the wire, NS without compression. */
export interface ResourceRecord {
  readonly name: Fqdn;
  readonly type: number;
  readonly class: number;
  /** Seconds. */
  readonly ttl: number;
  readonly data: Buffer;
}

/** A question, or an update of a zone (RFC 2136 section 2): the same form under other names. */
export interface Request {
  readonly id: number;
  readonly opcode: number;
  /** The question, or the zone with type SOA. */
  readonly question: { readonly name: Fqdn; readonly type: number };
  readonly prerequisites?: readonly ResourceRecord[];
  readonly changes?: readonly ResourceRecord[];
}

export interface Response {
  readonly id: number;
  readonly opcode: number;
  readonly isResponse: boolean;
  /** The server speaks for the zone (AA). */
  readonly authoritative: boolean;
  readonly rcode: number;
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  /** The last record of the message, where a signature stands, and the byte at which it begins. */
  readonly last: { readonly record: ResourceRecord; readonly offset: number } | undefined;
}

/** Bytes of the header (RFC 1035 section 4.1.1). */
export const HEADER_LENGTH = 12;

/** Where the header says how many records the additional section has. */
export const ADDITIONAL_COUNT_OFFSET = 10;

export function encodeRequest({ id, opcode, question, prerequisites = [], changes = [] }: Request): Buffer {
  const header = uint16s(id, opcode << 11, 1, prerequisites.length, changes.length, 0);
  const asked = [encodeName(question.name), uint16s(question.type, CLASS.IN)];
  return Buffer.concat([header, ...asked, ...[...prerequisites, ...changes].map(encodeRecord)]);
}

export function encodeRecord({ name, type, class: klass, ttl, data }: ResourceRecord): Buffer {
  const lifetime = Buffer.alloc(4);
  lifetime.writeUInt32BE(ttl);
  return Buffer.concat([encodeName(name), uint16s(type, klass), lifetime, uint16s(data.length), data]);
}

/** A name without compression (RFC 1035 section 3.1); lower case is the canonical form as well (RFC 4034 section 6.2). */
export function encodeName(name: Fqdn): Buffer {
  const labels = name === '' ? [] : name.toLowerCase().split('.');
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]),
    Buffer.from([0]),
  ]);
}

export function uint16s(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(2 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeUInt16BE(number, 2 * index);
  return bytes;
}

/** TXT RDATA: strings of at most 255 bytes (RFC 1035 section 3.3.14). */
export function encodeTxt(value: string): Buffer {
  const bytes = Buffer.from(value);
  const strings: Buffer[] = [];
  for (let start = 0; start === 0 || start < bytes.length; start += 255) {
    const string = bytes.subarray(start, start + 255);
    strings.push(Buffer.from([string.length]), string);
  }
  return Buffer.concat(strings);
}

/** The value that TXT RDATA means: all of its strings, joined. */
export function decodeTxt(data: Buffer): string {
  const strings: Buffer[] = [];
  for (let at = 0; at < data.length; ) {
    const length = data.readUInt8(at);
    strings.push(data.subarray(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return Buffer.concat(strings).toString('utf8');
}

/** @throws RangeError for bytes that are no DNS message */
export function decodeResponse(bytes: Buffer): Response {
  const flags = bytes.readUInt16BE(2);
  const [questions = 0, answers = 0, authorities = 0, additionals = 0] = [4, 6, 8, 10].map((at) =>
    bytes.readUInt16BE(at),
  );
  let at = HEADER_LENGTH;
  for (let left = questions; left > 0; left--) at = decodeName(bytes, at).end + 4;
  let last: Response['last'];
  const section = (count: number) =>
    Array.from({ length: count }, () => {
      const { record, end } = decodeRecord(bytes, at);
      last = { record, offset: at };
      at = end;
      return record;
    });
  const sections = { answers: section(answers), authorities: section(authorities) };
  section(additionals);
  return {
    id: bytes.readUInt16BE(0),
    opcode: (flags >> 11) & 0xf,
    isResponse: (flags & 0x8000) !== 0,
    authoritative: (flags & 0x0400) !== 0,
    rcode: flags & 0xf,
    ...sections,
    last,
  };
}

function decodeRecord(bytes: Buffer, start: number): { record: ResourceRecord; end: number } {
  const { name, end: at } = decodeName(bytes, start);
  const end = at + 10 + bytes.readUInt16BE(at + 8);
  if (end > bytes.length) throw new RangeError('a record is cut off');
  const [type, klass, ttl] = [bytes.readUInt16BE(at), bytes.readUInt16BE(at + 2), bytes.readUInt32BE(at + 4)];
  // Its pointers lead to other parts of the message.
  const data = type === TYPE.NS ? encodeName(decodeName(bytes, at + 10).name) : bytes.subarray(at + 10, end);
  return { record: { name, type, class: klass, ttl, data }, end };
}

/** A name at an offset, compressed or not (RFC 1035 section 4.1.4), and where the next field begins. */
export function decodeName(bytes: Buffer, start: number): { name: Fqdn; end: number } {
  const labels: string[] = [];
  let end: number | undefined;
  for (let at = start; ; ) {
    const length = bytes.readUInt8(at);
    if (length >= 0xc0) {
      const target = bytes.readUInt16BE(at) & 0x3fff;
      // A pointer leads to an earlier place, so that there is an end to them.
      if (target >= at || labels.length > 127) throw new RangeError('a name points to itself');
      end ??= at + 2;
      at = target;
      continue;
    }
    if (length > 63 || at + 1 + length > bytes.length) throw new RangeError('a name is cut off');
    if (length === 0) return { name: labels.join('.'), end: end ?? at + 1 };
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    if (labels.length > 127) throw new RangeError('a name is too long');
    at += 1 + length;
  }
}
