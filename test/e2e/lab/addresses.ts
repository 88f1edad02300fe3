import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

export interface Endpoint {
  host: string;
  port: number;
}

export const LOOPBACK = '127.0.0.1';

/** So many ports of the loopback address, each free for UDP and TCP. */
export async function freePorts<Count extends 2 | 3 | 5>(count: Count): Promise<Ports[Count]>;
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; ports.size < count && attempt < 50; attempt++) {
    // Below the range that the kernel hands out to clients, so that none of them takes the port before its server does.
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if ((await whyNotFree({ host: LOOPBACK, port })) === undefined) ports.add(port);
  }
  if (ports.size < count) throw new Error('no free ports found on the loopback address');
  return [...ports];
}

interface Ports {
  2: [number, number];
  3: [number, number, number];
  5: [number, number, number, number, number];
}

/**
 * Three loopback addresses with a free port 53, so that names can lead to the laboratory's servers by ordinary NS and A records.
 * Undefined where port 53 or the addresses cannot be had.
 */
export async function threeNameServerAddresses(): Promise<[string, string, string] | undefined> {
  const first = process.pid % 250;
  for (let attempt = 0; attempt < 50; attempt++) {
    const net = `127.53.${(first + attempt) % 250}`;
    const hosts: [string, string, string] = [`${net}.1`, `${net}.2`, `${net}.3`];
    const obstacles = await Promise.all(hosts.map((host) => whyNotFree({ host, port: 53 })));
    if (obstacles.every((obstacle) => obstacle === undefined)) return hosts;
    if (obstacles.some((obstacle) => obstacle !== undefined && obstacle !== 'EADDRINUSE')) return undefined;
  }
  return undefined;
}

async function whyNotFree({ host, port }: Endpoint): Promise<string | undefined> {
  const tcp = createServer();
  const udp = createSocket('udp4');
  try {
    await once(tcp.listen(port, host), 'listening');
    udp.bind(port, host);
    await once(udp, 'listening');
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    await Promise.all([new Promise((closed) => tcp.close(closed)), new Promise<void>((closed) => udp.close(closed))]);
  }
}
