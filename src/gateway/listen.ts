import { lstatSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Dns01Error } from '../errors.ts';

export interface ListenAddress {
  /** Either host and port, or the path of a Unix socket. */
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
}

/** Only the socket's owner and group may connect. */
const SOCKET_UMASK = 0o117;

/** Returns where it listens, as one would write it down. @throws E_CONFIG */
export async function listen(server: Server, address: ListenAddress, isTls: boolean): Promise<string> {
  const { path } = address;
  try {
    if (path !== undefined) await removeDeadSocket(path);
    // The socket must not be open to others for the moment until a chmod.
    const before = path === undefined ? undefined : process.umask(SOCKET_UMASK);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(address, resolve);
        if (before !== undefined) process.umask(before);
      });
    } finally {
      server.removeAllListeners('error');
      // A connection that the system could not accept, as without a free descriptor, must not end the server.
      server.on('error', () => {});
    }
  } catch (error) {
    const wanted = path === undefined ? `${address.host}:${address.port}` : `unix:${path}`;
    throw new Dns01Error('E_CONFIG', `cannot listen on ${wanted}: ${(error as Error).message}`, {
      hint: 'set serve.listen to an address or socket that is free and that this user may open',
    });
  }
  if (path !== undefined) return `unix:${path}`;
  const { address: host, port } = server.address() as AddressInfo;
  return `${isTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A socket that a killed process left is in the way. One that answers belongs to a program that runs. */
async function removeDeadSocket(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (!there) return;
  if (!there.isSocket()) throw new Error('there is a file of this name, which is not a socket');
  if (there.uid !== process.geteuid?.()) throw new Error(`the socket belongs to another user (uid ${there.uid})`);
  if (!(await isDead(path))) throw new Error('another program listens there');
  rmSync(path);
}

function isDead(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
