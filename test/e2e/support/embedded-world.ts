import { join } from 'node:path';
import { openWorkplace, type Workplace } from '../../support/cli.ts';
import { bundle } from '../../support/paths.ts';
import { type Endpoint, freePorts, LOOPBACK } from '../lab/addresses.ts';
import { liveCertificate, runCertbot } from '../lab/certbot.ts';
import { certificateNames } from '../lab/certificate.ts';
import { startPebble } from '../lab/pebble.ts';
import { type Outcome, startServer } from '../lab/processes.ts';
import { servesAll, txtValues } from '../lab/records.ts';

export interface EmbeddedWorld {
  readonly here: Workplace;
  certbot(args: readonly string[]): Promise<Outcome>;
  certificateNames(certName: string): Promise<string[]>;
  /** What the name server shows at a name. */
  txt(name: string): Promise<string[]>;
  close(): Promise<void>;
}

/** A CA, and `dns01 nameserver` as the one DNS server that it asks. */
export async function openEmbeddedWorld(zone: string): Promise<EmbeddedWorld> {
  const here = await openWorkplace();
  const dir = here.directory;
  const closers = [here.remove];
  const close = async () => {
    for (const closer of closers.reverse()) await closer();
  };
  const ending = new AbortController();

  try {
    const nameserver = await startNameserver(here, zone);
    closers.push(nameserver.close);
    const pebble = await startPebble({ dir, dnsServer: nameserver.endpoint });
    closers.push(pebble.close, async () => ending.abort());
    const env = { DNS01_CONFIG: join(dir, 'dns01.yaml'), DNS01_STATE_DIR: here.stateDirectory };
    return {
      here,
      certbot: (args) => runCertbot([...args], { dir, env, pebble, ending: ending.signal }),
      certificateNames: (certName) => certificateNames(liveCertificate(dir, certName)),
      txt: (name) => txtValues(nameserver.endpoint, name),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startNameserver(here: Workplace, zone: string): Promise<{ endpoint: Endpoint; close(): Promise<void> }> {
  const [port] = await freePorts(2);
  const endpoint = { host: LOOPBACK, port };
  const address = `${endpoint.host}:${endpoint.port}`;
  const config = await here.configure(
    JSON.stringify({
      accounts: { home: { provider: 'embedded', zones: [zone] } },
      dns: { nameservers: { [zone]: [address] } },
      propagation: { timeout: 30, interval: 0.2 },
    }),
  );
  const close = await startServer({
    name: 'dns01-nameserver',
    command: process.execPath,
    args: [bundle, 'nameserver', '--listen', address],
    env: { DNS01_CONFIG: config, DNS01_STATE_DIR: here.stateDirectory },
    dir: here.directory,
    isReady: () => servesAll(endpoint, [zone]),
  });
  return { endpoint, close };
}
