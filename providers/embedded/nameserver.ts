import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import * as dnsPacket from 'dns-packet';
import { answer, type ServedZone } from './answer.ts';

export interface Nameserver {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface NameserverSettings {
  readonly address: string;
  /** 0 for any free one. */
  readonly port: number;
  /** The zones as they are now: read again for every question, so that a change is served at once. */
  zones(): Promise<readonly ServedZone[]>;
  /** Told of questions that could not be answered because of a fault here. */
  failed(error: unknown): void;
}

/** What fits into a UDP answer for an asker without EDNS (RFC 1035 section 4.2.1). */
const PLAIN_UDP_SIZE = 512;
const LARGEST_UDP_SIZE = 1232;

/** Milliseconds that a silent TCP connection is kept. */
const TCP_IDLE = 10_000;
const TCP_CONNECTIONS = 100;

/** An authoritative server for a few zones, over UDP and TCP on one port. */
export async function startNameserver(settings: NameserverSettings): Promise<Nameserver> {
  const udp = await listenUdp(settings);
  const { port } = udp.address();
  try {
    const tcp = await listenTcp({ ...settings, port });
    return {
      address: settings.address,
      port,
      async close() {
        await Promise.all([
          new Promise<void>((resolve) => udp.close(() => resolve())),
          new Promise<void>((resolve) => tcp.close(() => resolve())),
        ]);
      },
    };
  } catch (error) {
    udp.close();
    throw error;
  }
}

async function respond(bytes: Buffer, settings: NameserverSettings, udpLimit?: number): Promise<Buffer | undefined> {
  try {
    const query = dnsPacket.decode(bytes);
    if (query.type !== 'query') return undefined;
    const response = answer(query, await settings.zones());
    const whole = dnsPacket.encode(response);
    if (udpLimit === undefined || whole.length <= Math.min(udpLimit, askedSize(query))) return whole;
    const flags = (response.flags ?? 0) | dnsPacket.TRUNCATED_RESPONSE;
    return dnsPacket.encode({ ...response, flags, answers: [], authorities: [] });
  } catch (error) {
    settings.failed(error);
    return undefined;
  }
}

function askedSize(query: dnsPacket.DecodedPacket): number {
  const opt = (query.additionals ?? []).find(({ type }) => type === 'OPT') as { udpPayloadSize?: number } | undefined;
  return Math.max(PLAIN_UDP_SIZE, opt?.udpPayloadSize ?? PLAIN_UDP_SIZE);
}

function listenUdp(settings: NameserverSettings): Promise<UdpSocket> {
  const socket = createSocket(isIPv6(settings.address) ? 'udp6' : 'udp4');
  socket.on('message', async (bytes, from) => {
    const response = await respond(bytes, settings, LARGEST_UDP_SIZE);
    if (response) socket.send(response, from.port, from.address, () => {});
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(settings.port, settings.address, () => {
      socket.off('error', reject).on('error', settings.failed);
      resolve(socket);
    });
  });
}

function listenTcp(settings: NameserverSettings): Promise<Server> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.setTimeout(TCP_IDLE, () => socket.destroy());
    socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket));
    answerStream(socket, settings);
  });
  server.maxConnections = TCP_CONNECTIONS;
  const close = server.close.bind(server);
  server.close = (done) => {
    for (const socket of open) socket.destroy();
    return close(done);
  };
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port, settings.address, () => {
      server.off('error', reject).on('error', settings.failed);
      resolve(server);
    });
  });
}

/** Every message on a TCP connection comes with its length before it (RFC 7766 section 8). */
function answerStream(socket: Socket, settings: NameserverSettings): void {
  let received = Buffer.alloc(0);
  socket.on('data', async (chunk) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const query = received.subarray(2, end);
      received = received.subarray(end);
      const response = await respond(query, settings);
      if (!response) return socket.destroy();
      const length = Buffer.alloc(2);
      length.writeUInt16BE(response.length);
      socket.write(Buffer.concat([length, response]));
    }
  });
}
