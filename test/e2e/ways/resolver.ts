import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { startServer } from '../lab/processes.ts';
import { pathOf } from '../lab/programs.ts';
import { rootAnchor, servesAll } from '../lab/records.ts';
import { holdsWithin } from '../lab/until.ts';

/** A resolver as most machines have one: it starts at a root server and validates what it gets. */
export async function startResolver(
  { dir, primary }: Lab,
  address: string,
  root: string,
): Promise<() => Promise<void>> {
  await holdsWithin(20, async () => (await rootAnchor(primary)) !== undefined);
  const [configFile, hintsFile, anchorFile] = [join(dir, 'resolver.conf'), join(dir, 'hints'), join(dir, 'anchor')];
  await writeFile(hintsFile, `. 3600000 NS a.root-servers.net.\na.root-servers.net. 3600000 A ${root}\n`);
  await writeFile(anchorFile, `${await rootAnchor(primary)}\n`);
  const settings = [
    ...[`directory: "${dir}"`, 'username: ""', 'chroot: ""', 'pidfile: ""', 'use-syslog: no', 'num-threads: 1'],
    ...[`interface: ${address}@53`, `access-control: ${address}/32 allow`, 'do-ip6: no'],
    ...[`root-hints: "${hintsFile}"`, `trust-anchor-file: "${anchorFile}"`, 'module-config: "validator iterator"'],
    ...['target-fetch-policy: "0 0 0 0 0"', 'cache-max-negative-ttl: 1', 'rrset-roundrobin: no'],
  ];
  const text = `server:\n${settings.map((line) => `  ${line}\n`).join('')}remote-control:\n  control-enable: no\n`;
  await writeFile(configFile, text);
  return startServer({
    name: 'resolver',
    command: pathOf('unbound'),
    args: ['-d', '-p', '-c', configFile],
    dir,
    isReady: () => servesAll({ host: address, port: 53 }, [''], { recursive: true }),
  });
}
