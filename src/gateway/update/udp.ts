import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { type Message, TYPE, UDP_PAYLOAD } from '../../dns/wire.ts';
import type { Received } from './front.ts';

export interface Listener {
  readonly port: number;
  /** Takes no more requests and answers those that have begun. */
  close(): Promise<void>;
}

export interface ListenerSettings {
  readonly address: string;
  /** 0 for any free one. */
  readonly port: number;
  answer(received: Received): Promise<Buffer | undefined>;
  /** Called with our own fault that kept a request from being answered. */
  failed(error: unknown): void;
}

/** The size of an answer for a client without EDNS (RFC 1035 section 4.2.1). */
const PLAIN_UDP_SIZE = 512;

export async function listenUdp({ address, port, answer, failed }: ListenerSettings): Promise<Listener> {
  const isV6 = isIPv6(address);
  const socket = createSocket({ type: isV6 ? 'udp6' : 'udp4', ipv6Only: isV6 });
  const underWay = new Set<Promise<void>>();
  let closing = false;

  async function respond(bytes: Buffer, from: RemoteInfo): Promise<void> {
    try {
      const response = await answer({ bytes, ip: from.address, limit: udpLimit });
      if (response) await send(socket, response, from);
    } catch (error) {
      failed(error);
    }
  }

  socket.on('message', (bytes, from) => {
    if (closing) return;
    const work: Promise<void> = respond(bytes, from).finally(() => underWay.delete(work));
    underWay.add(work);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, () => {
      socket.off('error', reject).on('error', failed);
      resolve();
    });
  });
  return {
    port: socket.address().port,
    async close() {
      closing = true;
      await Promise.all(underWay);
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

/** A client may claim to have port 0, or a network that cannot be reached. That is its own loss. */
function send(socket: Socket, response: Buffer, { port, address }: RemoteInfo): Promise<void> {
  return new Promise((resolve) => {
    try {
      socket.send(response, port, address, () => resolve());
    } catch {
      resolve();
    }
  });
}

/** The class of the OPT record is the size that the client accepts (RFC 6891 section 6.1.2). */
function udpLimit({ additionals }: Message): number {
  const payload = additionals.find(({ type }) => type === TYPE.OPT)?.class ?? 0;
  return Math.min(UDP_PAYLOAD, Math.max(PLAIN_UDP_SIZE, payload));
}
