import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, isIPv6, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Endpoint } from '../../lab/addresses.ts';

const TIMEOUT_MS = 5000;

/** What a server does to a query; undefined: it says nothing. */
export type Manner = (
  query: Buffer,
  ask: (query: Buffer) => Promise<Buffer>,
  transport: 'udp' | 'tcp',
) => Promise<Buffer | undefined>;

export interface RelaySettings {
  /** Where it listens, on port 53. */
  readonly address: string;
  readonly behind: Endpoint;
  /** The address that it asks from. */
  readonly source: string;
  readonly manner?: Manner;
  /** false: connections are refused. */
  readonly tcp?: boolean;
}

/** A name server at an address of its own, whose answers come from another one, changed or not. */
export async function openRelay(settings: RelaySettings): Promise<() => Promise<void>> {
  const { address, manner = (query, ask) => ask(query) } = settings;
  const udp = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  const open = new Set<Socket>();
  udp.on('message', async (query, client) => {
    const answer = await manner(query, (changed) => overUdp(settings, changed), 'udp').catch(() => undefined);
    // The laboratory may have been closed meanwhile.
    if (answer && udp.listenerCount('message') > 0) udp.send(answer, client.port, client.address);
  });
  udp.bind(53, address);
  await once(udp, 'listening');

  const tcp = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    onMessages(socket, async (query) => {
      const answer = await manner(query, (changed) => overTcp(settings, changed), 'tcp').catch(() => undefined);
      if (answer) socket.write(framed(answer));
    });
  });
  if (settings.tcp !== false) await once(tcp.listen(53, address), 'listening');
  return async () => {
    udp.removeAllListeners('message');
    await new Promise<void>((closed) => udp.close(closed));
    for (const socket of open) socket.destroy();
    if (tcp.listening) await new Promise((closed) => tcp.close(closed));
  };
}

async function overUdp({ behind, source }: RelaySettings, query: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    socket.bind(0, source);
    await once(socket, 'listening');
    socket.send(query, behind.port, behind.host);
    const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return answer;
  } finally {
    socket.close();
  }
}

async function overTcp({ behind, source }: RelaySettings, query: Buffer): Promise<Buffer> {
  const socket = connect({ host: behind.host, port: behind.port, localAddress: source });
  try {
    return await new Promise((resolve, reject) => {
      socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
      socket.on('error', reject);
      onMessages(socket, resolve);
      socket.write(framed(query));
    });
  } finally {
    socket.destroy();
  }
}

/** Each message comes after its length (RFC 1035 section 4.2.2). */
function onMessages(socket: Socket, heard: (message: Buffer) => void): void {
  let received = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      heard(received.subarray(2, end));
      received = received.subarray(end);
    }
  });
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

const SLOW_MS = 600;
const NXDOMAIN = 3;
const FORMERR = 1;
const SERVFAIL = 2;
const CAA = 257;

/** The octets of the first question's name and type. */
function questionIn(message: Buffer): { name: Buffer; type: number } {
  let end = 12;
  while ((message[end] ?? 0) !== 0) end += 1 + (message[end] ?? 0);
  return { name: message.subarray(12, end), type: message.readUInt16BE(end + 1) };
}

const isMixedCase = (query: Buffer): boolean => /[A-Z]/.test(questionIn(query).name.toString('latin1'));

/** Lengths of labels are at most 63, below the capital letters but for 63: `?` is none. */
function toLowerCase(query: Buffer): Buffer {
  const changed = Buffer.from(query);
  const { name } = questionIn(changed);
  name.write(name.toString('latin1').toLowerCase(), 'latin1');
  return changed;
}

function withCode(answer: Buffer, code: number): Buffer {
  const changed = Buffer.from(answer);
  changed[3] = ((changed[3] ?? 0) & 0xf0) | code;
  return changed;
}

/** The question alone, with TC. */
function truncated(query: Buffer): Buffer {
  const { name } = questionIn(query);
  const answer = Buffer.from(query.subarray(0, 12 + name.length + 5));
  answer[2] = ((answer[2] ?? 0) & 0x79) | 0x86;
  answer.writeUInt16BE(0, 10);
  return answer;
}

/** Answers without records have a count of zero after the question. */
const isEmpty = (answer: Buffer): boolean => answer.readUInt16BE(6) === 0;

export const MANNERS = {
  silent: async () => undefined,
  lowercase: (query, ask) => ask(toLowerCase(query)),
  dropsMixedCase: async (query, ask) => (isMixedCase(query) ? undefined : ask(query)),
  /** FORMERR for every query with EDNS, the only additional record of a query. */
  noEdns: async (query, ask) => {
    if (query.readUInt16BE(10) === 0) return ask(query);
    const header = Buffer.from(query.subarray(0, 12)).fill(0, 4);
    header[2] = ((header[2] ?? 0) & 0x79) | 0x80;
    return withCode(header, FORMERR);
  },
  /** As a resolver that answers from its memory: without authority, and offering recursion. */
  forwards: async (query, ask) => {
    const answer = Buffer.from(await ask(query));
    answer[2] = (answer[2] ?? 0) & ~0x04;
    answer[3] = (answer[3] ?? 0) | 0x80;
    return answer;
  },
  slow: async (query, ask) => {
    await pause(SLOW_MS);
    return ask(query);
  },
  /** NXDOMAIN in place of every answer without records. */
  nxdomain: async (query, ask) => {
    const answer = await ask(query);
    return isEmpty(answer) ? withCode(answer, NXDOMAIN) : answer;
  },
  noUdp: async (query, ask, transport) => (transport === 'udp' ? undefined : ask(query)),
  truncates: async (query, ask, transport) => (transport === 'udp' ? truncated(query) : ask(query)),
  servfail: async (query, ask) => withCode(await ask(query), SERVFAIL),
  ignoresCaa: async (query, ask) => (questionIn(query).type === CAA ? undefined : ask(query)),
  noCaa: async (query, ask) => {
    const answer = await ask(query);
    return questionIn(query).type === CAA ? withCode(answer, SERVFAIL) : answer;
  },
} as const satisfies Record<string, Manner>;
