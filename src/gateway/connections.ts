import type { IncomingMessage } from 'node:http';
import { isIP, isIPv6, type Server, type Socket } from 'node:net';
import type { Networks } from '../networks.ts';

const MAX_CONNECTIONS = 1000;
const MAX_CONNECTIONS_PER_ADDRESS = 128;

export interface Connections {
  /** Counts the requests of this connection that are being answered: +1 at the beginning, -1 at the end. */
  working(socket: Socket, change: 1 | -1): void;
  /** Closes idle connections, now and from now on. */
  closeIdle(): void;
}

/**
 * Limits connections, so that one client cannot take them all. When the server stops, each ends with its request.
 * @param isProxy true for addresses behind which there are many clients
 */
export function limitConnections(
  server: Server,
  isTls: boolean,
  isProxy: (address: string) => boolean = () => false,
): Connections {
  const perAddress = new Map<string, number>();
  const requests = new Map<Socket, number>();
  let closing = false;
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', (socket: Socket) => {
    // A Unix socket has no addresses, and its mode decides who may connect.
    if (socket.remoteAddress === undefined || isProxy(ipOf(socket))) return;
    const address = addressKey(ipOf(socket));
    const open = (perAddress.get(address) ?? 0) + 1;
    perAddress.set(address, open);
    socket.once('close', () => {
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left > 0) perAddress.set(address, left);
      else perAddress.delete(address);
    });
    if (open > MAX_CONNECTIONS_PER_ADDRESS) socket.destroy();
  });
  // With TLS, requests come on the socket that the handshake made.
  server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
    if (closing) return void socket.destroy();
    requests.set(socket, 0);
    socket.once('close', () => requests.delete(socket));
  });
  return {
    working(socket, change) {
      const count = requests.get(socket);
      if (count !== undefined) requests.set(socket, count + change);
    },
    closeIdle() {
      closing = true;
      for (const [socket, count] of requests) if (count === 0) socket.destroy();
    },
  };
}

/** The client's IP address, or `unix` for a Unix socket. */
export function ipOf({ remoteAddress }: Socket): string {
  return withoutMapping(remoteAddress ?? 'unix');
}

/**
 * The address that a request came from: the connection's, or what the load balancer at its other end says.
 * @param isProxy undefined where there are no load balancers
 */
export function clientIp({ socket, headers }: IncomingMessage, isProxy: Networks | undefined): string {
  const direct = ipOf(socket);
  if (!isProxy || (direct !== 'unix' && !isProxy(direct))) return direct;
  const forwarded = String(headers['x-forwarded-for'] ?? '').split(',');
  // Each proxy adds to the end the address that it saw. What comes before the first known proxy may be forged.
  const client = forwarded.map((text) => withoutMapping(text.trim())).findLast((ip) => isIP(ip) === 0 || !isProxy(ip));
  return client !== undefined && isIP(client) !== 0 ? client : direct;
}

const withoutMapping = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/** The key to count an address by: an IPv4 address, or the /64 network of an IPv6 address, which is one customer's. */
export function addressKey(address: string): string {
  if (!isIPv6(address)) return address;
  const [left = '', right] = address.replace(/%.*/, '').split('::');
  const before = left === '' ? [] : left.split(':');
  const after = right ? right.split(':') : [];
  const zeros = right === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  return [...before, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).join(':');
}
