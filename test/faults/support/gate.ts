import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/until.ts';

/** One request on its way through the gate. */
export interface Passage {
  /** Counted from 0 since the guards were set. */
  readonly nth: number;
  /** Method and path, as in the first line of the request, or what is told like that of another protocol. */
  readonly line: string;
}

/** Tells a request from the bytes that continue one. */
export type LineOf = (chunk: Buffer) => string | undefined;

const httpLine: LineOf = (chunk) => /^((?:GET|POST|PUT|PATCH|DELETE) \S+) HTTP/.exec(chunk.toString('latin1'))?.[1];

/** What happens on the way. A guard that takes its time holds the passage up; one that says `drop` ends it. */
export interface Guards {
  request?(passage: Passage): Promise<'drop' | undefined>;
  answer?(passage: Passage): Promise<'drop' | undefined>;
}

export interface Gate {
  /** Host and port. */
  readonly host: string;
  /** The status of every answer so far. */
  readonly statuses: number[];
  /** From now on: other guards, and requests are counted from 0 again. */
  guard(guards: Guards): void;
  /** Resolves when nothing is on its way any more: what a client has left behind has arrived, too. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Answers of a fake begin with the first chunk after a request; nothing is pipelined. */
interface Connection {
  passage: Passage | undefined;
  isAnswered: boolean;
}

/**
 * Stands before a fake server and lets the bytes through as they are, so that a reset stays a reset. What a guard holds
 * up is delivered all the same, even when the client has gone, as packets are that were sent before a process died.
 * @param target host and port
 */
export async function openGate(target: string, lineOf: LineOf = httpLine): Promise<Gate> {
  const [hostname, port] = target.split(':');
  const statuses: number[] = [];
  const open = new Set<Socket>();
  let guards: Guards = {};
  let count = 0;
  let underWay = 0;

  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const state: Connection = { passage: undefined, isAnswered: true };
    let last: Promise<unknown> = Promise.resolve();
    const inOrder = (step: () => Promise<unknown>) => {
      underWay++;
      last = last.then(step).finally(() => underWay--);
    };
    const drop = () => {
      client.resetAndDestroy();
      upstream.destroy();
    };

    client.on('data', (chunk: Buffer) => {
      const line = lineOf(chunk);
      const passage = line === undefined ? undefined : { nth: count++, line };
      const { request } = guards;
      inOrder(async () => {
        if (passage && (await request?.(passage)) === 'drop') return drop();
        if (passage) Object.assign(state, { passage, isAnswered: false });
        upstream.write(chunk);
      });
    });
    upstream.on('data', (chunk: Buffer) => {
      const first = !state.isAnswered;
      state.isAnswered = true;
      if (first) statuses.push(Number(chunk.toString('latin1', 9, 12)));
      const { answer } = guards;
      inOrder(async () => {
        if (first && state.passage && (await answer?.(state.passage)) === 'drop') return drop();
        client.write(chunk);
      });
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.on('error', (error: { code?: string }) => {
        if (socket === upstream && error.code === 'ECONNRESET') client.resetAndDestroy();
      });
      socket.on('end', () => inOrder(async () => other.end()));
      socket.on('close', () => {
        open.delete(socket);
        inOrder(async () => other.end());
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    statuses,
    guard(next) {
      guards = next;
      count = 0;
    },
    async settled() {
      await until(() => underWay === 0);
      // The server reads what was written last in a turn of its own.
      await delay(20);
      await until(() => underWay === 0);
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
