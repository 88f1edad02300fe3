import { readFileSync } from 'node:fs';
import { createServer as createHttp, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { root } from '../../test/support/paths.ts';

const fixture = (name: string): string => join(root, 'test/fixtures/tls', name);

/** The certificate authority of the HTTPS server. */
export const CA_FILE = fixture('ca.pem');

export const SERVER_CERTIFICATE = fixture('server.pem');

export interface InstantApi {
  readonly http: string;
  readonly https: string;
  close(): void;
}

/** An API like ZoneID's that answers at once, so that only the client is measured. */
export async function startInstantApi(): Promise<InstantApi> {
  const tls = { cert: readFileSync(SERVER_CERTIFICATE), key: readFileSync(fixture('server.key')) };
  const [plain, secure] = [createHttp(answer), createHttps(tls, answer)];
  return {
    http: `http://127.0.0.1:${await portOf(plain)}/v2`,
    https: `https://127.0.0.1:${await portOf(secure)}/v2`,
    close() {
      for (const server of [plain, secure]) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

const answer: RequestListener = (request, response) => {
  let body = '';
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(JSON.stringify([{ id: '1', ...(JSON.parse(body || '{}') as object) }]));
  });
};

function portOf(server: Pick<Server, 'listen' | 'address'>): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
