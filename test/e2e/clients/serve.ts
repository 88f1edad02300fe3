import { connect } from 'node:net';
import { join } from 'node:path';
import { bundle } from '../../support/paths.ts';
import type { Endpoint } from '../lab/addresses.ts';
import { runOrThrow, startServer } from '../lab/processes.ts';
import type { Site } from './site.ts';

export const USER = 'web1';
export const PASSWORD = 'serve-password-0123456789';

/** Starts `dns01 serve` at a site, for one user who may write all its names. Gives the address for HTTPREQ_ENDPOINT. */
export async function startServe(site: Site, endpoint: Endpoint): Promise<string> {
  const at = `${endpoint.host}:${endpoint.port}`;
  const hash = await runOrThrow(process.execPath, [bundle, 'serve', 'hash'], { input: `${PASSWORD}\n` });
  await site.configure({ serve: { listen: at, users: { [USER]: { hash: hash.trim(), names: site.zones } } } });
  site.whenClosed(await startServeProcess(site, endpoint));
  return `http://${at}`;
}

/** The server as it stands in the config of the site. */
export function startServeProcess(site: Site, endpoint: Endpoint): Promise<() => Promise<void>> {
  return startServer({
    name: 'dns01-serve',
    command: process.execPath,
    args: [bundle, 'serve'],
    env: { DNS01_CONFIG: join(site.here.directory, 'dns01.yaml'), DNS01_STATE_DIR: site.here.stateDirectory },
    dir: site.dir,
    isReady: () => accepts(endpoint),
  });
}

function accepts({ host, port }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
      .on('connect', () => resolve(true))
      .on('error', () => resolve(false))
      .on('close', () => resolve(false));
    socket.setTimeout(1000, () => socket.destroy());
    socket.once('connect', () => socket.destroy());
  });
}
