import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Endpoint, LOOPBACK } from '../../lab/addresses.ts';
import { startServer } from '../../lab/processes.ts';
import { pathOf } from '../../lab/programs.ts';
import { servesAll } from '../../lab/records.ts';
import type { Places, View } from './places.ts';

/** Zones (the root is the empty string) and their files. */
export type ZoneFiles = ReadonlyMap<string, string>;

/** BIND with several sets of zones; the source address of a query says which. */
export async function startBind(
  dir: string,
  port: number,
  places: Places,
  views: Readonly<Record<View, ZoneFiles>>,
): Promise<{ endpoint: Endpoint; close: () => Promise<void> }> {
  const home = join(dir, 'bind');
  await mkdir(home);
  const configFile = join(home, 'named.conf');
  await writeFile(configFile, bindConfig(home, port, places, views));
  // AppArmor lets the installed path read only the system's own configuration; a copy is not confined.
  const named = join(home, 'named');
  await copyFile(pathOf('named'), named);
  const endpoint = { host: LOOPBACK, port };
  const close = await startServer({
    name: 'bind',
    command: named,
    args: ['-g', '-n', '1', '-c', configFile],
    dir,
    isReady: () => servesAll(endpoint, ['']),
  });
  return { endpoint, close };
}

function bindConfig(home: string, port: number, { sources }: Places, views: Readonly<Record<View, ZoneFiles>>): string {
  return [
    'controls {};',
    'options {',
    `  directory "${home}"; pid-file none; lock-file none; session-keyfile "${home}/session.key";`,
    `  listen-on port ${port} { ${LOOPBACK}; }; listen-on-v6 { none; };`,
    '  allow-query { 127.0.0.0/8; }; recursion no; empty-zones-enable no; dnssec-validation no; notify no;',
    '  minimal-responses yes; check-names primary ignore; check-integrity no; zero-no-soa-ttl no; tcp-clients 500;',
    '};',
    ...Object.entries(views).flatMap(([view, zones]) => [
      `view "${view}" {`,
      // The readiness question comes from 127.0.0.1.
      `  match-clients { ${sources[view as View]};${view === 'root' ? ` ${LOOPBACK};` : ''} };`,
      ...[...zones].map(([zone, file]) => `  zone "${zone || '.'}" { type primary; file "${file}"; };`),
      '};',
    ]),
    '',
  ].join('\n');
}

/** Knot, as it is, at an address of its own. */
export async function startKnot(dir: string, address: string, zones: ZoneFiles): Promise<() => Promise<void>> {
  const home = join(dir, 'knot');
  await mkdir(home);
  const configFile = join(home, 'knot.conf');
  await writeFile(configFile, knotConfig(home, address, zones));
  return startServer({
    name: 'knot',
    command: pathOf('knotd'),
    args: ['-c', configFile],
    dir,
    isReady: () => servesAll({ host: address, port: 53 }, [...zones.keys()].slice(-1)),
  });
}

function knotConfig(home: string, address: string, zones: ZoneFiles): string {
  return [
    'server:',
    `  rundir: "${home}"`,
    `  listen: ${address}@53`,
    '  udp-workers: 1',
    '  tcp-workers: 1',
    '  background-workers: 1',
    'log:',
    '  - target: stderr',
    '    any: warning',
    'database:',
    `  storage: "${home}"`,
    '  journal-db-max-size: 16M',
    '  kasp-db-max-size: 16M',
    '  timer-db-max-size: 16M',
    'zone:',
    ...[...zones].flatMap(([zone, file]) => [
      `  - domain: ${zone}`,
      `    file: "${file}"`,
      '    semantic-checks: off',
      '    journal-content: none',
      '    zonefile-sync: -1',
    ]),
    '',
  ].join('\n');
}
