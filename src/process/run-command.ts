import { type ChildProcess, spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { checkTrusted } from '../config/trusted-file.ts';
import { Dns01Error, isDns01Error } from '../errors.ts';
import { createRedactor } from '../output/redact.ts';
import { excerpt, printable } from '../output/text.ts';
import type { Command, CommandOutcome, ProviderLog } from '../provider.ts';
import { readEnd } from './read-end.ts';

/** Milliseconds between SIGTERM and SIGKILL. */
const GRACE_MS = 2000;

/** Milliseconds for the last output after the program's end. A process that holds the pipes for longer is ignored. */
const LAST_OUTPUT_MS = 250;

const MAX_COMPLAINTS = 20;

/** The default where cron or systemd set none. */
const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface CommandSettings {
  /** The environment of this process: only PATH, HOME and LANG are passed on. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly log: ProviderLog;
}

/**
 * Runs one program to its end: without a shell, with nothing on stdin, with its own environment and a time limit. It leads
 * a process group, so that the processes that it started are stopped with it.
 * @throws E_CONFIG it cannot be started, or other users can write one of its files; E_REMOTE with `outcomeUnknown` when it
 *   was stopped or died
 */
export async function runCommand(command: Command, { env, signal, log }: CommandSettings): Promise<CommandOutcome> {
  const { call } = command;
  refuseTracing(env);
  for (const file of [command.file, ...(command.sources ?? [])]) refuseUntrusted(file);
  if (signal.aborted)
    throw new Dns01Error('E_REMOTE', `${call}: the time limit was reached before it was started`, HINT);
  const started = performance.now();
  const child = start(command, { ...inherited(env), ...command.env, ...command.secrets });
  const [stdout, stderr] = [readEnd(child.stdout), readEnd(child.stderr)];
  const ending = await endOf(child, command, signal);
  await Promise.race([Promise.all([stdout.closed, stderr.closed]), delay(LAST_OUTPUT_MS, undefined, { ref: false })]);

  const redactor = createRedactor();
  for (const secret of Object.values(command.secrets ?? {})) redactor.keep(secret);
  const answer = stdout.text();
  const said = redactor.redact(stderr.text());
  const ms = Math.round(performance.now() - started);
  log.debug('command', { call, ...ending, ms, stdout: redactor.redact(answer), stderr: said });
  if (ending.stopped) throw stoppedError(command, ending.stopped);
  if (ending.exitCode === undefined) throw diedError(command, ending.signal);
  const complaints = lastLines(said);
  return { exitCode: ending.exitCode, stdout: answer, complaint: complaints.at(-1) ?? '', complaints };
}

/** With NODE_DEBUG, Node prints every program's environment, secrets included. It reads the variable before this code runs. */
function refuseTracing(env: CommandSettings['env']): void {
  if (!/child_process|\*/i.test(env['NODE_DEBUG'] ?? '')) return;
  throw new Dns01Error('E_CONFIG', 'NODE_DEBUG makes Node print the secrets in the environment of a program', {
    hint: 'run dns01 without NODE_DEBUG=child_process; --verbose shows the calls without secrets',
  });
}

function start(command: Command, env: Readonly<Record<string, string>>) {
  try {
    return spawn(command.file, command.args, { cwd: '/', env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  } catch (error) {
    throw startError(command, error as NodeJS.ErrnoException);
  }
}

const lastLines = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .slice(-MAX_COMPLAINTS)
    .map((line) => excerpt(printable(line)));

const HINT = { hint: 'give more time with --timeout SECONDS' };

interface Ending {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** Why dns01 stopped it. */
  readonly stopped: 'timeout' | 'deadline' | undefined;
}

async function endOf(child: ChildProcess, command: Command, deadline: AbortSignal): Promise<Ending> {
  let stopped: Ending['stopped'];
  let kill: NodeJS.Timeout | undefined;
  const stop = (why: Ending['stopped']) => {
    if (stopped) return;
    stopped = why;
    signalGroup(child, 'SIGTERM');
    kill = setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_MS);
  };
  const timer = setTimeout(() => stop('timeout'), command.timeoutMs);
  const onAbort = () => stop('deadline');
  deadline.addEventListener('abort', onAbort, { once: true });
  try {
    return await new Promise<Ending>((resolve, reject) => {
      child.once('error', (error) => reject(startError(command, error)));
      child.once('exit', (code, signal) =>
        resolve({ exitCode: code ?? undefined, signal: signal ?? undefined, stopped }),
      );
    });
  } finally {
    clearTimeout(timer);
    clearTimeout(kill);
    deadline.removeEventListener('abort', onAbort);
    // The leader may have ended at the SIGTERM while processes that it started have not.
    if (stopped) signalGroup(child, 'SIGKILL');
  }
}

function signalGroup({ pid }: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The whole group has ended.
  }
}

function inherited(env: CommandSettings['env']): Record<string, string> {
  return {
    PATH: env['PATH'] || USUAL_PATH,
    HOME: env['HOME'] || homedir(),
    LANG: env['LANG'] || 'C.UTF-8',
  };
}

function refuseUntrusted(file: string): void {
  try {
    checkTrusted(file, { maxBytes: Number.POSITIVE_INFINITY });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (isDns01Error(error)) throw error;
    const why = code === 'ENOENT' ? 'it is not there' : message;
    throw new Dns01Error('E_CONFIG', `${file} cannot be run: ${why}`, { hint: 'correct the path in the config' });
  }
}

function startError({ call, file }: Command, error: NodeJS.ErrnoException): Dns01Error {
  const hints: Readonly<Record<string, string>> = {
    EACCES: `make it executable: chmod u+x ${file}`,
    E2BIG: 'its arguments and environment are too long',
    ENOENT: 'the program named in its first line (#!) is not there',
  };
  const why = error.code ?? error.message;
  return new Dns01Error('E_CONFIG', `${call}: ${file} cannot be started (${why})`, { hint: hints[error.code ?? ''] });
}

function stoppedError({ call, timeoutMs }: Command, why: 'timeout' | 'deadline'): Dns01Error {
  const limit = why === 'timeout' ? `within ${timeoutMs / 1000} s` : 'before the time limit';
  return new Dns01Error('E_REMOTE', `${call}: did not end ${limit} and was stopped`, {
    outcomeUnknown: true,
    hint:
      why === 'timeout'
        ? 'give it more time with timeout in the account, or find out what it waits for'
        : 'give more time with --timeout SECONDS',
  });
}

function diedError({ call }: Command, signal: string | undefined): Dns01Error {
  return new Dns01Error('E_REMOTE', `${call}: died of ${signal ?? 'an unknown signal'}`, {
    outcomeUnknown: true,
    hint: 'something killed it, perhaps because memory ran out: see the log of the system',
  });
}
