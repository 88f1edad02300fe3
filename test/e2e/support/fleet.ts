import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hashPassword } from '../../../src/gateway/password.ts';
import { bundle } from '../../support/paths.ts';
import { LOOPBACK } from '../lab/addresses.ts';
import { holdsWithin } from '../lab/until.ts';
import { openRelay, type Relay } from './relay.ts';

export interface FleetSettings {
  readonly gateways: number;
  /** The URL of the database that they share; undefined: the files of each. */
  readonly database: string | undefined;
  readonly account: object;
  /** Zones of that account; each user may write the names below all of them. */
  readonly zones: readonly string[];
  readonly dns: object;
  readonly users: number;
}

/** One `dns01 serve`, a process with a state directory of its own. */
export interface Node {
  /** Of the running process; another one after each start. */
  readonly port: number;
  /** Between it and the database. */
  readonly relay: Relay | undefined;
  kill(): Promise<void>;
  start(): Promise<void>;
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void;
  stderr(): Promise<string>;
}

export interface Fleet {
  readonly nodes: readonly Node[];
  readonly users: readonly string[];
  /** Environment and config of a command line that shares the fleet's state. */
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const PASSWORD = 'the password of a whole fleet';

/** Gateways that share one provider and one database. */
export async function startFleet(settings: FleetSettings): Promise<Fleet> {
  const directory = await mkdtemp(join(tmpdir(), 'dns01-fleet-'));
  const users = Array.from({ length: settings.users }, (_, index) => `client${index}`);
  const hash = await hashPassword(PASSWORD);
  const limits = { requestsPerMinute: 100_000 };
  const configFor = (database: string | undefined) => ({
    accounts: { home: settings.account },
    zones: Object.fromEntries(settings.zones.map((zone) => [zone, 'home'])),
    dns: settings.dns,
    ...(database === undefined ? {} : { state: { postgres: { url: database } } }),
    serve: {
      listen: `${LOOPBACK}:0`,
      users: Object.fromEntries(users.map((user) => [user, { hash, names: settings.zones, limits }])),
    },
  });
  const save = async (place: string, database: string | undefined): Promise<string> => {
    await mkdir(place);
    const file = join(place, 'config.yaml');
    await writeFile(file, JSON.stringify(configFor(database)), { mode: 0o600 });
    return file;
  };
  const nodes = await Promise.all(
    Array.from({ length: settings.gateways }, async (_, index) => {
      const place = join(directory, `node${index}`);
      const relay = settings.database === undefined ? undefined : await openRelay(new URL(settings.database));
      return startNode(place, await save(place, relay?.url), relay);
    }),
  );
  const own = join(directory, 'here');
  const config = await save(own, settings.database);
  return {
    nodes,
    users,
    config,
    env: { DNS01_STATE_DIR: join(own, 'state') },
    async close() {
      await Promise.all(nodes.map((node) => node.kill()));
      await Promise.all(nodes.map(({ relay }) => relay?.close()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function startNode(place: string, config: string, relay: Relay | undefined): Promise<Node> {
  const logFile = join(place, 'stderr');
  let child: ChildProcess | undefined;
  let port = 0;

  async function start(): Promise<void> {
    const log = openSync(logFile, 'a', 0o600);
    const started = spawn(process.execPath, [bundle, 'serve', '--config', config, '--quiet'], {
      env: { PATH: process.env['PATH'], DNS01_STATE_DIR: join(place, 'state') },
      stdio: ['ignore', 'pipe', log],
    });
    closeSync(log);
    child = started;
    let output = '';
    started.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    const isUp = await holdsWithin(30, async () => /:(\d+)\n/.test(output) || started.exitCode !== null);
    port = Number(/:(\d+)\n/.exec(output)?.[1] ?? 0);
    if (!isUp || port === 0) throw new Error(`dns01 serve did not start: ${await readFile(logFile, 'utf8')}`);
  }

  await start();
  return {
    get port() {
      return port;
    },
    relay,
    start,
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    signal: (signal) => void child?.kill(signal),
    stderr: () => readFile(logFile, 'utf8'),
  };
}

export interface Request {
  readonly path: '/present' | '/cleanup';
  readonly user: string;
  readonly name: string;
  readonly value: string;
}

/** The status, or undefined where no whole answer came. */
export type Reply = { readonly status: number; readonly retryAfterMs: number } | undefined;

/** A client of the fleet: it keeps its connections, has an address of its own, and goes to the next node after a failure. */
export function openClient(fleet: Fleet, index: number, timeoutMs: number) {
  const agent = new Agent({ keepAlive: true, localAddress: `127.1.${index >> 8}.${index & 255 || 255}` });
  let at = index % fleet.nodes.length;

  const ask = ({ path, user, name, value }: Request, port: number): Promise<Reply> =>
    new Promise((resolve) => {
      const headers = { authorization: `Basic ${Buffer.from(`${user}:${PASSWORD}`).toString('base64')}` };
      const sent = request(
        { host: LOOPBACK, port, path, method: 'POST', headers, agent, timeout: timeoutMs },
        (answer) => {
          answer.resume().on('error', () => resolve(undefined));
          answer.on('end', () =>
            resolve({
              status: answer.statusCode ?? 0,
              retryAfterMs: Number(answer.headers['retry-after'] ?? 0) * 1000,
            }),
          );
        },
      );
      sent.on('timeout', () => sent.destroy());
      sent.on('error', () => resolve(undefined));
      sent.end(JSON.stringify({ fqdn: `${name}.`, value }));
    });

  return {
    /** Until it succeeds, as clients do that are run again. @returns the milliseconds of all attempts */
    async insist(what: Request, patienceMs: number): Promise<number> {
      const started = performance.now();
      for (;;) {
        const reply = await ask(what, fleet.nodes[at]?.port ?? 0);
        if (reply?.status === 200) return performance.now() - started;
        if (performance.now() - started > patienceMs) {
          throw new Error(
            `${what.path} ${what.name}: no success in ${patienceMs} ms, the last status: ${reply?.status}`,
          );
        }
        at = (at + 1) % fleet.nodes.length;
        await delay(Math.min(reply?.retryAfterMs ?? 0, 1000) || 100);
      }
    },
    close: () => agent.destroy(),
  };
}
