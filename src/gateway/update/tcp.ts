import { type AddressInfo, createServer, isIPv6, type Socket } from 'node:net';
import pLimit from 'p-limit';
import { createMessageReader, withLength } from '../../dns/wire-framing.ts';
import { ipOf, limitConnections } from '../connections.ts';
import type { Listener, ListenerSettings } from './udp.ts';

/** Milliseconds that a client has for its next message, from the first byte to the last. It may wait for answers as long as it likes. */
const IDLE_MS = 10_000;

/** Milliseconds without a byte after which the system checks that the client is still there. */
const PROBE_AFTER_MS = 30_000;

/** Messages of one connection that are answered at the same time. No more are read meanwhile. */
const MAX_AT_ONCE = 16;

/** The length in front of a message has two bytes. */
const MAX_MESSAGE_BYTES = 0xffff;

/** DNS over TCP (RFC 7766): a connection may carry many messages, and answers come as they are ready. */
export async function listenTcp(settings: ListenerSettings): Promise<Listener> {
  const { address, port } = settings;
  // A client may close its side right after its last message and still expect the answers.
  const server = createServer({ allowHalfOpen: true, keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS });
  const connections = limitConnections(server, false);
  let closing = false;
  server.on('connection', (socket: Socket) =>
    serve(socket, settings, {
      isClosing: () => closing,
      begun: () => connections.working(socket, 1),
      done() {
        connections.working(socket, -1);
        if (closing) connections.closeIdle();
      },
    }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ host: address, port, ipv6Only: isIPv6(address) }, () => {
      // A connection that the system cannot accept, for want of a free descriptor, must not end the server.
      server.off('error', reject).on('error', () => {});
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      closing = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      connections.closeIdle();
      return closed;
    },
  };
}

interface Progress {
  isClosing(): boolean;
  begun(): void;
  done(): void;
}

function serve(socket: Socket, { answer, failed }: ListenerSettings, { isClosing, begun, done }: Progress): void {
  const ip = ipOf(socket);
  const messagesIn = createMessageReader();
  const line = pLimit(MAX_AT_ONCE);
  let unanswered = 0;
  let ended = false;
  let patience: NodeJS.Timeout | undefined;

  const wait = () => {
    clearTimeout(patience);
    patience = setTimeout(() => socket.destroy(), IDLE_MS);
  };

  async function respond(bytes: Buffer): Promise<void> {
    try {
      if (socket.destroyed || isClosing()) return;
      const response = await answer({ bytes, ip, limit: () => MAX_MESSAGE_BYTES });
      // Bytes that are no request: nothing after them can be trusted to be one.
      if (!response) return void socket.destroy();
      if (!socket.destroyed && !socket.write(withLength(response))) await drained(socket);
    } catch (error) {
      failed(error);
      socket.destroy();
    }
  }

  function take(bytes: Buffer): void {
    unanswered++;
    begun();
    clearTimeout(patience);
    void line(() => respond(bytes)).then(() => {
      unanswered--;
      if (unanswered === 0) {
        if (ended) socket.end();
        else wait();
      }
      if (unanswered < MAX_AT_ONCE) socket.resume();
      done();
    });
  }

  socket
    .on('error', () => {})
    .on('close', () => clearTimeout(patience))
    .on('data', (chunk: Buffer) => {
      for (const message of messagesIn(chunk)) take(message);
      if (unanswered >= MAX_AT_ONCE) socket.pause();
    })
    .on('end', () => {
      ended = true;
      if (unanswered === 0) socket.end();
    });
  wait();
}

/** Resolves when the client takes its answers again, or has gone. A client that takes none has as much time as one that sends none. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), IDLE_MS);
    const finish = () => {
      clearTimeout(timer);
      socket.off('drain', finish).off('close', finish);
      resolve();
    };
    socket.on('drain', finish).on('close', finish);
  });
}
