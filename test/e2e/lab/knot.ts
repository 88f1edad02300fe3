import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Endpoint } from './addresses.ts';
import { startServer } from './processes.ts';
import { pathOf } from './programs.ts';
import { servesAll } from './records.ts';

export interface KnotOptions {
  dir: string;
  zones: string[];
  endpoint: Endpoint;
  primary: Endpoint;
}

/** Knot as the secondary of the zones: it copies them from the primary at the start and then after each NOTIFY. */
export async function startKnot(options: KnotOptions): Promise<() => Promise<void>> {
  const dir = join(options.dir, 'knot');
  await mkdir(dir);
  const configFile = join(dir, 'knot.conf');
  await writeFile(configFile, configText(options, dir));
  return startServer({
    name: 'knot',
    command: pathOf('knotd'),
    args: ['-c', configFile],
    dir: options.dir,
    isReady: () => servesAll(options.endpoint, options.zones),
  });
}

function configText({ endpoint, primary, zones }: KnotOptions, dir: string): string {
  return [
    'server:',
    `  rundir: "${dir}"`,
    `  listen: ${endpoint.host}@${endpoint.port}`,
    '  udp-workers: 1',
    '  tcp-workers: 1',
    '  background-workers: 1',
    'log:',
    '  - target: stderr',
    '    any: info',
    'database:',
    `  storage: "${dir}"`,
    '  journal-db-max-size: 16M',
    '  kasp-db-max-size: 16M',
    '  timer-db-max-size: 16M',
    'remote:',
    '  - id: primary',
    `    address: ${primary.host}@${primary.port}`,
    'acl:',
    '  - id: notify',
    '    address: 127.0.0.0/8',
    '    action: notify',
    'zone:',
    ...zones.flatMap((zone) => [
      `  - domain: ${zone}`,
      `    storage: "${dir}"`,
      '    master: primary',
      '    acl: notify',
      '    zonefile-sync: -1',
    ]),
    '',
  ].join('\n');
}
