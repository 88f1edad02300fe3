import * as z from 'zod/mini';
import type { ServedZone } from '../../providers/embedded/answer.ts';
import { embeddedOptions } from '../../providers/embedded/index.ts';
import { startNameserver } from '../../providers/embedded/nameserver.ts';
import { validAccount } from '../accounts/definition.ts';
import type { Run } from '../challenge/run.ts';
import { formatServerAddress, parseServerAddress } from '../dns/server-address.ts';
import { Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';

export interface NameserverOptions extends CommonOptions {
  readonly listen: readonly string[];
}

/** Loopback, and a port that needs no privileges. To serve the network, the user has to say so. */
const DEFAULT_LISTEN = '127.0.0.1:5300';

/** `dns01 nameserver`: serves the zones of all embedded accounts until the process gets a stop signal. */
export function nameserver(options: NameserverOptions, io: Io): Promise<void> {
  return withRun(options, io, async (run) => {
    const zones = await servedZones(run);
    const listen = options.listen.length > 0 ? options.listen : [DEFAULT_LISTEN];
    const servers = await Promise.all(listen.map((text) => open(text, zones, run)));
    for (const { address, port } of servers) io.stdout(`listening on ${formatServerAddress({ address, port })}\n`);
    await new Promise<void>((resolve) => io.stop.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.all(servers.map((server) => server.close()));
  });
}

async function open(text: string, zones: () => Promise<ServedZone[]>, run: Run) {
  const { address, port } = parseServerAddress(text);
  const failed = (error: unknown) => run.log.debug('a query could not be answered', { failure: String(error) });
  return startNameserver({ address, port, zones, failed }).catch((error: Error & { code?: string }) => {
    throw new Dns01Error('E_CONFIG', `cannot listen on ${text}: ${error.message}`, {
      hint:
        error.code === 'EACCES' ? 'ports below 1024 need root or CAP_NET_BIND_SERVICE' : 'choose another with --listen',
    });
  });
}

/** The zones of all embedded accounts, with their records at the time of the call. */
async function servedZones(run: Run): Promise<() => Promise<ServedZone[]>> {
  const names = Object.keys(run.config.accounts).filter((name) => run.config.accounts[name]?.provider === 'embedded');
  if (names.length === 0) {
    throw new Dns01Error('E_CONFIG', `${run.config.file}: no account has provider: embedded`, {
      hint: 'add one with the zones that are delegated to this machine',
    });
  }
  const accounts = await Promise.all(
    names.map(async (name) => ({
      options: z.parse(embeddedOptions, (await validAccount(name, run)).options),
      records: await run.state.records.open(name),
    })),
  );
  return async () => {
    const perAccount = accounts.map(async ({ options, records }) => {
      const { records: all, serial } = await records.served();
      return options.zones.map(
        (zone): ServedZone => ({ name: zone, ns: options.ns ?? [`ns.${zone}`], serial, records: all }),
      );
    });
    return (await Promise.all(perAccount)).flat();
  };
}
