import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { createSecureContext, TLSSocket } from 'node:tls';
import { runOrThrow } from '../lab/processes.ts';
import { pathOf } from '../lab/programs.ts';

export interface Intercept {
  /** The proxy for HTTPS, `http://127.0.0.1:PORT`. */
  readonly proxy: string;
  /** The CA that a client must trust, PEM. */
  readonly caFile: string;
  close(): Promise<void>;
}

/**
 * A proxy that answers HTTPS requests to a vendor's hosts with a stand-in, so that a client runs with the vendor's own
 * address. A request comes to the stand-in with the vendor's `host` and with `x-forwarded-proto: https`.
 * @param hosts e.g. `api.cloudflare.com`; a tunnel to any other host is refused
 * @param origin the stand-in, `http://127.0.0.1:PORT`
 */
export async function startIntercept(hosts: readonly string[], origin: string, directory: string): Promise<Intercept> {
  const { caFile, certificate } = await certificateFor(hosts, directory);
  const sockets = new Set<Socket>();
  const web = createServer((incoming, outgoing) => pass(incoming, outgoing, origin));
  const proxy = createServer((_request, response) => response.writeHead(403).end('only tunnels'));
  proxy.on('connect', (incoming, socket: Socket) => {
    sockets.add(socket.on('error', () => socket.destroy()));
    const [host = '', port] = (incoming.url ?? '').split(':');
    if (!hosts.includes(host) || port !== '443') {
      socket.end('HTTP/1.1 403 not a host of this test\r\n\r\n');
      return;
    }
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const secured = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(certificate) });
    web.emit(
      'connection',
      secured.on('error', () => socket.destroy()),
    );
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    caFile,
    close() {
      for (const socket of sockets) socket.destroy();
      proxy.closeAllConnections();
      return new Promise((resolve) => proxy.close(() => resolve()));
    },
  };
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, origin: string): void {
  const { method, headers, url = '/' } = incoming;
  // Some clients send the whole address.
  const path = url.replace(/^https?:\/\/[^/]+/, '');
  const forwarded = request(
    `${origin}${path}`,
    { method, headers: { ...headers, 'x-forwarded-proto': 'https' }, agent: false },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  forwarded.on('error', () => outgoing.destroy());
  incoming.pipe(forwarded);
}

/** A CA made for this test, and one certificate for all of the hosts. */
async function certificateFor(hosts: readonly string[], directory: string) {
  const at = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => runOrThrow(pathOf('openssl'), args, { cwd: directory });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(
    'req',
    '-x509',
    '-days',
    '2',
    ...newKey,
    '-keyout',
    'vendor-ca.key',
    '-out',
    'vendor-ca.pem',
    '-subj',
    '/CN=vendors',
  );
  await openssl('req', ...newKey, '-keyout', 'vendor.key', '-out', 'vendor.csr', '-subj', '/CN=vendor');
  await writeFile(at('vendor.ext'), `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}\n`);
  const ca = ['-CA', 'vendor-ca.pem', '-CAkey', 'vendor-ca.key', '-CAcreateserial'];
  await openssl(
    'x509',
    '-req',
    '-days',
    '2',
    '-in',
    'vendor.csr',
    ...ca,
    '-extfile',
    'vendor.ext',
    '-out',
    'vendor.pem',
  );
  const { readFile } = await import('node:fs/promises');
  return {
    caFile: at('vendor-ca.pem'),
    certificate: { cert: await readFile(at('vendor.pem')), key: await readFile(at('vendor.key')) },
  };
}
