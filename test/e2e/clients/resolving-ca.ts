import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Endpoint, freePorts, LOOPBACK } from '../lab/addresses.ts';
import type { Lab } from '../lab/lab.ts';
import { type Pebble, startPebble } from '../lab/pebble.ts';
import { startServer } from '../lab/processes.ts';
import { pathOf } from '../lab/programs.ts';
import { servesAll } from '../lab/records.ts';

export interface ResolvingCaOptions {
  /** Another CA of the same laboratory has another name. */
  readonly name: string;
  readonly zones: readonly string[];
  /** Whether what was once looked up is remembered for its TTL, as the resolvers of most CAs do. */
  readonly caches: boolean;
}

/**
 * A CA that looks through a resolver, which follows CNAMEs from zone to zone and asks only the laboratory's secondary.
 * Knot alone answers with the first CNAME, and nobody goes on from there.
 */
export async function startResolvingCa(lab: Lab, options: ResolvingCaOptions): Promise<Pebble> {
  const dir = join(lab.dir, options.name);
  await mkdir(dir);
  const [port] = await freePorts(2);
  const endpoint = { host: LOOPBACK, port };
  const closeResolver = await startUnbound(dir, endpoint, lab.secondary, options);
  try {
    const pebble = await startPebble({ dir, dnsServer: endpoint });
    const close = async () => {
      await pebble.close();
      await closeResolver();
    };
    return { ...pebble, close };
  } catch (error) {
    await closeResolver();
    throw error;
  }
}

async function startUnbound(
  dir: string,
  endpoint: Endpoint,
  secondary: Endpoint,
  { zones, caches }: ResolvingCaOptions,
): Promise<() => Promise<void>> {
  const configFile = join(dir, 'unbound.conf');
  await writeFile(configFile, configText(dir, endpoint, secondary, zones, caches));
  return startServer({
    name: 'unbound',
    command: pathOf('unbound'),
    args: ['-d', '-p', '-c', configFile],
    dir,
    // Of a zone that is there already: a question for one that is not would be remembered.
    isReady: () => servesAll(endpoint, zones.slice(0, 1), { recursive: true }),
  });
}

function configText(
  dir: string,
  { host, port }: Endpoint,
  secondary: Endpoint,
  zones: readonly string[],
  caches: boolean,
): string {
  return [
    'server:',
    `  directory: "${dir}"`,
    '  username: ""',
    '  chroot: ""',
    '  pidfile: ""',
    '  use-syslog: no',
    `  interface: ${host}@${port}`,
    '  access-control: 127.0.0.0/8 allow',
    '  do-ip6: no',
    '  do-not-query-localhost: no',
    '  module-config: "iterator"',
    '  qname-minimisation: no',
    '  target-fetch-policy: "0 0 0 0 0"',
    '  local-zone: "test." nodefault',
    ...(caches ? [] : ['  cache-max-ttl: 0', '  cache-max-negative-ttl: 0']),
    'remote-control:',
    '  control-enable: no',
    ...zones.flatMap((zone) => [
      'stub-zone:',
      `  name: "${zone}"`,
      `  stub-addr: ${secondary.host}@${secondary.port}`,
      `  stub-no-cache: ${caches ? 'no' : 'yes'}`,
    ]),
    '',
  ].join('\n');
}
