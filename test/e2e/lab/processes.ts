import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PROGRAM_PATH, pathOf } from './programs.ts';
import { holdsWithin } from './until.ts';

export interface Outcome {
  /** The exit code; 128 for a death by signal. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  input?: string;
  timeoutSeconds?: number;
  signal?: AbortSignal;
}

/** Runs a program to its end with a small environment of its own. Only being late or ended from outside is an error. */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<Outcome> {
  const { env = {}, cwd, input = '', timeoutSeconds = 30, signal } = options;
  const child = spawn(command, args, {
    env: { PATH: PROGRAM_PATH, LANG: 'C.UTF-8', ...env },
    ...(cwd === undefined ? {} : { cwd }),
    // A group of its own, so that what the program started (a client's hooks) can be ended with it.
    detached: true,
  });
  const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
  const stop = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
  const endGroup = () => killGroup(child);
  stop.addEventListener('abort', endGroup);
  if (stop.aborted) endGroup();

  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => {}); // a program that does not read its input is no failure
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  stop.removeEventListener('abort', endGroup);

  const outcome = { code: code ?? 128, stdout: text(stdout), stderr: text(stderr) };
  if (stop.aborted) {
    const why = deadline.aborted
      ? `did not end within ${timeoutSeconds} s`
      : 'was killed by the test or with the laboratory';
    throw new Error(`${command} ${args.join(' ')} ${why}\n${outcome.stdout}\n${outcome.stderr}`);
  }
  return outcome;
}

/** `run` for programs that must succeed; gives their stdout. */
export async function runOrThrow(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} exited with ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

export interface ServerOptions {
  name: string;
  command: string;
  args: string[];
  env?: Record<string, string>;
  /** Where its log file goes. */
  dir: string;
  isReady: () => Promise<boolean>;
}

/** Starts a server, waits until it answers, and gives the function that ends it. */
export async function startServer(options: ServerOptions): Promise<() => Promise<void>> {
  const logFile = join(options.dir, `${options.name}.log`);
  const log = openSync(logFile, 'a');
  // The kernel ends the server when the test process dies without a chance to do it.
  const child = spawn(pathOf('setpriv'), ['--pdeathsig', 'KILL', options.command, ...options.args], {
    cwd: options.dir,
    env: { PATH: PROGRAM_PATH, LANG: 'C.UTF-8', ...options.env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.on('error', () => {}); // seen as "ended" below

  const answeredOrEnded = await holdsWithin(30, async () => hasEnded(child) || (await options.isReady()));
  if (answeredOrEnded && !hasEnded(child)) return () => end(child);
  const why = hasEnded(child) ? `ended with ${child.exitCode ?? child.signalCode}` : 'did not answer within 30 s';
  await end(child);
  throw new Error(`${options.name} ${why}; its log, ${logFile}:\n${lastLines(logFile, 40)}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const stopWaiting = new AbortController();
  const late = pause(5000, 'late', { signal: stopWaiting.signal }).catch(() => 'cancelled');
  if ((await Promise.race([exit, late])) === 'late') child.kill('SIGKILL');
  stopWaiting.abort();
  await exit;
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

function lastLines(file: string, count: number): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
}

function text(chunks: Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8');
}
