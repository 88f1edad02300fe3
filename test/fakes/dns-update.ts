import { createHmac, randomBytes } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Fault, FaultKind, FaultServer } from './fault-server.ts';

export interface UpdateFakeSettings {
  /** Default: `example.com`. */
  readonly zones?: readonly string[];
  readonly algorithm?: 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512';
  /** Names with a CNAME record. */
  readonly cnames?: readonly string[];
  /** The NS records of each zone, as labels below it, written with a pointer to the question as servers do. */
  readonly ns?: readonly string[];
  /** The response code for every update, or for every message. */
  readonly refuse?: { readonly updates?: number; readonly everything?: number };
  /** Names that the key may not change. */
  readonly forbidden?: readonly string[];
  /** Changes an answer before it is sent. */
  spoil?(answer: Buffer): Buffer;
  /** Whether its answers are signed; default true. */
  readonly signs?: boolean;
  /** Seconds that its clock is ahead. */
  readonly clock?: number;
  /** Whether it is authoritative (AA) for its zones; default true. A resolver is not. */
  readonly authoritative?: boolean;
  /** Closes every connection after one answer. */
  readonly oneAnswer?: boolean;
}

export interface UpdateFake {
  /** Faults and the names of the calls: `SOA`, `NS`, `TXT`, `add`, `delete`. */
  readonly server: FaultServer;
  readonly port: number;
  readonly key: {
    readonly name: string;
    readonly algorithm: 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512';
    readonly secret: string;
  };
  held(name: string): string[];
  /** Every TXT record. */
  everything(): string[];
  /** Stores a TXT record, split into these strings. */
  plant(name: string, ...strings: string[]): void;
  /** Connections opened so far. */
  readonly connections: { count: number };
  readonly ttls: Map<string, number>;
  close(): Promise<void>;
}

const [NOERROR, FORMERR, NXDOMAIN, REFUSED] = [0, 1, 3, 5] as const;
const [YXDOMAIN, YXRRSET, NXRRSET, NOTAUTH, NOTZONE] = [6, 7, 8, 9, 10] as const;
const [NS, CNAME, SOA, TXT, TSIG] = [2, 5, 6, 16, 250] as const;
const [IN, NONE, ANY] = [1, 254, 255] as const;

