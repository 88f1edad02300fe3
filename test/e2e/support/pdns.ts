import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Endpoint, freePorts, LOOPBACK } from '../lab/addresses.ts';
import { runOrThrow, startServer } from '../lab/processes.ts';
import { pathOf } from '../lab/programs.ts';
import { type Account, zoneContents } from './account.ts';

const SCHEMA = '/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql';

/** Debian's PowerDNS with its SQLite backend and one zone. */
export async function openPowerdns(zone: string): Promise<Account & { readonly nameserver: Endpoint }> {
  const dir = await mkdtemp(join(tmpdir(), 'dns01-pdns-'));
  const [dnsPort, apiPort] = await freePorts(2);
  const apiKey = randomBytes(16).toString('hex');
  const nameserver = { host: LOOPBACK, port: dnsPort };
  const url = `http://${LOOPBACK}:${apiPort}`;

  async function api(method: 'GET' | 'POST' | 'PATCH', path: string, body?: object): Promise<void> {
    const response = await fetch(`${url}/api/v1/servers/localhost${path}`, {
      method,
      headers: { 'x-api-key': apiKey },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  }

  const end = await startPdns(dir, { dnsPort, apiPort, apiKey }, () =>
    api('GET', '/zones').then(
      () => true,
      () => false,
    ),
  );
  const close = async () => {
    await end();
    await rm(dir, { recursive: true });
  };
  try {
    await api('POST', '/zones', { name: `${zone}.`, kind: 'Native', nameservers: [`ns1.${zone}.`] });
  } catch (error) {
    await close();
    throw error;
  }

  return {
    zone,
    login: { provider: 'powerdns', url, apiKey },
    secrets: [apiKey],
    nameserver,
    async plant(name, value) {
      const records = [{ content: `"${value}"`, disabled: false }];
      const rrset = { name: `${name}.`, type: 'TXT', ttl: 60, changetype: 'REPLACE', records };
      await api('PATCH', `/zones/${zone}.`, { rrsets: [rrset] });
    },
    contents: () => zoneContents(nameserver, zone),
    close,
  };
}

async function startPdns(
  dir: string,
  { dnsPort, apiPort, apiKey }: { dnsPort: number; apiPort: number; apiKey: string },
  isReady: () => Promise<boolean>,
): Promise<() => Promise<void>> {
  const database = join(dir, 'pdns.sqlite3');
  await runOrThrow(pathOf('sqlite3'), [database], { input: `.read ${SCHEMA}\n` });
  const settings = {
    launch: 'gsqlite3',
    'gsqlite3-database': database,
    'local-address': LOOPBACK,
    'local-port': dnsPort,
    'socket-dir': dir,
    api: 'yes',
    'api-key': apiKey,
    webserver: 'yes',
    'webserver-address': LOOPBACK,
    'webserver-port': apiPort,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(join(dir, 'pdns.conf'), lines.join(''), { mode: 0o600 });
  return startServer({
    name: 'pdns',
    command: pathOf('pdns_server'),
    args: [`--config-dir=${dir}`],
    dir,
    isReady,
  });
}
