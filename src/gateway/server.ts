import { chmodSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Answer } from './handler.ts';

/** Milliseconds. lego waits 30 s for an answer; nobody honest needs longer to ask. */
const HEADERS_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 15_000;
const KEEP_ALIVE = 5000;
const CONNECTIONS = 200;

export interface ListenAddress {
  /** Either host and port, or the path of a Unix socket. */
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
}

export interface ServerSettings {
  readonly listen: ListenAddress;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  answer(request: IncomingMessage): Promise<Answer>;
  /** Told of every request that was answered. */
  answered(request: IncomingMessage, answer: Answer, milliseconds: number): void;
}

export interface RunningServer {
  /** Where it listens, as one would write it down. */
  readonly at: string;
  /** Takes no more requests, finishes those that it has begun. */
  close(): Promise<void>;
}

export async function startServer(settings: ServerSettings): Promise<RunningServer> {
  const { listen, tls } = settings;
  const handler = (request: IncomingMessage, response: ServerResponse) => void respond(request, response, settings);
  const server = tls
    ? createHttpsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, handler)
    : createHttpServer(handler);
  server.headersTimeout = HEADERS_TIMEOUT;
  server.requestTimeout = REQUEST_TIMEOUT;
  server.keepAliveTimeout = KEEP_ALIVE;
  server.maxConnections = CONNECTIONS;
  if (listen.path) removeStaleSocket(listen.path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen, resolve);
  });
  if (listen.path) chmodSync(listen.path, 0o660);
  return { at: addressOf(server, listen, tls !== undefined), close: () => stop(server) };
}

async function respond(request: IncomingMessage, response: ServerResponse, settings: ServerSettings): Promise<void> {
  const started = performance.now();
  const answer = await settings.answer(request).catch((): Answer => ({ status: 500, body: { error: 'failed' } }));
  if (!request.complete) response.setHeader('connection', 'close');
  response
    .on('error', () => {})
    .writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
    .end(`${JSON.stringify(answer.body)}\n`);
  settings.answered(request, answer, Math.round(performance.now() - started));
}

/** A socket that a killed process has left would keep the next one from listening. */
function removeStaleSocket(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isSocket()) rmSync(path);
}

function addressOf(server: Server, { path }: ListenAddress, isTls: boolean): string {
  if (path) return `unix:${path}`;
  const { address, port } = server.address() as AddressInfo;
  return `${isTls ? 'https' : 'http'}://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  return closed;
}
