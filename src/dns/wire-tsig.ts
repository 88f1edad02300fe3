import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  CLASS,
  decodeMessage,
  decodeName,
  encodeName,
  encodeRecord,
  type Message,
  TYPE,
  uint16s,
  type WireRecord,
} from './wire.ts';

/** The position of the number of additional records in the header. */
const ADDITIONAL_COUNT_OFFSET = 10;

/** Transaction signatures (RFC 8945). */

export const ALGORITHMS = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const;

export interface TsigKey {
  readonly name: string;
  readonly algorithm: (typeof ALGORITHMS)[number];
  readonly secret: Buffer;
}

/** Seconds that the two clocks may differ (RFC 8945 section 10 recommends this). */
export const FUDGE = 300;

/** The fields of a signature (RFC 8945 section 4.2). */
interface Tsig {
  readonly algorithm: string;
  /** Seconds since 1970. */
  readonly time: number;
  readonly fudge: number;
  readonly mac: Buffer;
  readonly originalId: number;
  readonly error: number;
  readonly other: Buffer;
}

export interface Signed {
  readonly bytes: Buffer;
  /** The MAC, which the answer's signature covers too. */
  readonly mac: Buffer;
}

/** A message with its signature at the end. `time` is in seconds since 1970. */
export function sign(message: Buffer, key: TsigKey, time: number): Signed {
  const unsigned = { algorithm: key.algorithm, time, fudge: FUDGE, error: 0, other: Buffer.alloc(0) };
  const mac = digest([message, variables(key, unsigned)], key);
  const tsig = { ...unsigned, mac, originalId: message.readUInt16BE(0) };
  return { bytes: withTsig(message, key.name, tsig), mac };
}

function withTsig(message: Buffer, keyName: string, tsig: Tsig): Buffer {
  const record = encodeRecord({ name: keyName, type: TYPE.TSIG, class: CLASS.ANY, ttl: 0, data: encodeTsig(tsig) });
  return withAdditional(Buffer.concat([message, record]), 1);
}

/** What the signature of an answer says. */
export type Verdict =
  | { readonly kind: 'good' }
  | { readonly kind: 'unsigned' }
  /** The server did not accept our signature (RFC 8945 section 5.2); `serverTime` comes with BADTIME. */
  | { readonly kind: 'refused'; readonly error: number; readonly serverTime?: number }
  /** The signature is not by the holder of our key, not for our message, or too old. */
  | { readonly kind: 'bad'; readonly why: string };

export const TSIG_ERROR = { BADSIG: 16, BADKEY: 17, BADTIME: 18, BADTRUNC: 22 } as const;

/**
 * Checks the signature of an answer to a message with this MAC. `now` is in seconds since 1970.
 * @throws RangeError for bytes that are not a DNS message
 */
export function verify(answer: Buffer, key: TsigKey, requestMac: Buffer, now: number): Verdict {
  const last = decodeMessage(answer).additionals.at(-1);
  if (last?.type !== TYPE.TSIG) return { kind: 'unsigned' };
  const { name, class: klass, ttl } = last;
  const tsig = decodeTsig(last);
  // Without a key that both sides know, the server cannot sign (RFC 8945 section 5.3.2).
  if (tsig.error === TSIG_ERROR.BADKEY || tsig.error === TSIG_ERROR.BADSIG) {
    return { kind: 'refused', error: tsig.error };
  }
  if (name !== key.name || tsig.algorithm !== key.algorithm || klass !== CLASS.ANY || ttl !== 0) {
    return { kind: 'bad', why: 'it is signed with another key' };
  }
  const message = unsignedPart(answer, last.offset, tsig);
  const expected = digest([uint16s(requestMac.length), requestMac, message, variables(key, tsig)], key);
  if (!isEqual(tsig.mac, expected)) return { kind: 'bad', why: 'its signature is wrong' };
  if (tsig.error === TSIG_ERROR.BADTIME) return { kind: 'refused', error: tsig.error, serverTime: timeOf(tsig.other) };
  if (tsig.error !== 0) return { kind: 'refused', error: tsig.error };
  if (Math.abs(now - tsig.time) > tsig.fudge) return { kind: 'bad', why: 'it was signed at another time' };
  return { kind: 'good' };
}

/** Who signed a request, and what an answer's signature has to repeat of it. */
export interface RequestSignature {
  /** As in the request: it may be no key of ours. */
  readonly keyName: string;
  readonly algorithm: string;
  readonly mac: Buffer;
  /** Seconds since 1970. */
  readonly time: number;
  readonly fudge: number;
  readonly originalId: number;
}

/** What the signature of a request says to a server (RFC 8945 section 5.2). */
export type RequestVerdict =
  | { readonly kind: 'unsigned' | 'malformed' }
  | { readonly kind: 'bad'; readonly error: number; readonly by: RequestSignature; readonly key?: TsigKey }
  | { readonly kind: 'good'; readonly by: RequestSignature; readonly key: TsigKey };

/**
 * Checks key, MAC and time of a request, in this order. A shortened MAC counts as a wrong one.
 * @param key the key of the name in the signature, if there is one. @param now in seconds since 1970
 * @throws RangeError for a signature that cannot be read
 */
