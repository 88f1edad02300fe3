import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { Deadline } from '../deadline.ts';
import { Dns01Error, isDns01Error } from '../errors.ts';

/** Milliseconds after which a lock whose holder no longer touches it counts as left by a dead process. */
const STALE_AFTER = 10_000;

const POLL_INTERVAL = 30;

/** Milliseconds of waiting after which it is worth a word. */
const WORTH_A_WORD = 1000;

export interface LockOptions {
  readonly deadline: Deadline;
  /** Told once whom a longer wait is for. */
  info?(message: string): void;
  /** Told why there can be no lock here (disk full, no rights); the task is then done without. Else that is thrown. */
  unusable?(reason: string): void;
}

/**
 * Do a task while no other process does one under the same lock. A lock is a directory, which is made atomically on
 * local disks and on NFS alike; one that a dead process left is taken over.
 * @throws E_LOCK when it is still held at the deadline
 */
export async function withLock<Result>(
  path: string,
  options: LockOptions,
  task: () => Promise<Result>,
): Promise<Result> {
  const release = await acquire(path, options).catch((error: unknown) => {
    if (isDns01Error(error) || !options.unusable) throw error;
    options.unusable((error as Error).message);
  });
  try {
    return await task();
  } finally {
    // Taken over by another process while this one was stopped: then there is nothing left to release.
    await release?.().catch(() => {});
  }
}

async function acquire(path: string, { deadline, info }: LockOptions): Promise<() => Promise<void>> {
  const { default: lockfile } = await import('proper-lockfile');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const started = performance.now();
  let told = false;
  for (;;) {
    try {
      const release = await lockfile.lock(path, { realpath: false, stale: STALE_AFTER, onCompromised: () => {} });
      // Only for the words of whoever waits; the lock holds without it.
      if (info) await writeFile(holderFile(path), `${process.pid} on ${hostname()}`, { mode: 0o600 }).catch(() => {});
      return release;
    } catch (error) {
      if ((error as { code?: string }).code !== 'ELOCKED') throw error;
    }
    const pause = POLL_INTERVAL * (0.5 + Math.random());
    if (deadline.remaining() <= pause) throw stillHeld(path, await holderOf(path));
    if (!told && info && performance.now() - started > WORTH_A_WORD) {
      info(`waiting for another dns01 (${await holderOf(path)}) to be done`);
      told = true;
    }
    await deadline.sleep(pause);
  }
}

const holderFile = (path: string): string => `${path}.holder`;

async function holderOf(path: string): Promise<string> {
  const holder = await readFile(holderFile(path), 'utf8').catch(() => '');
  return holder ? `process ${holder}` : 'another process';
}

function stillHeld(path: string, holder: string): Dns01Error {
  return new Dns01Error('E_LOCK', `another dns01 (${holder}) holds the lock ${path}.lock`, {
    hint: 'wait until it is done, or give more time with --timeout SECONDS',
  });
}
