import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { decodeMessage, encodeMessage, FLAG, type Message, TYPE, UDP_PAYLOAD } from '../../src/dns/wire.ts';
import { createMessageReader, withLength } from '../../src/dns/wire-framing.ts';
import { answer, failure, type ServedZone, truncated } from './answer.ts';

export interface Nameserver {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface NameserverSettings {
  readonly address: string;
  /** 0 for any free one. */
  readonly port: number;
  /** The zones as they are now: called for every query, so that a change is served at once. */
  zones(): Promise<readonly ServedZone[]>;
  /** Called with our own fault that kept a query from being answered. */
  failed(error: unknown): void;
}

/** The size of a UDP answer for a client without EDNS (RFC 1035 section 4.2.1). */
const PLAIN_UDP_SIZE = 512;
/** The length in front of a message over TCP has two bytes. */
const MAX_TCP_SIZE = 0xffff;

const TCP_IDLE_MS = 10_000;
const MAX_TCP_CONNECTIONS = 100;

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
    // A port that is free for UDP may be taken for TCP: try another one, where any is allowed.
    if (settings.port === 0 && (error as { code?: string }).code === 'EADDRINUSE') return startNameserver(settings);
    throw error;
  }
}

/** The answer's bytes; undefined for a message that is not a query and gets no answer. */
async function respond(
  bytes: Buffer,
  settings: NameserverSettings,
  limit: (query: Message) => number,
): Promise<Buffer | undefined> {
  const query = decode(bytes);
  if (!query || (query.flags & FLAG.RESPONSE) !== 0) return undefined;
  try {
    const response = answer(query, await settings.zones());
    const whole = encodeMessage(response);
    return whole.length <= limit(query) ? whole : encodeMessage(truncated(response));
  } catch (error) {
    settings.failed(error);
    return encodeMessage(failure(query));
  }
}

function decode(bytes: Buffer): Message | undefined {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The class of the OPT record is the size that the client accepts (RFC 6891 section 6.1.2). */
function udpLimit({ additionals }: Message): number {
  const payload = additionals.find(({ type }) => type === TYPE.OPT)?.class ?? 0;
  return Math.min(UDP_PAYLOAD, Math.max(PLAIN_UDP_SIZE, payload));
}

function listenUdp(settings: NameserverSettings): Promise<UdpSocket> {
  const socket = createSocket(isIPv6(settings.address) ? 'udp6' : 'udp4');
  socket.on('message', async (bytes, from) => {
    const response = await respond(bytes, settings, udpLimit);
    try {
      if (response) socket.send(response, from.port, from.address, () => {});
    } catch (error) {
      // The server was closed in the meantime, or the client claims to have port 0.
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
  // A client may close its side right after its last query and still expect the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    // The pipeline reads no further query until the client takes its answers, and ends with the connection in every case.
    pipeline(socket, (chunks: AsyncIterable<Buffer>) => answers(chunks, settings), socket).catch(() => {});
  });
  server.maxConnections = MAX_TCP_CONNECTIONS;
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

/** An unreadable message ends the connection. */
async function* answers(chunks: AsyncIterable<Buffer>, settings: NameserverSettings): AsyncGenerator<Buffer> {
  const messagesIn = createMessageReader();
  for await (const chunk of chunks) {
    for (const message of messagesIn(chunk)) {
      const response = await respond(message, settings, () => MAX_TCP_SIZE);
      if (!response) return;
      yield withLength(response);
    }
  }
}
