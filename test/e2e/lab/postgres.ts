import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, closeSync, copyFileSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, LOOPBACK } from './addresses.ts';
import { PROGRAM_PATH, pathOf, pathTo } from './programs.ts';
import { holdsWithin } from './until.ts';

export interface Postgres {
  /** Of the role that owns everything, over TCP. @param database default: one that is there from the start */
  url(database?: string, role?: string): string;
  /** Over the Unix socket. */
  readonly socketUrl: string;
  /** Runs SQL as the owner and gives what it prints. */
  sql(text: string, database?: string): Promise<string>;
  /** Stops all of its processes, so that it answers nothing and closes nothing. */
  freeze(): void;
  thaw(): void;
  /** Ends every connection, is away for so many milliseconds, and comes back. */
  restart(awayMs: number): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

const OWNER = 'dns01';
const NOBODY = 65_534;

/** Debian puts the server's programs where no PATH leads. */
function serverProgram(name: string): string | undefined {
  const versions = '/usr/lib/postgresql';
  const found = pathTo(name);
  if (found !== undefined) return found;
  try {
    const [newest] = readdirSync(versions).sort((one, other) => Number(other) - Number(one));
    return newest === undefined ? undefined : join(versions, newest, 'bin', name);
  } catch {
    return undefined;
  }
}

/** The programs of PostgreSQL that are not there. */
export const missingPostgres = (): string[] =>
  ['initdb', 'postgres', 'psql'].filter((name) => serverProgram(name) === undefined);

/**
 * A PostgreSQL with a data directory, a port and a socket of its own. It refuses root, so root starts it as nobody.
 * @param settings `isDurable`: it waits for the disk, as it does where it is not only for a test
 */
export async function startPostgres({ isDurable = false } = {}): Promise<Postgres> {
  const dir = await mkdtemp(join(tmpdir(), 'dns01-postgres-'));
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(dir, NOBODY, NOBODY);
  chmodSync(dir, 0o700);
  const [port] = await freePorts(2);
  const data = join(dir, 'data');
  const as = isRoot ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
  const launch = (name: string, args: readonly string[], stdio: 'ignore' | number) =>
    spawn(pathOf('setpriv'), ['--pdeathsig', 'KILL', ...as, serverProgram(name) ?? name, ...args], {
      cwd: '/',
      env: { PATH: PROGRAM_PATH, LANG: 'C.UTF-8' },
      stdio: ['ignore', stdio, stdio],
    });
  const log = openSync(join(dir, 'log'), 'a', 0o600);

  async function initialise(): Promise<void> {
    const made = launch(
      'initdb',
      ['-D', data, '-U', OWNER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
      log,
    );
    const [code] = await once(made, 'exit');
    if (code !== 0) throw new Error(`initdb ended with ${code}:\n${readFileSync(join(dir, 'log'), 'utf8')}`);
  }

  let server: ChildProcess | undefined;
  async function start(): Promise<void> {
    const settings = {
      listen_addresses: `${LOOPBACK},127.0.0.2`,
      port,
      unix_socket_directories: dir,
      fsync: isDurable ? 'on' : 'off',
      max_connections: 100,
      ssl: 'on',
      ssl_cert_file: 'server.pem',
      ssl_key_file: 'server.key',
    };
    const args = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    server = launch('postgres', ['-D', data, ...args], log);
    if (!(await holdsWithin(30, () => accepts(port)))) throw new Error(readFileSync(join(dir, 'log'), 'utf8'));
    if (!(await holdsWithin(30, async () => (await psql('select 1')).code === 0)))
      throw new Error(readFileSync(join(dir, 'log'), 'utf8'));
  }

  /** At once, as SIGINT asks: clients are disconnected. */
  async function stop(): Promise<void> {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGINT');
    await ended;
  }

  async function psql(text: string, database = 'postgres') {
    const child = spawn(
      serverProgram('psql') ?? 'psql',
      ['-h', LOOPBACK, '-p', String(port), '-U', OWNER, '-d', database, '-XAtq', '-v', 'ON_ERROR_STOP=1'],
      { env: { PATH: PROGRAM_PATH }, stdio: ['pipe', 'pipe', 'pipe'] },
    );
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => output.push(chunk));
    }
    child.stdin.end(text);
    const [code] = await once(child, 'close');
    return { code, output: output.join('') };
  }

  /** The server and its backends: each is a session of its own. */
  function signalAll(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const pid = server?.pid;
    if (pid === undefined) return;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    for (const each of [pid, ...children.map(Number)]) {
      try {
        process.kill(each, signal);
      } catch {
        // A backend that ended meanwhile.
      }
    }
  }

  await initialise();
  for (const file of ['server.pem', 'server.key']) {
    const copy = join(data, file);
    copyFileSync(fileURLToPath(new URL(`../../fixtures/tls/${file}`, import.meta.url)), copy);
    chmodSync(copy, 0o600);
    if (isRoot) chownSync(copy, NOBODY, NOBODY);
  }
  await start();
  return {
    url: (database = 'postgres', role = OWNER) =>
      `postgres://${role}:secret-of-${role}@${LOOPBACK}:${port}/${database}`,
    socketUrl: `postgres://${OWNER}@localhost:${port}/postgres?host=${encodeURIComponent(dir)}`,
    async sql(text, database) {
      const { code, output } = await psql(text, database);
      if (code !== 0) throw new Error(output);
      return output.trim();
    },
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    async restart(awayMs) {
      await stop();
      await new Promise((resolve) => setTimeout(resolve, awayMs));
      await start();
    },
    stop,
    start,
    async close() {
      signalAll('SIGCONT');
      await stop();
      closeSync(log);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
