import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { LOOPBACK } from '../lab/addresses.ts';

/** A TCP connection to a server that can be cut, as by a network that fails. */
export interface Relay {
  /** The server's URL through the relay. */
  readonly url: string;
  /** Nothing passes any more and nothing is closed, so that both sides wait. */
  cut(): void;
  /** What was cut is closed; new connections pass. */
  join(): void;
  close(): Promise<void>;
}

export async function openRelay(to: URL): Promise<Relay> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isCut = false;
  const server = createServer((inner) => {
    const outer = connect(Number(to.port), to.hostname);
    const pair = [inner, outer] as const;
    pairs.add(pair);
    for (const [from, into] of [pair, [outer, inner] as const]) {
      from.on('data', (chunk) => {
        if (!isCut) into.write(chunk);
      });
      from.on('error', () => {});
      from.on('close', () => {
        if (!isCut) into.destroy();
        pairs.delete(pair);
      });
    }
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  const url = new URL(to);
  url.port = String((server.address() as AddressInfo).port);
  const drop = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    pairs.clear();
  };
  return {
    url: url.href,
    cut() {
      isCut = true;
    },
    join() {
      drop();
      isCut = false;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      drop();
      await closed;
    },
  };
}
