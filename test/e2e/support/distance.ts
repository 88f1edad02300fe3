import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Distance {
  /** The same URL, at the relay. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Puts a server far away: every byte takes this many milliseconds, as on the internet. lego asks for the result of a
 * validation at once, and again only seconds later; a CA on loopback is often not ready for the first question.
 */
export async function putFarAway(url: string, milliseconds: number): Promise<Distance> {
  const { hostname: host, port, pathname, protocol } = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from
        .on('data', (chunk) => setTimeout(() => to.write(chunk), milliseconds))
        .on('end', () => setTimeout(() => to.end(), milliseconds))
        .on('error', () => to.destroy())
        .on('close', () => sockets.delete(from));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const at = server.address() as AddressInfo;
  return {
    url: `${protocol}//${host}:${at.port}${pathname}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
