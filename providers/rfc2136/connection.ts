import { connect, type Socket } from 'node:net';
import { createMessageReader, withLength } from '../../src/dns/wire-framing.ts';
import { Dns01Error } from '../../src/errors.ts';

export interface Endpoint {
  /** An IP address or a host name. */
  readonly host: string;
  readonly port: number;
}

export interface ConnectionSettings {
  readonly server: Endpoint;
  /** Milliseconds for one message and its answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** DNS over TCP (RFC 7766): messages one after the other over one connection, opened when needed. */
export interface Connection {
  /** @throws E_REMOTE; `outcomeUnknown` once the message may have arrived */
  exchange(message: Buffer): Promise<Buffer>;
  close(): void;
}

export function openConnection({ server, timeoutMs, signal }: ConnectionSettings): Connection {
  const where = `${server.host} port ${server.port}`;
  let socket: Socket | undefined;
  /** Some servers close after each answer: from then on every message gets a connection of its own. */
  let isReusable = true;

  function close(): void {
    socket?.destroy();
    socket = undefined;
  }

  /** The open connection, or a new one: servers close idle connections. */
  function connected(): Socket {
    if (socket?.readyState === 'open' && isReusable) return socket;
    close();
    socket = connect({ ...server, noDelay: true }).on('error', () => {});
    return socket;
  }

  function exchange(message: Buffer): Promise<Buffer> {
    const used = connected();
    const isFirst = used.connecting;
    return new Promise((resolve, reject) => {
      let sent = false;
      const messagesIn = createMessageReader();
      const send = () => {
        sent = true;
        used.write(withLength(message));
      };
      const fail = (error: Error) => {
        leave();
        close();
        reject(error);
      };
      const onError = (error: NodeJS.ErrnoException) => fail(broken(where, error.code ?? error.message, sent));
      const onEnd = () => {
        isReusable &&= isFirst;
        fail(broken(where, 'closed', sent));
      };
      const onData = (chunk: Buffer) => {
        const [answer] = messagesIn(chunk);
        if (!answer) return;
        leave();
        resolve(answer);
      };
      const onAbort = () => fail(tooLate(where, sent));
      const timer = setTimeout(() => fail(silent(where, timeoutMs, sent)), timeoutMs);
      const leave = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        used.off('connect', send).off('error', onError).off('end', onEnd).off('close', onEnd).off('data', onData);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      used.on('error', onError).on('end', onEnd).on('close', onEnd).on('data', onData);
      if (isFirst) used.on('connect', send);
      else send();
    });
  }

  return {
    close,
    async exchange(message) {
      if (signal.aborted) throw tooLate(where, false);
      return exchange(message);
    },
  };
}

function broken(where: string, why: string, sent: boolean): Dns01Error {
  if (sent) {
    return new Dns01Error('E_REMOTE', `the connection to ${where} broke before the answer came (${why})`, {
      outcomeUnknown: true,
      hint: 'if it happens again, see the log of the name server',
    });
  }
  return new Dns01Error('E_REMOTE', `no TCP connection to ${where} (${why})`, {
    hint: 'check server and port, that the server listens on TCP, and that no firewall blocks TCP: DNS is often open for UDP only',
  });
}

function silent(where: string, timeoutMs: number, sent: boolean): Dns01Error {
  const what = sent ? 'no answer' : 'no TCP connection';
  return new Dns01Error('E_REMOTE', `${what} from ${where} within ${timeoutMs / 1000} s`, {
    outcomeUnknown: sent,
    hint: 'check server and port, and that no firewall blocks TCP: DNS is often open for UDP only',
  });
}

function tooLate(where: string, sent: boolean): Dns01Error {
  return new Dns01Error('E_REMOTE', `no answer from ${where} before the time limit`, {
    outcomeUnknown: sent,
    hint: 'give more time with --timeout SECONDS',
  });
}
