import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import * as dnsPacket from 'dns-packet';
import { isWithin } from '../../src/names.ts';

export interface FakeRecord {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'CAA' | 'CNAME' | 'NS' | 'TXT';
  /** For CAA `FLAGS TAG VALUE`; anything else is sent as it is, which makes the record malformed. */
  readonly data: string;
}

export interface FakeZone {
  /** Empty: the root. */
  readonly name: string;
  readonly records?: readonly FakeRecord[];
  /** Zones below that other servers hold: the names of their servers, each with its glue. */
  readonly delegations?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** Refers every query to its first delegation, whether that holds the name or not. */
  readonly strays?: boolean;
  /** Answers without AA, as a server does that no longer holds the zone. */
  readonly lame?: boolean;
  /** Of its SOA record; default: 1. */
  readonly serial?: number;
  /** The last number of its SOA record, in seconds; default: 60. */
  readonly minimum?: number;
}

/** The faults of a server. All of them can be changed at any time. */
export interface Manners {
  readonly udp?:
    | 'silent'
    | 'truncated'
    | 'sized'
    | 'cut-off'
    | 'wrong-id'
    | 'other-question'
    | 'garbage'
    | 'forged'
    | undefined;
  readonly tcp?: 'closes' | 'garbage' | 'endless' | 'silent' | undefined;
  readonly rcode?: 'NXDOMAIN' | 'REFUSED' | 'SERVFAIL' | undefined;
  /** The only type of query, or name, that `rcode` applies to; default: all. */
  readonly rcodeFor?: { readonly name: string; readonly type: string } | undefined;
  /** The answer to a query with EDNS; `FORMERR-bare` is a header alone. */
  readonly edns?: 'FORMERR' | 'NOTIMP' | 'FORMERR-bare' | undefined;
  /** What happens to a query over UDP with upper-case letters. */
  readonly mixedCase?: 'dropped' | 'lowered' | undefined;
  /** Before every answer. */
  readonly delayMs?: number | undefined;
}

export interface AskedQuestion {
  readonly name: string;
  readonly type: string;
  readonly recursive: boolean;
  readonly edns: boolean;
  readonly transport: 'udp' | 'tcp';
}

/** The TXT values at a name, for the n-th query for them, counted from 1. */
export type Script = (nth: number) => readonly string[] | Promise<readonly string[]>;

export interface FakeDnsServer {
  readonly address: string;
  readonly port: number;
  /** The address in the form of a config file. */
  readonly at: string;
  /** Every query so far, in order. */
  readonly questions: AskedQuestion[];
  /** The queries for a challenge name: a resolver must never get one. */
  challengeQuestions(): AskedQuestion[];
  manners: Manners;
  /** Replaces the zones; a function is called for every query. */
  serve(zones: readonly FakeZone[] | (() => readonly FakeZone[])): void;
  /** Replaces the name's TXT records, whatever the zone has. */
  show(name: string, values: readonly string[] | Script): void;
  close(): Promise<void>;
}

export interface FakeDnsSettings {
  /** Any address on loopback. */
  readonly address?: string;
  /** 0, the default, for any free one. */
  readonly port?: number;
  readonly zones?: readonly FakeZone[];
  /** Answers for its zones like a caching resolver: never AA, NXDOMAIN for an unknown zone. */
  readonly resolver?: boolean;
  readonly manners?: Manners;
}

const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;

/** A value that is there from the n-th query on. */
export const fromQuestion =
  (first: number, ...values: string[]): Script =>
  (nth) =>
    nth >= first ? values : [];

/** Two machines behind one address that answer alternately and differently. */
export const flapping =
  (one: readonly string[], other: readonly string[]): Script =>
  (nth) =>
    nth % 2 === 1 ? one : other;

/** Real servers on the same port of several addresses, as authoritative servers have. */
export async function startFakeServers(perAddress: readonly FakeDnsSettings[]): Promise<FakeDnsServer[]> {
  const started: FakeDnsServer[] = [];
  try {
    for (const settings of perAddress) started.push(await startFakeDns({ port: started[0]?.port ?? 0, ...settings }));
    return started;
  } catch (error) {
    await Promise.all(started.map((server) => server.close()));
    if ((error as { code?: string }).code === 'EADDRINUSE') return startFakeServers(perAddress);
    throw error;
  }
}

