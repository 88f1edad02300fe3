import { encodeMessage, FLAG, type Message, type OutgoingRecord, TYPE, UDP_PAYLOAD, uint16s } from '../../dns/wire.ts';

/** RFC 1035 section 4.1.1, RFC 2136 section 2.2, RFC 6891 section 6.1.3. */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  BADVERS: 16,
} as const;

/** Extended errors (RFC 8914 section 4). */
export const REASON = { OTHER: 0, PROHIBITED: 18, NOT_SUPPORTED: 21, NETWORK_ERROR: 23 } as const;

export interface Reply {
  readonly rcode: number;
  readonly authoritative?: boolean;
  readonly answers?: readonly OutgoingRecord[];
  readonly authorities?: readonly OutgoingRecord[];
  /** For the client's log, where it understands EDNS. It names nothing of other users. */
  readonly reason?: { readonly code: number; readonly text: string };
}

export const refused = (text: string): Reply => ({
  rcode: RCODE.REFUSED,
  reason: { code: REASON.PROHIBITED, text },
});

export const malformed = (text: string): Reply => ({ rcode: RCODE.FORMERR, reason: { code: REASON.OTHER, text } });

/** Something that may work a little later. */
export const notNow = (text: string): Reply => ({ rcode: RCODE.SERVFAIL, reason: { code: REASON.OTHER, text } });

const EDE_OPTION = 15;

/** The answer to a request, without a signature; with EDNS for a client that sent it. */
export function encodeReply(request: Message, reply: Reply, truncated = false): Buffer {
  const { rcode, authoritative = false, answers = [], authorities = [], reason } = reply;
  const { id, opcode, questions, additionals } = request;
  const flags =
    FLAG.RESPONSE |
    (opcode << 11) |
    (authoritative ? FLAG.AUTHORITATIVE : 0) |
    (truncated ? FLAG.TRUNCATED : 0) |
    (request.flags & FLAG.RECURSION_DESIRED) |
    (rcode & 0xf);
  const edns: OutgoingRecord = {
    name: '',
    type: TYPE.OPT,
    class: UDP_PAYLOAD,
    // The upper bits of the response code are the first byte (RFC 6891 section 6.1.3).
    ttl: (rcode >> 4) << 24,
    data: reason ? extendedError(reason.code, reason.text) : Buffer.alloc(0),
  };
  return encodeMessage({
    id,
    flags,
    questions: questions.length === 1 ? questions.map((each) => ({ ...each, name: each.wireName })) : [],
    ...(truncated ? {} : { answers, authorities }),
    additionals: additionals.some(({ type }) => type === TYPE.OPT) ? [edns] : [],
  });
}

function extendedError(code: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint16s(EDE_OPTION, 2 + bytes.length, code), bytes]);
}