/** A primary over TCP that takes signed updates (RFC 2136, RFC 8945), with faults on demand. Shares no code with the provider. */
export async function startUpdateFake(settings: UpdateFakeSettings = {}): Promise<UpdateFake> {
  const { zones = ['example.com'], algorithm = 'hmac-sha256', cnames = [] } = settings;
  const secret = randomBytes(32);
  const keyName = 'update.key';
  /** RDATA in hex, by name. */
  const texts = new Map<string, string[]>();
  const ttls = new Map<string, number>();
  const faults: { fault: Fault; left: number }[] = [];
  const requests: FaultServer['requests'] = [];
  const sockets = new Set<Socket>();
  const connections = { count: 0 };
  let counted = 0;

  const at = (name: string): string[] => texts.get(name) ?? [];
  const zoneOf = (name: string) =>
    zones.filter((zone) => name === zone || name.endsWith(`.${zone}`)).sort((a, b) => b.length - a.length)[0];

  const server = createServer((socket) => {
    connections.count++;
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        serve(received.subarray(2, end), socket);
        received = received.subarray(end);
      }
    });
  });

  function serve(bytes: Buffer, socket: Socket): void {
    const message = parse(bytes);
    const call = callOf(message);
    requests.push({
      call,
      method: call,
      path: message.question.name,
      query: '',
      headers: {},
      body: bytes.toString('hex'),
    });
    const struck = faults.find(({ fault, left }) => left > 0 && fault.call === call);
    if (struck) struck.left--;
    const reply = struck?.fault.effect === 'before' ? failed(message) : respond(bytes, message);
    if (struck) goWrong(struck.fault.kind, reply, message, socket);
    else send(socket, settings.spoil ? settings.spoil(reply) : reply);
    if (settings.oneAnswer) socket.end();
  }

  function respond(bytes: Buffer, message: Message): Buffer {
    const tsig = message.tsig;
    if (!tsig) return answer(message, REFUSED);
    const mac = hmac(Buffer.concat([unsigned(bytes, tsig), tsig.variables]));
    if (tsig.key !== keyName || tsig.algorithm !== algorithm)
      return answer(message, NOTAUTH, [], { error: 17, mac: false });
    if (!mac.equals(tsig.mac)) return answer(message, NOTAUTH, [], { error: 16, mac: false });
    if (Math.abs(tsig.time - now()) > 300) return answer(message, NOTAUTH, [], { error: 18, mac: true });
    if (settings.refuse?.everything !== undefined) return answer(message, settings.refuse.everything);
    return message.opcode === 5 ? update(message) : query(message);
  }

  function query(message: Message): Buffer {
    const { name, type } = message.question;
    const zone = zoneOf(name);
    if (zone === undefined) return answer(message, REFUSED);
    const alias = cnames.includes(name) ? [record(name, CNAME, IN, 60, wire('elsewhere.example'))] : [];
    const own =
      type === TXT ? at(name).map((data) => record(name, TXT, IN, ttls.get(name) ?? 60, Buffer.from(data, 'hex'))) : [];
    const soa = record(zone, SOA, IN, 60, Buffer.concat([wire(zone), wire(zone), Buffer.alloc(20)]));
    const isApex = name === zone;
    const ns = (settings.ns ?? []).map((label) =>
      record(name, NS, IN, 60, Buffer.concat([counted8(label), numbers(0xc00c)])),
    );
    const apex = isApex && type === SOA ? [soa] : isApex && type === NS ? ns : [];
    const answers = apex.length > 0 ? apex : [...alias, ...own];
    const rcode = answers.length === 0 && at(name).length === 0 && name !== zone ? NXDOMAIN : NOERROR;
    return answer(message, rcode, answers, { authorities: answers.length === 0 ? [soa] : [] });
  }

  /** RFC 2136 section 3.2: the code of the first prerequisite that is malformed or fails. */
  function failedPrerequisite(prerequisites: readonly Entry[]): number | undefined {
    const sets = new Map<string, string[]>();
    for (const { name, type, klass, ttl, data } of prerequisites) {
      if (ttl !== 0 || (klass !== IN && data.length > 0)) return FORMERR;
      const isThere = type === CNAME ? cnames.includes(name) : at(name).length > 0;
      const nameIsThere = cnames.includes(name) || at(name).length > 0;
      if (klass === ANY && type === ANY && !nameIsThere) return NXDOMAIN;
      if (klass === ANY && type !== ANY && !isThere) return NXRRSET;
      if (klass === NONE && type === ANY && nameIsThere) return YXDOMAIN;
      if (klass === NONE && type !== ANY && isThere) return YXRRSET;
      if (klass === IN && type === TXT) sets.set(name, [...(sets.get(name) ?? []), data.toString('hex')]);
      if (!([IN, NONE, ANY] as number[]).includes(klass) || (klass === IN && type !== TXT)) return FORMERR;
    }
    for (const [name, set] of sets) if (set.sort().join() !== [...at(name)].sort().join()) return NXRRSET;
    return undefined;
  }

  /** RFC 2136 section 3.4.1. */
  const isChange = ({ type, klass, ttl }: Entry) => type === TXT && (klass === IN || (klass === NONE && ttl === 0));

  /** RFC 2136 section 3. */
  function update(message: Message): Buffer {
    const zone = message.question.name;
    if (!zones.includes(zone) || settings.authoritative === false) return answer(message, NOTAUTH);
    if (message.question.type !== SOA) return answer(message, FORMERR);
    if (settings.refuse?.updates !== undefined) return answer(message, settings.refuse.updates);
    const { prerequisites, changes } = message;
    if ([...prerequisites, ...changes].some(({ name }) => zoneOf(name) !== zone)) return answer(message, NOTZONE);
    const failed = failedPrerequisite(prerequisites);
    if (failed !== undefined) return answer(message, failed);
    if (!changes.every(isChange)) return answer(message, FORMERR);
    if (changes.some(({ name }) => settings.forbidden?.includes(name))) return answer(message, REFUSED);
    for (const { name, klass, ttl, data } of changes) {
      const others = at(name).filter((each) => each !== data.toString('hex'));
      if (klass === IN && !cnames.includes(name)) {
        texts.set(name, [...others, data.toString('hex')]);
        ttls.set(name, ttl);
      }
      if (klass === NONE) texts.set(name, others);
    }
    return answer(message, NOERROR);
  }

  const failed = (message: Message) => answer(message, 2);
  const now = () => Math.floor(Date.now() / 1000) + (settings.clock ?? 0);
  const hmac = (bytes: Buffer) => createHmac(algorithm.slice(5), secret).update(bytes).digest();

  interface AnswerParts {
    readonly authorities?: readonly Buffer[];
    /** The TSIG error, and whether a refusal of the signature is signed itself. */
    readonly error?: number;
    readonly mac?: boolean;
  }

  function answer(message: Message, rcode: number, answers: readonly Buffer[] = [], parts: AnswerParts = {}): Buffer {
    const { authorities = [], error = 0, mac: isSigned = true } = parts;
    const flags = settings.authoritative === false ? 0x8000 : 0x8400;
    const head = numbers(message.id, flags | (message.opcode << 11) | rcode, 1, answers.length, authorities.length, 0);
    const asked = Buffer.concat([wire(message.question.name), numbers(message.question.type, IN)]);
    const plain = Buffer.concat([head, asked, ...answers, ...authorities]);
    const { tsig } = message;
    if (!tsig || settings.signs === false) return plain;
    // BADTIME has the server's time and keeps the request's (RFC 8945 section 5.2.3).
    const time = error === 18 ? tsig.time : now();
    const other = error === 18 ? Buffer.concat([Buffer.alloc(2), long(now())]) : Buffer.alloc(0);
    const times = Buffer.concat([numbers(0), long(time), numbers(300)]);
    const variables = [
      wire(tsig.key),
      numbers(255, 0, 0),
      wire(tsig.algorithm),
      times,
      numbers(error, other.length),
      other,
    ];
    const mac = isSigned
      ? hmac(Buffer.concat([numbers(tsig.mac.length), tsig.mac, plain, ...variables]))
      : Buffer.alloc(0);
    const data = [
      wire(tsig.algorithm),
      times,
      numbers(mac.length),
      mac,
      numbers(message.id, error, other.length),
      other,
    ];
    const signed = Buffer.concat([plain, record(tsig.key, TSIG, 255, 0, Buffer.concat(data))]);
    signed.writeUInt16BE(1, 10);
    return signed;
  }

  /** The faults of an HTTP server, for one that speaks DNS over TCP. */
  function goWrong(kind: FaultKind, reply: Buffer, message: Message, socket: Socket): void {
    const spoiled: Partial<Record<FaultKind, () => void>> = {
      '429': () => send(socket, answer(message, REFUSED)),
      '500': () => send(socket, answer(message, 2)),
      '502-html': () => socket.end('<html><body>502 Bad Gateway</body></html>'),
      '200-html': () => send(socket, Buffer.from('<html><body>Welcome</body></html>')),
      reset: () => socket.resetAndDestroy(),
      truncated: () => socket.end(Buffer.concat([numbers(reply.length), reply.subarray(0, reply.length / 2)])),
      garbage: () => send(socket, randomBytes(reply.length)),
      'wrong-type': () => send(socket, Buffer.concat([reply.subarray(0, 2), randomBytes(2), reply.subarray(4)])),
      empty: () => send(socket, Buffer.alloc(0)),
    };
    spoiled[kind]?.();
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return {
    port,
    key: { name: keyName, algorithm, secret: secret.toString('base64') },
    connections,
    ttls,
    held: (name) => at(name).map((data) => stringsOf(Buffer.from(data, 'hex'))),
    everything: () => [...texts].flatMap(([name, all]) => all.map((data) => `${name} ${data}`)),
    plant(name, ...strings) {
      texts.set(name, [...at(name), Buffer.concat(strings.map(counted8)).toString('hex')]);
    },
    server: {
      origin: `127.0.0.1:${port}`,
      requests,
      takeCalls() {
        const calls = requests.slice(counted).map(({ call }) => call);
        counted = requests.length;
        return calls;
      },
      inject: (fault) => void faults.push({ fault, left: fault.times ?? 1 }),
      clearFaults() {
        faults.length = 0;
      },
      close,
    },
    close,
  };
}

