import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type Answer, refuse } from './answer.ts';
import { limitConnections } from './connections.ts';
import { type ListenAddress, listen } from './listen.ts';

/** Milliseconds that a client has to send its part. It may then wait for the answer as long as it likes. */
const TLS_HANDSHAKE_TIMEOUT_MS = 5000;
const HEADERS_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 5000;

/** How often Node looks for connections that are over these limits. */
const CHECK_INTERVAL_MS = 1000;

/** Milliseconds without a byte after which the system checks that the client is still there. */
const PROBE_AFTER_MS = 30_000;

const JSON_TYPE = { 'content-type': 'application/json' };

/** PEM texts. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface ServerSettings {
  readonly listen: ListenAddress;
  readonly tls?: TlsFiles | undefined;
  /** True for load balancers, which have many connections. */
  isProxy?(address: string): boolean;
  /** Called before a connection is accepted and before a request is read. */
  refresh(): void;
  answer(request: IncomingMessage): Promise<Answer>;
  /** Called after every answer. */
  answered(request: IncomingMessage, answer: Answer, took: Answered): void;
}

export interface Answered {
  readonly milliseconds: number;
  /** The client has gone before. */
  readonly gone: boolean;
}

export interface RunningServer {
  /** The address in the form of the config, with the real port. */
  readonly at: string;
  /** For new connections. */
  setTls(tls: TlsFiles): void;
  /** Takes no more requests and finishes those that have begun. */
  close(): Promise<void>;
}

/** @throws E_CONFIG for an address that it cannot listen on */
export async function startServer(settings: ServerSettings): Promise<RunningServer> {
  const { tls, refresh } = settings;
  const handler = (request: IncomingMessage, response: ServerResponse) => void respond(request, response);
  const timing = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    keepAlive: true,
    keepAliveInitialDelay: PROBE_AFTER_MS,
  };
  const secure = tls && createHttpsServer({ ...timing, ...tls, handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS }, handler);
  const server = secure ?? createHttpServer(timing, handler);
  const connections = limitConnections(server, secure !== undefined, settings.isProxy);
  server.prependListener('connection', refresh);
  let closing = false;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    connections.working(request.socket, 1);
    const patience = setTimeout(() => {
      if (!request.complete) request.destroy();
    }, REQUEST_TIMEOUT_MS);
    refresh();
    const answer = await (closing
      ? refuse(503, 'the server is stopping')
      : settings.answer(request).catch(() => refuse(500, 'failed')));
    clearTimeout(patience);
    const gone = response.destroyed || request.socket.destroyed;
    if (closing || !request.complete) response.setHeader('connection', 'close');
    response
      .on('error', () => {})
      .on('close', () => {
        connections.working(request.socket, -1);
        if (closing) connections.closeIdle();
      })
      .writeHead(answer.status, { ...(answer.body === '' ? {} : JSON_TYPE), ...answer.headers })
      .end(typeof answer.body === 'string' ? answer.body : `${JSON.stringify(answer.body)}\n`);
    settings.answered(request, answer, { milliseconds: Math.round(performance.now() - started), gone });
  }

  const at = await listen(server, settings.listen, secure !== undefined);
  return {
    at,
    setTls: (files) => secure?.setSecureContext(files),
    close() {
      closing = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      connections.closeIdle();
      return closed;
    },
  };
}
