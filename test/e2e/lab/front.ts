import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import * as dnsPacket from 'dns-packet';
import type { Endpoint } from './addresses.ts';

export interface FrontQuestion {
  name: string;
  type: string;
}

type Heard = (question: FrontQuestion) => void;

/**
 * Gives a DNS server one more address, for UDP and TCP, and tells what is asked there.
 * Needed for BIND, which listens only on addresses that a network interface has, of all 127/8 only on 127.0.0.1.
 */
export async function openFront(front: Endpoint, behind: Endpoint, heard: Heard): Promise<() => Promise<void>> {
  const closeUdp = await relayDatagrams(front, behind, heard);
  try {
    const closeTcp = await relayStreams(front, behind, heard);
    return async () => {
      await Promise.all([closeUdp(), closeTcp()]);
    };
  } catch (error) {
    await closeUdp();
    throw error;
  }
}

async function relayDatagrams(front: Endpoint, behind: Endpoint, heard: Heard): Promise<() => Promise<void>> {
  const socket = createSocket('udp4');
  const answersDue = new Set<() => void>();

  socket.on('message', (question, client) => {
    tell(heard, question);
    const upstream = createSocket('udp4');
    const done = () => {
      clearTimeout(patience);
      answersDue.delete(done);
      upstream.close();
    };
    const patience = setTimeout(done, 5000);
    answersDue.add(done);
    upstream.on('error', done);
    upstream.on('message', (answer) => {
      socket.send(answer, client.port, client.address);
      done();
    });
    upstream.send(question, behind.port, behind.host);
  });

  socket.bind(front.port, front.host);
  await once(socket, 'listening');
  return async () => {
    for (const done of [...answersDue]) done();
    await new Promise<void>((closed) => socket.close(closed));
  };
}

async function relayStreams(front: Endpoint, behind: Endpoint, heard: Heard): Promise<() => Promise<void>> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(behind.port, behind.host);
    // On a stream a message comes after its length.
    client.once('data', (chunk: Buffer) => tell(heard, chunk.subarray(2)));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.pipe(other);
      socket.on('error', () => other.destroy());
      socket.on('close', () => open.delete(socket));
    }
  });
  server.listen(front.port, front.host);
  await once(server, 'listening');
  return async () => {
    for (const socket of open) socket.destroy();
    await new Promise((closed) => server.close(closed));
  };
}

function tell(heard: Heard, message: Buffer): void {
  for (const { name, type } of questionsIn(message)) heard({ name: name.toLowerCase(), type });
}

/** What cannot be read is no question; the server behind may make of it what it likes. */
function questionsIn(message: Buffer): dnsPacket.Question[] {
  try {
    return dnsPacket.decode(message).questions ?? [];
  } catch {
    return [];
  }
}
