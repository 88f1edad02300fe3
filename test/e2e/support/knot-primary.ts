import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Endpoint, freePorts, LOOPBACK } from '../lab/addresses.ts';
import type { TsigKey } from '../lab/bind.ts';
import { startServer } from '../lab/processes.ts';
import { pathOf } from '../lab/programs.ts';
import { servesAll, updateTxt } from '../lab/records.ts';
import { zoneText } from '../lab/zone-files.ts';
import { type Account, zoneContents } from './account.ts';

/** A Knot that is the primary of a zone and lets one key change TXT records, nothing else. */
export async function openKnot(zone: string): Promise<Account & { readonly nameserver: Endpoint }> {
  const dir = await mkdtemp(join(tmpdir(), 'dns01-knot-'));
  const [port] = await freePorts(2);
  const nameserver = { host: LOOPBACK, port };
  const tsig: TsigKey = { name: 'writer', algorithm: 'hmac-sha256', secret: randomBytes(32).toString('base64') };
  const keyFile = join(dir, 'writer.key');
  const configFile = join(dir, 'knot.conf');
  await Promise.all([
    writeFile(configFile, configText(dir, port, zone, tsig), { mode: 0o600 }),
    writeFile(keyFile, `key "${tsig.name}" { algorithm ${tsig.algorithm}; secret "${tsig.secret}"; };\n`, {
      mode: 0o600,
    }),
    writeFile(join(dir, `${zone}.zone`), zoneText(zone, [zone], { ns1: LOOPBACK, ns2: LOOPBACK })),
  ]);
  const end = await startServer({
    name: 'knot',
    command: pathOf('knotd'),
    args: ['-c', configFile],
    dir,
    isReady: () => servesAll(nameserver, [zone]),
  });
  return {
    zone,
    login: { provider: 'rfc2136', server: nameserver.host, port: nameserver.port, tsig },
    secrets: [tsig.secret],
    nameserver,
    plant: (name, value) => updateTxt(nameserver, keyFile, { action: 'add', zone, name, value }),
    contents: () => zoneContents(nameserver, zone),
    async close() {
      await end();
      await rm(dir, { recursive: true, maxRetries: 5 });
    },
  };
}

function configText(dir: string, port: number, zone: string, { name, algorithm, secret }: TsigKey): string {
  return [
    'server:',
    `  rundir: "${dir}"`,
    `  listen: ${LOOPBACK}@${port}`,
    'log:',
    '  - target: stderr',
    '    any: info',
    'database:',
    `  storage: "${dir}"`,
    '  journal-db-max-size: 16M',
    '  kasp-db-max-size: 16M',
    '  timer-db-max-size: 16M',
    'key:',
    `  - id: ${name}`,
    `    algorithm: ${algorithm}`,
    `    secret: ${secret}`,
    'acl:',
    '  - id: writer',
    `    key: ${name}`,
    '    action: update',
    '    update-type: TXT',
    // The test looks at the whole zone.
    '  - id: reader',
    `    address: ${LOOPBACK}`,
    '    action: transfer',
    'zone:',
    `  - domain: ${zone}`,
    `    storage: "${dir}"`,
    `    file: "${zone}.zone"`,
    '    zonefile-sync: -1',
    '    zonefile-load: difference-no-serial',
    '    journal-content: all',
    '    acl: [writer, reader]',
    '',
  ].join('\n');
}