/** The query or update in a message over TCP, as text. */
export function requestLine(chunk: Buffer): string {
  const message = parse(chunk.subarray(2));
  return `${callOf(message)} ${message.question.name}`;
}

interface Entry {
  readonly name: string;
  readonly type: number;
  readonly klass: number;
  readonly ttl: number;
  readonly data: Buffer;
  readonly start: number;
}

interface Message {
  readonly id: number;
  readonly opcode: number;
  readonly question: { readonly name: string; readonly type: number };
  readonly prerequisites: readonly Entry[];
  readonly changes: readonly Entry[];
  readonly tsig: Signature | undefined;
}

interface Signature {
  readonly start: number;
  readonly key: string;
  readonly algorithm: string;
  readonly time: number;
  readonly mac: Buffer;
  readonly variables: Buffer;
}

/** Our requests have no compressed names. */
function parse(bytes: Buffer): Message {
  let at = 12;
  const name = () => {
    const labels: string[] = [];
    for (let length = bytes.readUInt8(at++); length > 0; length = bytes.readUInt8(at++)) {
      labels.push(bytes.toString('latin1', at, at + length));
      at += length;
    }
    return labels.join('.');
  };
  const entry = (): Entry => {
    const start = at;
    const owner = name();
    const [type, klass, ttl] = [bytes.readUInt16BE(at), bytes.readUInt16BE(at + 2), bytes.readUInt32BE(at + 4)];
    const data = bytes.subarray(at + 10, at + 10 + bytes.readUInt16BE(at + 8));
    at += 10 + data.length;
    return { name: owner, type, klass, ttl, data, start };
  };
  const asked = name();
  const type = bytes.readUInt16BE(at);
  at += 4;
  const section = (offset: number) => Array.from({ length: bytes.readUInt16BE(offset) }, entry);
  const [prerequisites, changes, additionals] = [section(6), section(8), section(10)];
  const last = additionals.at(-1);
  return {
    id: bytes.readUInt16BE(0),
    opcode: (bytes.readUInt16BE(2) >> 11) & 0xf,
    question: { name: asked, type },
    prerequisites,
    changes,
    tsig: last?.type === TSIG ? signatureOf(last) : undefined,
  };
}

