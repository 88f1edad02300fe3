import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import type { ServerKind } from './zones.ts';

const DNS_PORT = 53;

/** Addresses of the laboratory, all on port 53, which delegations always mean. */
export interface Places {
  readonly root: string;
  readonly tld: string;
  readonly resolver: string;
  readonly servers: Readonly<Record<ServerKind, string>>;
  /** Source addresses that tell BIND which of its views is asked. */
  readonly sources: Readonly<Record<View, string>>;
}

/** One set of zones in BIND each. */
export type View = 'root' | 'tld' | 'leaf' | 'old' | 'lame';

/** A network of 127/8 that nobody uses. @throws where port 53 cannot be had */
export async function findPlaces(): Promise<Places> {
  const first = process.pid % 150;
  for (let attempt = 0; attempt < 50; attempt++) {
    const net = `127.${80 + ((first + attempt) % 150)}`;
    if (await isFree(`${net}.0.1`)) return placesIn(net);
  }
  throw new Error('no network of 127/8 has a free port 53');
}

/** Whether this process may listen on port 53, which a private root cannot do without. */
export async function mayListenOnPort53(): Promise<boolean> {
  return findPlaces().then(
    () => true,
    () => false,
  );
}

/** ::1 is the only IPv6 address of a loopback, so only one laboratory of a machine has it. */
export async function hasIpv6(): Promise<boolean> {
  const known = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
  return known && (await isFree('::1'));
}

function placesIn(net: string): Places {
  return {
    root: `${net}.0.1`,
    tld: `${net}.0.2`,
    resolver: `${net}.0.9`,
    servers: {
      bind: `${net}.1.1`,
      knot: `${net}.1.2`,
      old: `${net}.1.3`,
      lame: `${net}.1.4`,
      closed: `${net}.1.5`,
      silent: `${net}.1.6`,
      noTcp: `${net}.1.7`,
      lowercase: `${net}.1.8`,
      dropsMixedCase: `${net}.1.9`,
      slow: `${net}.1.10`,
      nxdomain: `${net}.1.11`,
      noCaa: `${net}.1.12`,
      noEdns: `${net}.1.13`,
      forwards: `${net}.1.14`,
      noUdp: `${net}.1.15`,
      truncates: `${net}.1.16`,
      servfail: `${net}.1.17`,
      ignoresCaa: `${net}.1.18`,
      private: '10.53.0.1',
      ipv6: '::1',
    },
    sources: {
      root: `${net}.9.1`,
      tld: `${net}.9.2`,
      leaf: `${net}.9.3`,
      old: `${net}.9.4`,
      lame: `${net}.9.5`,
    },
  };
}

async function isFree(address: string): Promise<boolean> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.bind(DNS_PORT, address);
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
