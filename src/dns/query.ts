import { createSocket } from 'node:dgram';
import { setMaxListeners } from 'node:events';
import { connect, isIPv6 } from 'node:net';
import { type DnsMessage, decodeAnswer, encodeQuery, type QueryFlags, type Question } from './message.ts';
import { formatServerAddress, type ServerAddress } from './server-address.ts';
import { traceQuery } from './trace.ts';
import { createMessageReader, withLength } from './wire-framing.ts';

/** The result of a query to one server. */
export type QueryResult =
  | { readonly kind: 'answer'; readonly message: DnsMessage }
  /** No answer came in time, or the server's machine refuses the packet. */
  | { readonly kind: 'silent'; readonly reason: string }
  /** This machine has no route to that address, which says nothing about the server. */
  | { readonly kind: 'unreachable'; readonly reason: string };

export interface QueryOptions extends Omit<QueryFlags, 'edns'> {
  /** For the whole query: UDP, again without EDNS, TCP. */
  readonly timeoutMs: number;
  /** False: not even at first with EDNS. */
  readonly edns?: boolean | undefined;
  /** Only this way, and an answer that is too long for UDP comes as it is. Default: UDP, then TCP where it is needed. */
  readonly transport?: 'udp' | 'tcp' | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Errors that mean: this machine has no route or no such address family. EHOSTUNREACH is not one of them, because a
 * router sends it for a server that is switched off.
 */
const UNREACHABLE = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENETDOWN', 'EINVAL']);

/** Answers of servers that know no EDNS (RFC 6891 section 7). */
const NO_EDNS = new Set(['FORMERR', 'NOTIMP']);

/** Queries one server: by UDP, by TCP where the answer is too long (RFC 1035 section 4.2), without EDNS if need be. */
export async function query(server: ServerAddress, question: Question, options: QueryOptions): Promise<QueryResult> {
  const end = performance.now() + options.timeoutMs;
  const attempt = (edns: boolean): Attempt => ({ ...options, server, question, edns, end });
  const send = options.transport === 'tcp' ? overTcp : overUdp;
  const first = await send(attempt(options.edns ?? true));
  const edns = options.edns !== false && (first.kind !== 'answer' || !NO_EDNS.has(first.message.rcode));
  const result = edns || options.edns === false ? first : await send(attempt(false));
  const isCut = result.kind === 'answer' && result.message.truncated && options.transport === undefined;
  return isCut ? overTcp(attempt(edns)) : result;
}

interface Attempt extends QueryOptions {
  readonly server: ServerAddress;
  readonly question: Question;
  readonly edns: boolean;
  /** On the clock of `performance.now`. */
  readonly end: number;
}

const overUdp = (attempt: Attempt) => traced('udp', attempt, byUdp);

const overTcp = (attempt: Attempt) => traced('tcp', attempt, byTcp);

function traced(
  transport: 'udp' | 'tcp',
  attempt: Attempt,
  ask: (attempt: Attempt) => Promise<QueryResult>,
): Promise<QueryResult> {
  const about = () => ({ transport, server: formatServerAddress(attempt.server), ...attempt.question });
  return traceQuery(about, () => ask(attempt));
}

async function byUdp(attempt: Attempt): Promise<QueryResult> {
  if (attempt.signal?.aborted) return STOPPED;
  const { server, question } = attempt;
  const bytes = encodeQuery(question, attempt);
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
  let again: NodeJS.Timeout | undefined;
  const close = () => {
    clearTimeout(again);
    socket.close();
  };
  return firstResult(attempt, close, (settle) => {
    const send = () => socket.send(bytes, (error) => error && settle(failed(error)));
    socket.on('error', (error) => settle(failed(error)));
    socket.on('message', (received) => {
      const message = decodeAnswer(received, bytes, question);
      if (message) settle({ kind: 'answer', message });
    });
    // A connected socket only takes packets from that address, and gets an error when the port is closed.
    socket.on('connect', () => {
      send();
      // One lost packet must not cost the whole time.
      again = setTimeout(send, (attempt.end - performance.now()) / 2);
    });
    socket.connect(server.port, server.address);
  });
}

async function byTcp(attempt: Attempt): Promise<QueryResult> {
  if (attempt.signal?.aborted) return STOPPED;
  const { server, question } = attempt;
  const bytes = encodeQuery(question, attempt);
  const socket = connect({ host: server.address, port: server.port });
  const messagesIn = createMessageReader();
  return firstResult(
    attempt,
    () => socket.destroy(),
    (settle) => {
      socket.on('error', (error) => settle(failed(error)));
      socket.on('end', () => settle({ kind: 'silent', reason: 'closed the TCP connection' }));
      socket.on('connect', () => socket.write(withLength(bytes)));
      socket.on('data', (chunk) => {
        const [first] = messagesIn(chunk);
        if (!first) return;
        const message = decodeAnswer(first, bytes, question);
        settle(
          message ? { kind: 'answer', message } : { kind: 'silent', reason: 'sent an unreadable answer over TCP' },
        );
      });
    },
  );
}

/** The first result counts, from the server, the clock or the signal. Everything is closed then. */
function firstResult(
  { end, timeoutMs, signal }: Attempt,
  close: () => void,
  listen: (settle: (result: QueryResult) => void) => void,
): Promise<QueryResult> {
  return new Promise((resolve) => {
    let open = true;
    const settle = (result: QueryResult) => {
      if (!open) return;
      open = false;
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      close();
      resolve(result);
    };
    const stop = () => settle(STOPPED);
    const timer = setTimeout(() => settle(silent(timeoutMs)), end - performance.now());
    // Dozens of queries wait on one signal at a time. That is not a leak.
    if (signal) setMaxListeners(0, signal);
    signal?.addEventListener('abort', stop);
    try {
      listen(settle);
    } catch (error) {
      settle(failed(error as Error));
    }
  });
}

const STOPPED: QueryResult = { kind: 'silent', reason: 'the wait for it was stopped' };

const silent = (timeoutMs: number): QueryResult => ({
  kind: 'silent',
  reason: `no answer within ${secondsText(timeoutMs)}`,
});

/** `1.5 s`. */
export const secondsText = (milliseconds: number): string => `${Number((milliseconds / 1000).toFixed(2))} s`;

function failed(error: Error): QueryResult {
  const code = 'code' in error ? String(error.code) : '';
  if (UNREACHABLE.has(code)) return { kind: 'unreachable', reason: `cannot be reached from here (${code})` };
  return { kind: 'silent', reason: code === 'ECONNREFUSED' ? 'refuses connections' : error.message };
}