function signatureOf({ name, data, start }: Entry): Signature {
  let end = 0;
  const labels: string[] = [];
  for (let length = data.readUInt8(end); length > 0; length = data.readUInt8(end)) {
    labels.push(data.toString('latin1', end + 1, end + 1 + length));
    end += 1 + length;
  }
  end += 1;
  const algorithm = labels.join('.');
  const macLength = data.readUInt16BE(end + 8);
  const mac = data.subarray(end + 10, end + 10 + macLength);
  const rest = data.subarray(end + 10 + macLength + 2);
  const variables = [wire(name), numbers(255, 0, 0), wire(algorithm), data.subarray(end, end + 8), rest];
  return { start, key: name, algorithm, time: data.readUIntBE(end, 6), mac, variables: Buffer.concat(variables) };
}

/** The message before it was signed. */
function unsigned(bytes: Buffer, { start }: Signature): Buffer {
  const plain = Buffer.from(bytes.subarray(0, start));
  plain.writeUInt16BE(plain.readUInt16BE(10) - 1, 10);
  return plain;
}

function callOf({ opcode, question, changes }: Message): string {
  if (opcode !== 5) return { [NS]: 'NS', [SOA]: 'SOA' }[question.type] ?? 'TXT';
  return changes[0]?.klass === NONE ? 'delete' : 'add';
}

function record(name: string, type: number, klass: number, ttl: number, data: Buffer): Buffer {
  return Buffer.concat([wire(name), numbers(type, klass), long(ttl), numbers(data.length), data]);
}

function send(socket: Socket, message: Buffer): void {
  socket.write(Buffer.concat([numbers(message.length), message]));
}

const counted8 = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
const wire = (name: string): Buffer => Buffer.concat([...name.split('.').map(counted8), Buffer.from([0])]);
const numbers = (...each: number[]): Buffer => Buffer.from(each.flatMap((number) => [number >> 8, number & 255]));

function long(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

function stringsOf(data: Buffer): string {
  let text = '';
  for (let at = 0; at < data.length; at += 1 + data.readUInt8(at))
    text += data.toString('latin1', at + 1, at + 1 + data.readUInt8(at));
  return text;
}
