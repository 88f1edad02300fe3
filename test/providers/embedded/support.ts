import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as dnsPacket from 'dns-packet';
import { onTestFinished } from 'vitest';
import type { ServedZone } from '../../../providers/embedded/answer.ts';
import { type Nameserver, type NameserverSettings, startNameserver } from '../../../providers/embedded/nameserver.ts';
import { normaliseName } from '../../../src/names.ts';
import { openRecords } from '../../../src/state/files/records.ts';
import type { Records } from '../../../src/state/records.ts';

/** A directory of its own. Whoever makes it removes it. */
export const newDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'dns01-embedded-'));

export interface Served {
  readonly server: Nameserver;
  readonly records: Records;
  /** Faults that the server told of. */
  readonly faults: unknown[];
}

/** The name server for `example.com`, with records in a real directory, until the test is over. */
export async function serveExample(more: Partial<NameserverSettings> = {}): Promise<Served> {
  const directory = await newDirectory();
  const records = openRecords(directory);
  const faults: unknown[] = [];
  const zones = async () => [await zoneOf('example.com', records)];
  const failed = (error: unknown) => void faults.push(error);
  const server = await startNameserver({ address: '127.0.0.1', port: 0, zones, failed, ...more });
  onTestFinished(async () => {
    await server.close();
    await rm(directory, { recursive: true });
  });
  return { server, records, faults };
}

export async function zoneOf(name: string, records: Records): Promise<ServedZone> {
  const ns = ['ns1.example.net', 'ns2.example.net'].map(normaliseName);
  return { name: normaliseName(name), ns, serial: 7, records: (await records.served()).records };
}

export type Query = Partial<dnsPacket.Packet> & { readonly name?: string; readonly qtype?: dnsPacket.RecordType };

/** A question as a client that is not ours would ask it. */
export function query({ name = 'example.com', qtype = 'TXT', ...more }: Query = {}): Buffer {
  return dnsPacket.encode({ type: 'query', id: 4711, questions: [{ name, type: qtype }], ...more });
}

export type Answer = dnsPacket.DecodedPacket & { readonly rcode: string };

export async function overUdp(server: Nameserver, bytes: Buffer): Promise<Answer> {
  const socket = createSocket(server.address.includes(':') ? 'udp6' : 'udp4');
  const heard = once(socket, 'message');
  socket.send(bytes, server.port, server.address);
  const [answer] = (await heard) as [Buffer];
  socket.close();
  return dnsPacket.decode(answer) as Answer;
}

/** Everything that a TCP connection brings until it is closed, cut into answers. */
export async function overTcp(server: Nameserver, ...chunks: Buffer[]): Promise<Answer[]> {
  const socket = await openTcp(server);
  for (const chunk of chunks) {
    socket.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
  const received: Buffer[] = [];
  for await (const chunk of socket) received.push(chunk as Buffer);
  return readStream(Buffer.concat(received));
}

export async function openTcp(server: Nameserver): Promise<Socket> {
  const socket = connect(server.port, server.address);
  await once(socket, 'connect');
  return socket;
}

export function withLength(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function readStream(bytes: Buffer): Answer[] {
  if (bytes.length === 0) return [];
  const end = 2 + bytes.readUInt16BE(0);
  return [dnsPacket.decode(bytes.subarray(2, end)) as Answer, ...readStream(bytes.subarray(end))];
}
