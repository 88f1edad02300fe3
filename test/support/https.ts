import { readFileSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';

const fixture = (name: string): string => new URL(`../fixtures/tls/${name}`, import.meta.url).pathname;

export const CA_FILE = fixture('ca.pem');

export interface WebServer {
  readonly origin: string;
  readonly port: number;
  readonly requests: IncomingMessage[];
  close(): Promise<void>;
}

type Answer = Parameters<typeof createHttp>[1];

/** A real TLS server on loopback, with the certificate of a CA or a self-signed one. */
export function startHttps(certificate: 'server' | 'self-signed', answer: Answer = ok): Promise<WebServer> {
  const read = (name: string) => readFileSync(fixture(name));
  const tls = { cert: read(`${certificate}.pem`), key: read(`${certificate}.key`) };
  return listen('https', (handler) => createHttps(tls, handler) as unknown as Server, answer);
}

export function startHttp(answer: Answer = ok): Promise<WebServer> {
  return listen('http', (handler) => createHttp(handler), answer);
}

const ok: Answer = (_request, response) => {
  response.setHeader('content-type', 'application/json').end('{"ok":true}');
};

async function listen(scheme: string, create: (handler: Answer) => Server, answer: Answer): Promise<WebServer> {
  const requests: IncomingMessage[] = [];
  const server = create((request, response) => {
    requests.push(request);
    answer?.(request, response);
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${scheme}://127.0.0.1:${port}`,
    port,
    requests,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export interface ProxyServer extends WebServer {
  /** `HOST:PORT` of every tunnel that was opened. */
  readonly tunnels: string[];
}

/** A real CONNECT proxy on loopback. */
export async function startProxy(): Promise<ProxyServer> {
  const tunnels: string[] = [];
  const sockets = new Set<Socket>();
  const server = createHttp((_request, response) => response.writeHead(405).end());
  server.on('connect', (request, client: Socket) => {
    tunnels.push(request.url ?? '');
    const [host, port] = (request.url ?? '').split(':');
    const target = connect(Number(port), host, () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
    for (const socket of [client, target]) sockets.add(socket.on('error', () => socket.destroy()));
    client.pipe(target).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    requests: [],
    tunnels,
    close() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
