import { createSocket } from 'node:dgram';
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

/** Errors that mean: no route, no such address family here. */
const UNREACHABLE = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENETDOWN', 'EINVAL']);

/** Ask one server one question: UDP first, TCP when the answer did not fit (RFC 1035 section 4.2), plain DNS for old servers. */
export async function ask(server: ServerAddress, question: Question, options: AskOptions): Promise<Reply> {
  const first = await overUdp(server, question, options, true);
  if (first.kind !== 'answer') return first;
  const reply = NO_EDNS.has(first.message.rcode) ? await overUdp(server, question, options, false) : first;
  return reply.kind === 'answer' && reply.message.truncated ? overTcp(server, question, options) : reply;
}

const NO_EDNS = new Set(['FORMERR', 'NOTIMP']);

function overUdp(server: ServerAddress, question: Question, options: AskOptions, edns: boolean): Promise<Reply> {
  const query = encodeQuestion(question, { recursive: options.recursive, edns });
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
    const timers = [
      setTimeout(() => finish(silent(options.timeout)), options.timeout),
      // One lost packet should not cost the whole time.
      setTimeout(() => socket.send(query, ignore), options.timeout / 2),
    ];
    const finish = (reply: Reply) => {
      timers.forEach(clearTimeout);
      options.signal?.removeEventListener('abort', stop);
      socket.removeAllListeners().on('error', ignore);
      socket.close(ignore);
      resolve(reply);
    };
    const stop = () => finish({ kind: 'silent', reason: 'stopped' });
    options.signal?.addEventListener('abort', stop, { once: true });
    socket.on('error', (error) => finish(failed(error)));
    socket.on('message', (bytes) => {
      const message = decodeAnswer(bytes, query, question);
      if (message) finish({ kind: 'answer', message });
    });
    // A connected socket takes packets from that address alone, and hears when the port is closed.
    socket.on('connect', () => socket.send(query, (error) => error && finish(failed(error))));
    try {
      socket.connect(server.port, server.address);
    } catch (error) {
      finish(failed(error as Error));
    }
  });
}

function overTcp(server: ServerAddress, question: Question, options: AskOptions): Promise<Reply> {
  const query = encodeQuestion(question, { recursive: options.recursive, edns: true });
  return new Promise((resolve) => {
    const socket = connect({ host: server.address, port: server.port });
    let received = Buffer.alloc(0);
    const timer = setTimeout(() => finish(silent(options.timeout)), options.timeout);
    const finish = (reply: Reply) => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', stop);
      socket.removeAllListeners().on('error', ignore);
      socket.destroy();
      resolve(reply);
    };
    const stop = () => finish({ kind: 'silent', reason: 'stopped' });
    options.signal?.addEventListener('abort', stop, { once: true });
    socket.on('error', (error) => finish(failed(error)));
    socket.on('end', () => finish({ kind: 'silent', reason: 'closed the TCP connection' }));
    socket.on('connect', () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(query.length);
      socket.write(Buffer.concat([length, query]));
    });
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const message = decodeAnswer(received.subarray(2, 2 + received.readUInt16BE(0)), query, question);
      finish(message ? { kind: 'answer', message } : { kind: 'silent', reason: 'sent an unreadable answer over TCP' });
    });
  });
}

const silent = (timeout: number): Reply => ({ kind: 'silent', reason: `no answer within ${timeout / 1000} s` });

function failed(error: Error): Reply {
  const code = 'code' in error ? String(error.code) : '';
  if (UNREACHABLE.has(code)) return { kind: 'unreachable', reason: `cannot be reached from here (${code})` };
  return { kind: 'silent', reason: code === 'ECONNREFUSED' ? 'refuses connections' : error.message };
}

const ignore = (): void => {};
