import { lstatSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Dns01Error } from '../errors.ts';

export interface ListenAddress {
  /** The key of the config that it comes from. */
  readonly option: string;
  /** Either host and port, or the path of a Unix socket. */
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
}

/** Only the socket's owner and group may connect. */
const SOCKET_UMASK = 0o117;

/** Returns the address in the form of the config, with the real port. @throws E_CONFIG */
export async function listen(server: Server, address: ListenAddress, isTls: boolean): Promise<string> {
  const { path } = address;
  try {
    if (path !== undefined) await removeDeadSocket(path);
    // The umask is set first, because a chmod would leave the socket open to others for a moment.
    const before = path === undefined ? undefined : process.umask(SOCKET_UMASK);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(address, resolve);
        if (before !== undefined) process.umask(before);
      });
    } finally {
      server.removeAllListeners('error');
      // A connection that the system cannot accept, for want of a free descriptor, must not end the server.
      server.on('error', () => {});
    }
  } catch (error) {
    const wanted = path === undefined ? `${address.host}:${address.port}` : `unix:${path}`;
    throw new Dns01Error('E_CONFIG', `cannot listen on ${wanted}: ${(error as Error).message}`, {
      hint: `set ${address.option} to an address or socket that is free and that this user may open`,
    });
  }
  if (path !== undefined) return `unix:${path}`;
  const { address: host, port } = server.address() as AddressInfo;
  return `${isTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Removes a socket that a killed process left. One that answers belongs to a running program. */
async function removeDeadSocket(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (!there) return;
  if (!there.isSocket()) throw new Error('a file of this name exists and is not a socket');
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