export function verifyRequest(
  bytes: Buffer,
  { additionals }: Message,
  key: TsigKey | undefined,
  now: number,
): RequestVerdict {
  const signatures = additionals.filter(({ type }) => type === TYPE.TSIG);
  const [record, second] = signatures;
  if (!record) return { kind: 'unsigned' };
  if (second || additionals.at(-1) !== record || record.class !== CLASS.ANY || record.ttl !== 0) {
    return { kind: 'malformed' };
  }
  const tsig = decodeTsig(record);
  const by = { ...tsig, keyName: record.name };
  if (key?.algorithm !== tsig.algorithm) return { kind: 'bad', error: TSIG_ERROR.BADKEY, by };
  const expected = digest([unsignedPart(bytes, record.offset, tsig), variables(key, tsig)], key);
  if (!isEqual(tsig.mac, expected)) return { kind: 'bad', error: TSIG_ERROR.BADSIG, by };
  if (Math.abs(now - tsig.time) > Math.min(tsig.fudge, FUDGE))
    return { kind: 'bad', error: TSIG_ERROR.BADTIME, by, key };
  return { kind: 'good', by, key };
}

/**
 * An answer with the signature that it needs: none for BADKEY and BADSIG, which say only that; BADTIME keeps the time of
 * the request and adds ours (RFC 8945 sections 5.2 and 5.3). `now` is in seconds since 1970.
 */
export function signAnswer(
  answer: Buffer,
  verdict: Extract<RequestVerdict, { by: RequestSignature }>,
  now: number,
): Buffer {
  const { by, key } = verdict;
  const error = verdict.kind === 'bad' ? verdict.error : 0;
  const isLate = error === TSIG_ERROR.BADTIME;
  const tsig = {
    algorithm: by.algorithm,
    time: isLate ? by.time : now,
    fudge: isLate ? by.fudge : FUDGE,
    originalId: by.originalId,
    error,
    other: isLate ? uint48(now) : Buffer.alloc(0),
  };
  // A name with escapes cannot be written back, and is no key of ours.
  if (/\\/.test(`${by.keyName}${by.algorithm}`)) return answer;
  const mac = key ? digest([uint16s(by.mac.length), by.mac, answer, variables(key, tsig)], key) : Buffer.alloc(0);
  return withTsig(answer, by.keyName, { ...tsig, mac });
}

/** The message as it was before it was signed (RFC 8945 section 4.3.2). */
function unsignedPart(bytes: Buffer, end: number, { originalId }: Pick<Tsig, 'originalId'>): Buffer {
  const message = withAdditional(Buffer.from(bytes.subarray(0, end)), -1);
  message.writeUInt16BE(originalId, 0);
  return message;
}

const isEqual = (one: Buffer, other: Buffer): boolean => one.length === other.length && timingSafeEqual(one, other);

/** The octets of a key, which key files have in base64. `Buffer.from` accepts any text, and would sign with another key. */
export function decodeKey(text: string): Buffer | undefined {
  const compact = text.replace(/\s/g, '');
  return /^[A-Za-z0-9+/]+={0,2}$/.test(compact) ? Buffer.from(compact, 'base64') : undefined;
}

function digest(parts: readonly Buffer[], { algorithm, secret }: TsigKey): Buffer {
  const hmac = createHmac(algorithm.replace('hmac-', ''), secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** The fields of the signature that are signed (RFC 8945 section 4.3.3). */
function variables({ name }: TsigKey, { algorithm, time, fudge, error, other }: Omit<Tsig, 'mac' | 'originalId'>) {
  return Buffer.concat([
    encodeName(name),
    uint16s(CLASS.ANY, 0, 0),
    encodeName(algorithm),
    uint48(time),
    uint16s(fudge, error, other.length),
    other,
  ]);
}

function encodeTsig({ algorithm, time, fudge, mac, originalId, error, other }: Tsig): Buffer {
  const times = [uint48(time), uint16s(fudge)];
  return Buffer.concat([
    encodeName(algorithm),
    ...times,
    uint16s(mac.length),
    mac,
    uint16s(originalId, error, other.length),
    other,
  ]);
}

function decodeTsig({ data }: WireRecord): Tsig {
  const { name: algorithm, end: at } = decodeName(data, 0);
  const macEnd = at + 10 + data.readUInt16BE(at + 8);
  const otherEnd = macEnd + 6 + data.readUInt16BE(macEnd + 4);
  if (otherEnd !== data.length) throw new RangeError('a signature has the wrong length');
  return {
    algorithm,
    time: data.readUIntBE(at, 6),
    fudge: data.readUInt16BE(at + 6),
    mac: data.subarray(at + 10, macEnd),
    originalId: data.readUInt16BE(macEnd),
    error: data.readUInt16BE(macEnd + 2),
    other: data.subarray(macEnd + 6),
  };
}

const timeOf = (other: Buffer): number => (other.length === 6 ? other.readUIntBE(0, 6) : Number.NaN);

function uint48(number: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(number, 0, 6);
  return bytes;
}

function withAdditional(message: Buffer, more: 1 | -1): Buffer {
  message.writeUInt16BE(message.readUInt16BE(ADDITIONAL_COUNT_OFFSET) + more, ADDITIONAL_COUNT_OFFSET);
  return message;
}
