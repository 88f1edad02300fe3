import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { type Endpoint, freePorts, LOOPBACK } from './addresses.ts';
import { runOrThrow, startServer } from './processes.ts';
import { pathOf } from './programs.ts';

export interface PebbleOptions {
  dir: string;
  /** The only DNS server that the CA asks. */
  dnsServer: Endpoint;
  /** Another one than the installed. */
  program?: string;
}

export interface Pebble {
  /** The URL of the ACME directory. */
  directory: string;
  /** What a client has to trust to speak with it, PEM. */
  caFile: string;
  close: () => Promise<void>;
}

export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  const dir = join(options.dir, 'pebble');
  await mkdir(dir);
  const caFile = join(dir, 'cert.pem');
  const keyFile = join(dir, 'key.pem');
  const configFile = join(dir, 'config.json');
  const [port, managementPort] = await freePorts(2);
  await selfSignedCertificate(caFile, keyFile);
  await writeFile(
    configFile,
    JSON.stringify({
      pebble: {
        listenAddress: `${LOOPBACK}:${port}`,
        managementListenAddress: `${LOOPBACK}:${managementPort}`,
        certificate: caFile,
        privateKey: keyFile,
        httpPort: 5002,
        tlsPort: 5001,
      },
    }),
  );

  const directory = `https://${LOOPBACK}:${port}/dir`;
  const ca = await readFile(caFile);
  const close = await startServer({
    name: 'pebble',
    command: options.program ?? pathOf('pebble'),
    args: ['-config', configFile, '-dnsserver', `${options.dnsServer.host}:${options.dnsServer.port}`],
    env: {
      PEBBLE_VA_NOSLEEP: '1',
      PEBBLE_VA_ALWAYS_VALID: '0',
      PEBBLE_WFE_NONCEREJECT: '0',
      PEBBLE_AUTHZREUSE: '0',
    },
    dir: options.dir,
    isReady: () => answers(directory, ca),
  });
  return { directory, caFile, close };
}

async function selfSignedCertificate(certFile: string, keyFile: string): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  const names = ['-subj', '/CN=laboratory', '-addext', `subjectAltName=IP:${LOOPBACK},DNS:localhost`];
  await runOrThrow(pathOf('openssl'), ['req', '-x509', '-days', '2', ...key, ...names, '-out', certFile]);
}

function answers(url: string, ca: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    get(url, { ca, agent: false, timeout: 2000, headers: { 'user-agent': 'dns01-test' } }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', () => resolve(false));
  });
}