/** A DNS server on loopback, over UDP and TCP on one port, with faults on demand. */
export async function startFakeDns(settings: FakeDnsSettings = {}): Promise<FakeDnsServer> {
  const address = settings.address ?? '127.0.0.1';
  const scripts = new Map<string, { script: Script; asked: number }>();
  const questions: AskedQuestion[] = [];
  let zonesOf = () => settings.zones ?? [];
  const { udp, tcp, port } = await listen(address, settings.port ?? 0);
  const open = new Set<Socket>();
  let closed: Promise<unknown> | undefined;

  const server: FakeDnsServer = {
    address,
    port,
    at: isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`,
    questions,
    challengeQuestions: () => questions.filter(({ name }) => /(^|\.)_acme-challenge/i.test(name)),
    manners: settings.manners ?? {},
    serve(zones) {
      zonesOf = typeof zones === 'function' ? zones : () => zones;
    },
    show(name, values) {
      scripts.set(name, { script: typeof values === 'function' ? values : () => values, asked: 0 });
    },
    async close() {
      for (const socket of open) socket.destroy();
      if (!closed) {
        closed = Promise.all([once(udp, 'close'), once(tcp, 'close')]);
        udp.close();
        tcp.close();
      }
      await closed;
    },
  };

  async function reply(query: dnsPacket.DecodedPacket, transport: 'udp' | 'tcp'): Promise<dnsPacket.Packet> {
    const [question] = query.questions ?? [];
    if (!question) throw new Error('a question without a question');
    const edns = (query.additionals ?? []).some(({ type }) => type === 'OPT');
    questions.push({ ...question, recursive: query.flag_rd, edns, transport });
    const { manners } = server;
    if (manners.delayMs) await delay(manners.delayMs);
    if (edns && manners.edns) return refuseEdns(query, manners.edns);
    const { rcodeFor = question } = manners;
    if (manners.rcode && rcodeFor.name === question.name && rcodeFor.type === question.type)
      return packet(query, { rcode: manners.rcode, authoritative: manners.rcode === 'NXDOMAIN' });
    return packet(query, answerFrom(await zonesNow(question), question, settings.resolver ?? false));
  }

  /** The zones, with the values of the scripts in place of their TXT records. */
  async function zonesNow({ name, type }: dnsPacket.Question): Promise<readonly FakeZone[]> {
    const zones = zonesOf();
    const entry = scripts.get(name);
    if (!entry) return zones;
    if (type === 'TXT') entry.asked++;
    const values = await entry.script(entry.asked);
    return zones.map((zone) => {
      const others = (zone.records ?? []).filter((record) => record.name !== name || record.type !== 'TXT');
      return { ...zone, records: [...others, ...values.map((data) => ({ name, type: 'TXT', data }) as const)] };
    });
  }

  udp.on('message', async (bytes, from) => {
    const query = dnsPacket.decode(bytes);
    const { mixedCase } = server.manners;
    const isMixed = (query.questions ?? []).some(({ name }) => /[A-Z]/.test(name));
    if (isMixed && mixedCase === 'dropped') return;
    const questions = (query.questions ?? []).map((each) => ({ ...each, name: each.name.toLowerCase() }));
    const answer = await reply(isMixed && mixedCase === 'lowered' ? { ...query, questions } : query, 'udp');
    await sendUdp(udp, from, server.manners.udp, answer).catch(() => {});
  });
  tcp.on('connection', (socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', async (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const query = dnsPacket.streamDecode(received) as dnsPacket.DecodedPacket;
      received = Buffer.alloc(0);
      sendTcp(socket, server.manners.tcp, await reply(query, 'tcp'));
    });
  });
  return server;
}

interface FakeAnswer {
  readonly rcode?: keyof typeof RCODES;
  readonly authoritative?: boolean;
  readonly answers?: readonly (FakeRecord | { readonly soa: FakeZone })[];
  readonly authorities?: readonly (FakeRecord | { readonly soa: FakeZone })[];
  readonly additionals?: readonly FakeRecord[];
}

/** CNAMEs in one answer: they may go round. */
const MAX_ALIASES = 8;

/** RFC 1034 section 4.3.2, for a few zones in memory. */
function answerFrom(
  zones: readonly FakeZone[],
  question: dnsPacket.Question,
  resolver: boolean,
  aliases = MAX_ALIASES,
): FakeAnswer {
  const name = question.name.toLowerCase();
  const zone = zones
    .filter((each) => each.name === '' || isWithin(name, each.name))
    .sort((a, b) => b.name.length - a.name.length)[0];
  if (!zone) return resolver ? { rcode: 'NXDOMAIN', authorities: [{ soa: { name: '' } }] } : { rcode: 'REFUSED' };
  const cut = Object.keys(zone.delegations ?? {}).find((each) => zone.strays || isWithin(name, each));
  if (cut !== undefined && !resolver) return referral(cut, zone.delegations?.[cut] ?? {});

  const authoritative = !resolver && !zone.lame;
  if (question.type === 'SOA' && name === zone.name) return { authoritative, answers: [{ soa: zone }] };
  const own = (zone.records ?? []).filter((record) => record.name === name);
  const here = own.length > 0 ? own : fromWildcard(zone, name);
  const wanted = here.filter(({ type }) => type === question.type);
  if (wanted.length > 0) return { authoritative, answers: wanted };
  const [alias] = here.filter(({ type }) => type === 'CNAME');
  if (alias && aliases === 0) return { authoritative, answers: [alias] };
  if (alias) {
    const rest = answerFrom(zones, { ...question, name: alias.data }, resolver, aliases - 1);
    return { authoritative, answers: [alias, ...(rest.answers ?? [])] };
  }
  const exists = (zone.records ?? []).some((record) => isWithin(record.name, name)) || name === zone.name;
  return { rcode: exists ? 'NOERROR' : 'NXDOMAIN', authoritative, authorities: [{ soa: zone }] };
}

/** RFC 4592: a missing name has the records of `*` below the closest existing name above it. */
function fromWildcard(zone: FakeZone, name: string): FakeRecord[] {
  const records = zone.records ?? [];
  for (let at = name; at !== zone.name; ) {
    at = at.includes('.') ? at.slice(at.indexOf('.') + 1) : '';
    const made = records.filter((record) => record.name === `*.${at}`);
    if (made.length > 0) return made.map((record) => ({ ...record, name }));
    if (records.some((record) => isWithin(record.name, at))) return [];
  }
  return [];
}

function referral(cut: string, servers: Readonly<Record<string, readonly string[]>>): FakeAnswer {
  return {
    authorities: Object.keys(servers).map((data) => ({ name: cut, type: 'NS', data })),
    additionals: Object.entries(servers).flatMap(([name, addresses]) =>
      addresses.map((data) => ({ name, type: isIPv6(data) ? 'AAAA' : 'A', data }) as const),
    ),
  };
}

function packet(query: dnsPacket.DecodedPacket, answer: FakeAnswer): dnsPacket.Packet {
  const { rcode = 'NOERROR', authoritative = false, answers = [], authorities = [], additionals = [] } = answer;
  return {
    type: 'response',
    id: query.id ?? 0,
    flags: RCODES[rcode] | (authoritative ? dnsPacket.AUTHORITATIVE_ANSWER : 0),
    questions: query.questions ?? [],
    answers: answers.map(onWire),
    authorities: authorities.map(onWire),
    additionals: [...additionals.map(onWire), ...(query.additionals ?? []).filter(({ type }) => type === 'OPT')],
  };
}

function onWire(record: FakeRecord | { readonly soa: FakeZone }): dnsPacket.Answer {
  if ('soa' in record) return soa(record.soa);
  const { name, type, data } = record;
  if (type === 'TXT') return { name, type, data: data.match(/.{1,255}/gs) ?? [''], ttl: 60 };
  if (type !== 'CAA') return { name, type, data, ttl: 60 };
  const [, flags, tag = '', value = ''] = /^(\d+) (\S+) (.*)$/s.exec(data) ?? [];
  if (flags === undefined) return { name, type: 'UNKNOWN_257' as 'NULL', ttl: 60, data: Buffer.from(data, 'latin1') };
  // The package's types only know the tags of the first RFC.
  return { name, type, ttl: 60, data: { flags: Number(flags), tag: tag as 'issue', value } };
}

function soa({ name, serial = 1, minimum = 60 }: FakeZone): dnsPacket.Answer {
  const data = { mname: `ns.${name}`, rname: `hostmaster.${name}`, serial, minimum };
  return { type: 'SOA', name, ttl: minimum, data };
}

function refuseEdns(query: dnsPacket.DecodedPacket, how: NonNullable<Manners['edns']>): dnsPacket.Packet {
  const refusal = { ...packet(query, { rcode: how === 'NOTIMP' ? 'NOTIMP' : 'FORMERR' }), additionals: [] };
  return how === 'FORMERR-bare' ? { ...refusal, questions: [] } : refusal;
}

async function sendUdp(udp: UdpSocket, to: RemoteInfo, manner: Manners['udp'], answer: dnsPacket.Packet) {
  const send = (bytes: Buffer) => udp.send(bytes, to.port, to.address);
  const { id = 0, flags = 0, questions = [] } = answer;
  const truncated = { ...answer, flags: flags | dnsPacket.TRUNCATED_RESPONSE };
  switch (manner) {
    case undefined:
      return send(dnsPacket.encode(answer));
    case 'silent':
      return;
    case 'sized': {
      const whole = dnsPacket.encode(answer);
      return send(whole.length > 1232 ? dnsPacket.encode({ ...truncated, answers: [] }) : whole);
    }
    case 'truncated':
      return send(dnsPacket.encode({ ...truncated, answers: [] }));
    case 'cut-off':
      return send(dnsPacket.encode(truncated).subarray(0, -5));
    case 'wrong-id':
      return send(dnsPacket.encode({ ...answer, id: (id + 1) % 0x10000 }));
    case 'other-question':
      return send(dnsPacket.encode({ ...answer, questions: questions.map((each) => ({ ...each, name: 'x.test' })) }));
    case 'garbage':
      return send(Buffer.from('this is not DNS, not at all'));
    case 'forged':
      await forge(to, answer);
      send(dnsPacket.encode(answer));
  }
}

/** The same answer with other values from another port, which arrives before the real one is sent. */
async function forge(to: RemoteInfo, answer: dnsPacket.Packet): Promise<void> {
  const socket = createSocket(to.family === 'IPv6' ? 'udp6' : 'udp4');
  const answers = (answer.answers ?? []).map((record) =>
    record.type === 'TXT' ? { ...record, data: 'forged' } : record,
  );
  const bytes = dnsPacket.encode({ ...answer, answers });
  await new Promise<void>((resolve) => socket.send(bytes, to.port, to.address, () => resolve()));
  socket.close();
}

function sendTcp(socket: Socket, manner: Manners['tcp'], answer: dnsPacket.Packet): void {
  switch (manner) {
    case undefined:
      return void socket.write(dnsPacket.streamEncode(answer));
    case 'silent':
      return;
    case 'closes':
      return void socket.end();
    case 'garbage':
      return void socket.write(Buffer.from('\0\x10this is not DNS.'));
    case 'endless': {
      // The length is never reached, or only by more garbage.
      const more = () => socket.destroyed || socket.write(Buffer.alloc(64 * 1024, 0xff), more);
      more();
    }
  }
}

/** UDP and TCP on one port. If TCP already has it, another port. */
async function listen(address: string, wanted: number): Promise<{ udp: UdpSocket; tcp: Server; port: number }> {
  const udp = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  const bound = once(udp, 'listening');
  udp.bind(wanted, address);
  await bound;
  const { port } = udp.address();
  const tcp = createServer();
  try {
    const listening = once(tcp, 'listening');
    tcp.listen(port, address);
    await listening;
    return { udp, tcp, port };
  } catch (error) {
    udp.close();
    if (wanted === 0 && (error as { code?: string }).code === 'EADDRINUSE') return listen(address, 0);
    throw error;
  }
}
