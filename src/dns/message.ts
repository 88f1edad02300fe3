import { randomInt } from 'node:crypto';
import * as dnsPacket from 'dns-packet';
import type { Fqdn } from '../provider.ts';

export type QuestionType = 'A' | 'AAAA' | 'CAA' | 'CNAME' | 'NS' | 'SOA' | 'TXT';

export interface Question {
  readonly name: Fqdn;
  readonly type: QuestionType;
}

/** An answer in our terms (RFC 1035 section 4.1): names lower-case without the last dot, TXT strings joined. */
export interface DnsMessage {
  /** NOERROR, NXDOMAIN, SERVFAIL, REFUSED … */
  readonly rcode: string;
  /** The server speaks for the zone (AA). */
  readonly authoritative: boolean;
  /** The answer did not fit (TC): ask again over TCP. */
  readonly truncated: boolean;
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  readonly additionals: readonly ResourceRecord[];
}

export interface ResourceRecord {
  readonly name: Fqdn;
  readonly type: string;
  /**
   * For A and AAAA the address, for NS and CNAME the name, for TXT the value, for CAA `TAG VALUE`, for SOA the seconds
   * that resolvers may remember that something is not there.
   */
  readonly data: string;
}

/** The size of a UDP answer that passes every network unfragmented (DNS flag day 2020). */
const UDP_PAYLOAD = 1232;

const RECURSION_DESIRED = dnsPacket.RECURSION_DESIRED;

/** A question on the wire, with its random id. `edns: false` is for servers that know no EDNS (RFC 6891). */
export function encodeQuestion(question: Question, options: { recursive: boolean; edns: boolean }): Buffer {
  return dnsPacket.encode({
    type: 'query',
    id: randomInt(0x1_0000),
    flags: options.recursive ? RECURSION_DESIRED : 0,
    questions: [{ name: question.name, type: question.type, class: 'IN' }],
    additionals: options.edns
      ? [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: UDP_PAYLOAD,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  });
}

/**
 * The answer to exactly that question, or undefined: something that cannot be read, has another id or answers another
 * question is not the answer, whoever sent it.
 */
export function decodeAnswer(bytes: Buffer, sent: Buffer, question: Question): DnsMessage | undefined {
  const packet = read(bytes);
  if (packet?.type !== 'response' || packet.id !== sent.readUInt16BE(0)) return undefined;
  const [asked] = packet.questions ?? [];
  // A server that cannot read EDNS may leave the question out of its FORMERR.
  if (asked && (lower(asked.name) !== question.name || asked.type !== question.type)) return undefined;
  if (!asked && packet.rcode === 'NOERROR') return undefined;
  return {
    rcode: packet.rcode,
    authoritative: packet.flag_aa,
    truncated: packet.flag_tc,
    answers: readRecords(packet.answers),
    authorities: readRecords(packet.authorities),
    additionals: readRecords(packet.additionals),
  };
}

/** What the package decodes but its types leave out. */
type Packet = dnsPacket.DecodedPacket & { rcode: string };

function read(bytes: Buffer): Packet | undefined {
  try {
    const packet = dnsPacket.decode(isTruncated(bytes) ? questionOf(bytes) : bytes) as Packet;
    // The package reads a last record that is cut off as a shorter one.
    return dnsPacket.decode.bytes > bytes.length ? undefined : packet;
  } catch {
    return undefined;
  }
}

const isTruncated = (bytes: Buffer): boolean => (bytes.readUInt8(2) & 0x02) !== 0;

/** What a truncated answer holds is not to be used (RFC 2181 section 9), and it may end in the middle of a record. */
function questionOf(bytes: Buffer): Buffer {
  const [answerCount, headerEnd] = [6, 12];
  return Buffer.from(bytes).fill(0, answerCount, headerEnd);
}

function readRecords(records: readonly dnsPacket.Answer[] | undefined): ResourceRecord[] {
  return (records ?? []).flatMap((record) => {
    const data = readData(record);
    return data === undefined ? [] : [{ name: lower(record.name), type: record.type, data }];
  });
}

function readData(record: dnsPacket.Answer): string | undefined {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.data;
    case 'NS':
    case 'CNAME':
      return lower(record.data);
    case 'SOA':
      // RFC 2308 section 4: the lesser of the two.
      return String(Math.min(record.ttl ?? 0, record.data.minimum ?? 0));
    case 'CAA':
      return `${record.data.tag.toLowerCase()} ${record.data.value}`;
    case 'TXT':
      return [record.data].flat().map(String).join('');
    default:
      return undefined;
  }
}

const lower = (name: string): string => name.toLowerCase().replace(/\.$/, '');
