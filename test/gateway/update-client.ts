import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6, type Socket } from 'node:net';
import { parseServerAddress } from '../../src/dns/server-address.ts';
import {
  CLASS,
  decodeMessage,
  EDNS,
  encodeMessage,
  encodeTxt,
  type Message,
  OPCODE,
  type OutgoingMessage,
  type OutgoingRecord,
  rcodeName,
  TYPE,
} from '../../src/dns/wire.ts';
import { createMessageReader, withLength } from '../../src/dns/wire-framing.ts';
import { sign, type TsigKey, verify } from '../../src/dns/wire-tsig.ts';

/** Keys of 32 octets, which nothing but a test may have. */
export const keyOf = (name: string, fill = name): TsigKey => ({
  name,
  algorithm: 'hmac-sha256',
  secret: Buffer.alloc(32, fill),
});

export interface SendSettings {
  readonly at: string;
  /** Undefined: without a signature. */
  readonly key?: TsigKey | undefined;
  readonly transport?: 'udp' | 'tcp';
  /** Seconds that the client's clock is ahead. */
  readonly clock?: number;
  /** Says that it understands EDNS; default: true. */
  readonly edns?: boolean;
  /** Changes the message after it was signed. */
  spoil?(bytes: Buffer): Buffer;
}

export interface Answered {
  readonly rcode: string;
  /** Of the answer: `good`, `none`, the TSIG error of a refused request, or what is wrong with it. */
  readonly signature: string | number;
  /** The text of the extended error. */
  readonly reason: string | undefined;
  readonly message: Message;
  readonly bytes: Buffer;
}

/** An update, or with `opcode` 0 a query. */
export function request(parts: Partial<OutgoingMessage>, opcode: number = OPCODE.UPDATE): OutgoingMessage {
  return { id: randomInt(0x1_0000), flags: opcode << 11, ...parts };
}

export async function send(message: OutgoingMessage, settings: SendSettings): Promise<Answered> {
  const { key, clock = 0, edns = true, spoil = (bytes: Buffer) => bytes } = settings;
  const plain = encodeMessage(edns ? { ...message, additionals: [EDNS, ...(message.additionals ?? [])] } : message);
  const now = Math.floor(Date.now() / 1000);
  const signed = key ? sign(plain, key, now + clock) : undefined;
  const bytes = await exchange(spoil(signed?.bytes ?? plain), settings);
  const answer = decodeMessage(bytes);
  const verdict = key && signed ? verify(bytes, key, signed.mac, now) : { kind: 'unsigned' as const };
  return {
    rcode: rcodeName(answer.rcode),
    signature: verdict.kind === 'refused' ? verdict.error : verdict.kind === 'unsigned' ? 'none' : verdict.kind,
    reason: reasonIn(answer),
    message: answer,
    bytes,
  };
}

/** RFC 8914 section 2. */
function reasonIn({ additionals }: Message): string | undefined {
  const data = additionals.find(({ type }) => type === TYPE.OPT)?.data;
  return data && data.length > 6 && data.readUInt16BE(0) === 15 ? data.toString('utf8', 6) : undefined;
}

export function exchange(bytes: Buffer, { at, transport = 'tcp' }: SendSettings): Promise<Buffer> {
  return transport === 'tcp' ? overTcp(bytes, at) : overUdp(bytes, at);
}

function overTcp(bytes: Buffer, at: string): Promise<Buffer> {
  const socket = openTcp(at);
  socket.write(withLength(bytes));
  return firstMessage(socket).finally(() => socket.destroy());
}

export function openTcp(at: string): Socket {
  const { address: host, port } = parseServerAddress(at);
  return connect({ host, port });
}

/** @throws where the server ends the connection */
export async function firstMessage(socket: Socket): Promise<Buffer> {
  const [message] = await messages(socket, 1);
  if (!message) throw new Error('closed without an answer');
  return message;
}

/** As many messages as come before the end, at most `count`. */
export function messages(socket: Socket, count: number): Promise<Buffer[]> {
  const read = createMessageReader();
  const received: Buffer[] = [];
  return new Promise((resolve, reject) => {
    socket
      .on('error', reject)
      .on('close', () => resolve(received))
      .on('data', (chunk) => {
        received.push(...read(chunk));
        if (received.length >= count) resolve(received);
      });
  });
}

/** Repeated until the answer comes, as clients do: a busy system loses messages. */
function overUdp(bytes: Buffer, at: string): Promise<Buffer> {
  const { address, port } = parseServerAddress(at);
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  const repeating = setInterval(() => socket.send(bytes, port, address), 1000);
  return new Promise<Buffer>((resolve, reject) => {
    socket.on('error', reject).on('message', resolve);
    socket.send(bytes, port, address);
  }).finally(() => {
    clearInterval(repeating);
    socket.close();
  });
}

export const add = (name: string, value: string): OutgoingRecord => ({
  name,
  type: TYPE.TXT,
  class: CLASS.IN,
  ttl: 60,
  data: encodeTxt(value),
});
export const remove = (name: string, value: string): OutgoingRecord => ({
  ...add(name, value),
  class: CLASS.NONE,
  ttl: 0,
});
/** All TXT records, or all records at all. */
export const clear = (name: string, type: number = TYPE.TXT): OutgoingRecord => ({
  name,
  type,
  class: CLASS.ANY,
  ttl: 0,
  data: Buffer.alloc(0),
});

/** An update of example.com, unless another zone is given. */
export const updateOf = (changes: readonly OutgoingRecord[], more: Partial<OutgoingMessage> = {}): OutgoingMessage =>
  request({ questions: [{ name: 'example.com', type: TYPE.SOA }], authorities: changes, ...more });

export const question = (name: string, type: number): OutgoingMessage =>
  request({ questions: [{ name, type }] }, OPCODE.QUERY);
