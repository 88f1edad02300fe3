import { formatServerAddress, parseServerAddress } from '../../dns/server-address.ts';
import { Dns01Error } from '../../errors.ts';
import { listenTcp } from './tcp.ts';
import { type Listener, type ListenerSettings, listenUdp } from './udp.ts';

export interface UpdateServer {
  /** The address in the form of the config, with the real port. */
  readonly at: string;
  /** Takes no more requests and finishes those that have begun. */
  close(): Promise<void>;
}

/** A server for each address of the config, or none. @throws E_CONFIG for an address that it cannot listen on */
export async function startUpdateServers(
  addresses: readonly string[],
  handlers: Pick<ListenerSettings, 'answer' | 'failed'>,
): Promise<UpdateServer[]> {
  const servers: UpdateServer[] = [];
  try {
    for (const address of addresses) servers.push(await start(address, handlers));
    return servers;
  } catch (error) {
    await Promise.all(servers.map((server) => server.close()));
    throw error;
  }
}

/** UDP and TCP on one port. */
async function start(text: string, handlers: Pick<ListenerSettings, 'answer' | 'failed'>): Promise<UpdateServer> {
  const { address, port } = parseServerAddress(text);
  try {
    const listeners = await listen({ ...handlers, address, port });
    return {
      at: formatServerAddress({ address, port: listeners[0].port }),
      async close() {
        await Promise.all(listeners.map((listener) => listener.close()));
      },
    };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Dns01Error('E_CONFIG', `cannot listen on ${text}: ${message}`, {
      hint:
        code === 'EACCES'
          ? 'ports below 1024 need CAP_NET_BIND_SERVICE: in a systemd unit, AmbientCapabilities=CAP_NET_BIND_SERVICE'
          : 'set serve.update.listen to addresses of this machine and a port that is free',
    });
  }
}

async function listen(settings: ListenerSettings): Promise<readonly [Listener, Listener]> {
  const udp = await listenUdp(settings);
  try {
    return [udp, await listenTcp({ ...settings, port: udp.port })];
  } catch (error) {
    await udp.close();
    // A port that is free for UDP may be taken for TCP: try another one, where any is allowed.
    if (settings.port === 0 && (error as NodeJS.ErrnoException).code === 'EADDRINUSE') return listen(settings);
    throw error;
  }
}
