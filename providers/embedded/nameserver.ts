import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import * as dnsPacket from 'dns-packet';
import { answer, failure, type ServedZone } from './answer.ts';

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
/** The length before a message over TCP has two bytes. */
const LARGEST_TCP_SIZE = 0xffff;

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
    // What is free for UDP may be taken for TCP: another one then, where any will do.
    if (settings.port === 0 && (error as { code?: string }).code === 'EADDRINUSE') return startNameserver(settings);
    throw error;
  }
}

/** The answer's bytes; undefined for what is no question and must not be answered. */
async function respond(
  bytes: Buffer,
  settings: NameserverSettings,
  limit: (query: dnsPacket.DecodedPacket) => number,
): Promise<Buffer | undefined> {
  const query = decode(bytes);
  if (query?.type !== 'query') return undefined;
  try {
    const response = answer(query, await settings.zones());
    const whole = dnsPacket.encode(response);
    return whole.length <= limit(query) ? whole : dnsPacket.encode(truncated(response));
  } catch (error) {
    settings.failed(error);
    return dnsPacket.encode(failure(query));
  }
}

function decode(bytes: Buffer): dnsPacket.DecodedPacket | undefined {
  try {
    return dnsPacket.decode(bytes);
  } catch {
    return undefined;
  }
}

function truncated(response: dnsPacket.Packet): dnsPacket.Packet {
  const flags = (response.flags ?? 0) | dnsPacket.TRUNCATED_RESPONSE;
  return { ...response, flags, answers: [], authorities: [] };
}

function udpLimit(query: dnsPacket.DecodedPacket): number {
  const opt = (query.additionals ?? []).find(({ type }) => type === 'OPT') as { udpPayloadSize?: number } | undefined;
  return Math.min(LARGEST_UDP_SIZE, Math.max(PLAIN_UDP_SIZE, opt?.udpPayloadSize ?? 0));
}

function listenUdp(settings: NameserverSettings): Promise<UdpSocket> {
  const socket = createSocket(isIPv6(settings.address) ? 'udp6' : 'udp4');
  socket.on('message', async (bytes, from) => {
    const response = await respond(bytes, settings, udpLimit);
    try {
      if (response) socket.send(response, from.port, from.address, () => {});
    } catch (error) {
      // The server was closed meanwhile, or the asker claims to have port 0.
      settings.failed(error);
    }
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
  // An asker may close its side right after its last question and still wants the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.setTimeout(TCP_IDLE, () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    // The pipeline reads no further question while answers are not taken, and ends with the connection, however that ends.
    pipeline(socket, (chunks: AsyncIterable<Buffer>) => answers(chunks, settings), socket).catch(() => {});
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

/** Every message on a TCP connection comes with its length before it (RFC 7766 section 8). Nonsense ends it. */
async function* answers(chunks: AsyncIterable<Buffer>, settings: NameserverSettings): AsyncGenerator<Buffer> {
  let received = Buffer.alloc(0);
  for await (const chunk of chunks) {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const response = await respond(received.subarray(2, end), settings, () => LARGEST_TCP_SIZE);
      if (!response) return;
      received = received.subarray(end);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(response.length);
      yield Buffer.concat([length, response]);
    }
  }
}
