import { createSocket } from 'node:dgram';
import { setMaxListeners } from 'node:events';
import { connect, isIPv6 } from 'node:net';
import { type DnsMessage, decodeAnswer, encodeQuestion, type Question } from './message.ts';
import type { ServerAddress } from './server-address.ts';

/** What came of asking one server. */
export type Reply =
  | { readonly kind: 'answer'; readonly message: DnsMessage }
  /** Nothing came back in time, or the server's machine refuses. */
  | { readonly kind: 'silent'; readonly reason: string }
  /** This machine has no way to that address: it says nothing about the server. */
  | { readonly kind: 'unreachable'; readonly reason: string };

export interface AskOptions {
  readonly recursive: boolean;
  /** Milliseconds for everything. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Errors that mean: no route, no such address family here. EHOSTUNREACH is none of them: a router says it of a server
 * that is switched off.
 */
const UNREACHABLE = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENETDOWN', 'EINVAL']);

/** Answers of servers that know no EDNS (RFC 6891 section 7). */
const NO_EDNS = new Set(['FORMERR', 'NOTIMP']);

/** Ask one server one question: UDP first, TCP when the answer did not fit (RFC 1035 section 4.2), plain DNS for old servers. */
export async function ask(server: ServerAddress, question: Question, options: AskOptions): Promise<Reply> {
  const end = performance.now() + options.timeout;
  const attempt = (edns: boolean): Attempt => ({ server, question, edns, end, ...options });
  const first = await overUdp(attempt(true));
  const edns = first.kind !== 'answer' || !NO_EDNS.has(first.message.rcode);
  const reply = edns ? first : await overUdp(attempt(false));
  return reply.kind === 'answer' && reply.message.truncated ? overTcp(attempt(edns)) : reply;
}

interface Attempt extends AskOptions {
  readonly server: ServerAddress;
  readonly question: Question;
  readonly edns: boolean;
  /** On the clock of `performance.now`. */
  readonly end: number;
}

async function overUdp(attempt: Attempt): Promise<Reply> {
  if (attempt.signal?.aborted) return STOPPED;
  const { server, question } = attempt;
  const query = encodeQuestion(question, attempt);
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
  let again: NodeJS.Timeout | undefined;
  const close = () => {
    clearTimeout(again);
    socket.close();
  };
  return firstReply(attempt, close, (reply) => {
    const send = () => socket.send(query, (error) => error && reply(failed(error)));
    socket.on('error', (error) => reply(failed(error)));
    socket.on('message', (bytes) => {
      const message = decodeAnswer(bytes, query, question);
      if (message) reply({ kind: 'answer', message });
    });
    // A connected socket takes packets from that address alone, and hears when the port is closed.
    socket.on('connect', () => {
      send();
      // One lost packet should not cost the whole time.
      again = setTimeout(send, (attempt.end - performance.now()) / 2);
    });
    socket.connect(server.port, server.address);
  });
}

async function overTcp(attempt: Attempt): Promise<Reply> {
  if (attempt.signal?.aborted) return STOPPED;
  const { server, question } = attempt;
  const query = encodeQuestion(question, attempt);
  const socket = connect({ host: server.address, port: server.port });
  let received = Buffer.alloc(0);
  return firstReply(
    attempt,
    () => socket.destroy(),
    (reply) => {
      socket.on('error', (error) => reply(failed(error)));
      socket.on('end', () => reply({ kind: 'silent', reason: 'closed the TCP connection' }));
      socket.on('connect', () => socket.write(Buffer.concat([lengthOf(query), query])));
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk]);
        if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
        const message = decodeAnswer(received.subarray(2, 2 + received.readUInt16BE(0)), query, question);
        reply(message ? { kind: 'answer', message } : { kind: 'silent', reason: 'sent an unreadable answer over TCP' });
      });
    },
  );
}

/** Every message over TCP comes with its length before it. */
function lengthOf(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return length;
}

/** What comes first counts, be it from the server, the clock or the signal; whatever comes then, everything is closed. */
function firstReply(
  { end, timeout, signal }: Attempt,
  close: () => void,
  listen: (reply: (reply: Reply) => void) => void,
): Promise<Reply> {
  return new Promise((resolve) => {
    let open = true;
    const reply = (what: Reply) => {
      if (!open) return;
      open = false;
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      close();
      resolve(what);
    };
    const stop = () => reply(STOPPED);
    const timer = setTimeout(() => reply(silent(timeout)), end - performance.now());
    // Dozens of questions wait on one signal at a time, which is no leak.
    if (signal) setMaxListeners(0, signal);
    signal?.addEventListener('abort', stop);
    try {
      listen(reply);
    } catch (error) {
      reply(failed(error as Error));
    }
  });
}

const STOPPED: Reply = { kind: 'silent', reason: 'was not waited for any longer' };

const silent = (timeout: number): Reply => ({ kind: 'silent', reason: `no answer within ${timeout / 1000} s` });

function failed(error: Error): Reply {
  const code = 'code' in error ? String(error.code) : '';
  if (UNREACHABLE.has(code)) return { kind: 'unreachable', reason: `cannot be reached from here (${code})` };
  return { kind: 'silent', reason: code === 'ECONNREFUSED' ? 'refuses connections' : error.message };
}
