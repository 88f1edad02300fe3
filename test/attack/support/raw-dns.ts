import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import {
  CLASS,
  decodeMessage,
  encodeMessage,
  encodeName,
  FLAG,
  type OutgoingMessage,
  type OutgoingRecord,
  TYPE,
} from '../../../src/dns/wire.ts';
import { createMessageReader, withLength } from '../../../src/dns/wire-framing.ts';

export interface RawQuestion {
  readonly name: string;
  readonly type: keyof typeof TYPE | undefined;
}

/** An answer without id and question, or the very bytes of one. */
export type RawAnswer = Omit<Partial<OutgoingMessage>, 'id' | 'questions'> | Buffer | undefined;

export interface RawDns {
  readonly at: string;
  readonly port: number;
  readonly questions: RawQuestion[];
  close(): Promise<void>;
}

/** A DNS server on loopback that says whatever it is made to say, over UDP and TCP; undefined is silence. */
export async function startRawDns(
  answer: (question: RawQuestion, query: Buffer, transport: 'udp' | 'tcp') => RawAnswer,
  address = '127.0.0.1',
): Promise<RawDns> {
  const questions: RawQuestion[] = [];
  const reply = (query: Buffer, transport: 'udp' | 'tcp'): Buffer | undefined => {
    const { id, questions: asked } = decodeMessage(query);
    const [first] = asked;
    if (!first) return undefined;
    const type = (Object.keys(TYPE) as (keyof typeof TYPE)[]).find((key) => TYPE[key] === first.type);
    const question = { name: first.name, type };
    questions.push(question);
    const given = answer(question, query, transport);
    if (given === undefined || Buffer.isBuffer(given)) return given;
    const message = {
      ...given,
      id,
      flags: given.flags ?? FLAG.RESPONSE | FLAG.AUTHORITATIVE,
      questions: [{ name: first.wireName, type: first.type }],
    };
    const bytes = encodeMessage(message);
    if (transport === 'tcp' || bytes.length <= 1232) return bytes;
    return encodeMessage({ id, flags: message.flags | FLAG.TRUNCATED, questions: message.questions });
  };
  const udp = createSocket('udp4');
  udp.on('message', (query, from) => {
    const bytes = reply(query, 'udp');
    if (bytes) udp.send(bytes, from.port, from.address);
  });
  udp.bind(0, address);
  await once(udp, 'listening');
  const { port } = udp.address();
  const tcp = createServer((socket) => {
    const messagesIn = createMessageReader();
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      for (const query of messagesIn(chunk)) {
        const bytes = reply(query, 'tcp');
        if (bytes) socket.write(withLength(bytes));
      }
    });
  });
  tcp.listen(port, address);
  try {
    await once(tcp, 'listening');
  } catch {
    // Somebody else has that port for TCP.
    udp.close();
    return startRawDns(answer, address);
  }
  return {
    at: `${address}:${port}`,
    port,
    questions,
    async close() {
      udp.close();
      tcp.close();
    },
  };
}

export const record = (name: string | Buffer, type: keyof typeof TYPE, data: Buffer): OutgoingRecord => ({
  name,
  type: TYPE[type],
  class: CLASS.IN,
  ttl: 60,
  data,
});

/** A name whose first labels are these bytes, whatever they are. */
export function rawName(labels: readonly (string | Buffer)[], below: string): Buffer {
  const bytes = labels.map((label) => (typeof label === 'string' ? Buffer.from(label) : label));
  return Buffer.concat([...bytes.flatMap((label) => [Buffer.of(label.length), label]), encodeName(below)]);
}

export function soa(zone: string | Buffer): OutgoingRecord {
  const numbers = Buffer.alloc(20);
  numbers.writeUInt32BE(60, 16);
  const server = encodeName('ns.invalid');
  return record(zone, 'SOA', Buffer.concat([server, server, numbers]));
}
