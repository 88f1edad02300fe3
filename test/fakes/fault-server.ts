import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The faults of one answer. `wrong-type` is valid JSON in a form that no API sends. */
export const FAULTS = [
  '429',
  '500',
  '502-html',
  'reset',
  'hang',
  'truncated',
  'garbage',
  'wrong-type',
  '200-html',
  'empty',
] as const;
/** A conflict, and a server that says when it is back, are tried on their own. */
export type FaultKind = (typeof FAULTS)[number] | '409' | '503';

export interface Fault {
  readonly kind: FaultKind;
  /** The call that it strikes, by the name that the fake gives it. */
  readonly call: string;
  /** Whether the API does the request before the answer goes wrong. */
  readonly effect: 'before' | 'after';
  /** How many of these calls it strikes; default 1. */
  readonly times?: number;
}

export interface FakeRequest {
  readonly call: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface FakeReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface FakeApi {
  /** The call's name, for the list of requests and for faults. */
  nameOf(request: Omit<FakeRequest, 'call'>): string;
  reply(request: FakeRequest): FakeReply | Promise<FakeReply>;
}

export interface FaultServer {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** Every request so far, in order. */
  readonly requests: FakeRequest[];
  /** The names of the calls since the last read. */
  takeCalls(): string[];
  inject(fault: Fault): void;
  /** Forgets the faults that have struck nothing yet. */
  calm(): void;
  close(): Promise<void>;
}

export interface HoldingServer extends FaultServer {
  /** Does nothing for calls of this name until the function that it gives is called. */
  hold(call: string): () => void;
}

/** A real HTTP server on loopback that speaks a fake API, with faults on demand. */
export async function startFaultServer(api: FakeApi): Promise<HoldingServer> {
  const requests: FakeRequest[] = [];
  const faults: { fault: Fault; left: number }[] = [];
  const held = new Map<string, Promise<void>>();
  let counted = 0;

  const nextFault = (call: string): Fault | undefined => {
    const match = faults.find(({ fault, left }) => left > 0 && fault.call === call);
    if (!match) return undefined;
    match.left--;
    return match.fault;
  };

  const server = createServer(async (incoming, outgoing) => {
    const request = await read(incoming, api);
    requests.push(request);
    await held.get(request.call);
    const fault = nextFault(request.call);
    const reply = fault?.effect === 'before' ? undefined : await api.reply(request);
    if (fault) spoil(fault.kind, outgoing);
    else if (reply) send(reply, outgoing);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    takeCalls() {
      const calls = requests.slice(counted).map((request) => request.call);
      counted = requests.length;
      return calls;
    },
    inject(fault) {
      faults.push({ fault, left: fault.times ?? 1 });
    },
    calm() {
      faults.length = 0;
    },
    hold(call) {
      let release = () => {};
      held.set(
        call,
        new Promise((resolve) => {
          release = resolve;
        }),
      );
      return () => {
        held.delete(call);
        release();
      };
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function read(incoming: IncomingMessage, api: FakeApi): Promise<FakeRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const url = new URL(incoming.url ?? '/', 'http://fake');
  const request = {
    method: incoming.method ?? '',
    path: url.pathname,
    query: url.search.slice(1),
    headers: Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)])),
    body: Buffer.concat(chunks).toString('utf8'),
  };
  return { ...request, call: api.nameOf(request) };
}

function send(reply: FakeReply, outgoing: ServerResponse): void {
  outgoing.writeHead(reply.status, { ...reply.headers });
  outgoing.end(reply.body);
}

const HTML = '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>';

const JSON_TYPE = { 'content-type': 'application/json' };
const HTML_TYPE = { 'content-type': 'text/html' };

/** Faults that are a complete but wrong answer. */
const SPOILED_REPLIES: Partial<Record<FaultKind, FakeReply>> = {
  '429': { status: 429, headers: { 'retry-after': '0' } },
  '409': { status: 409 },
  '500': { status: 500 },
  '503': { status: 503, headers: { 'retry-after': '2' } },
  '502-html': { status: 502, headers: HTML_TYPE, body: HTML },
  '200-html': { status: 200, headers: HTML_TYPE, body: HTML },
  garbage: { status: 200, headers: JSON_TYPE, body: '\u0000\u0007{{[not json' },
  'wrong-type': {
    status: 200,
    headers: JSON_TYPE,
    body: '{"response":{"nested":[42]},"0":{"id":{}},"__proto__":1}',
  },
  empty: { status: 200, headers: JSON_TYPE, body: '' },
};

function spoil(kind: FaultKind, outgoing: ServerResponse): void {
  const reply = SPOILED_REPLIES[kind];
  if (reply) send(reply, outgoing);
  if (kind === 'reset') outgoing.socket?.resetAndDestroy();
  if (kind === 'truncated') {
    outgoing.writeHead(200, { ...JSON_TYPE, 'content-length': '1000' });
    outgoing.write('{"code":"ok","resp');
    outgoing.socket?.end();
  }
  // 'hang' never answers.
}
