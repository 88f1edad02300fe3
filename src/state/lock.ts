import { randomUUID } from 'node:crypto';
import fs, { constants } from 'node:fs';
import { open, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { Deadline } from '../deadline.ts';
import { Dns01Error, isDns01Error } from '../errors.ts';
import { codeOf, makeFolder, readText, remove } from './files.ts';

/** Milliseconds without a touch by its holder, after which a lock counts as left by a dead process. */
const STALE_MS = 10_000;

const POLL_MS = 30;

/** Milliseconds of waiting after which the user is informed. */
const NOTICE_AFTER_MS = 1000;

export interface LockOptions {
  readonly deadline: Deadline;
  /** Called once, with the holder, during a longer wait. */
  info?(message: string): void;
  /** Called with the reason why no lock is possible (disk full, no rights); the task is then done without one. */
  unusable?(reason: string): void;
}

/** A lock that its holder believes to hold. */
export interface HeldLock {
  /**
   * Checks that it is still held: a process that was suspended for a while may have lost it.
   * @throws E_LOCK where another process has taken it over
   */
  check(): Promise<void>;
}

/**
 * Runs a task while no other process runs one under the same lock. A lock is a directory, because creating one is atomic
 * on local disks and on NFS. A lock that a dead process left is taken over.
 * @throws E_LOCK when it is still held at the deadline
 */
export async function withLock<Result>(
  path: string,
  options: LockOptions,
  task: (lock: HeldLock) => Promise<Result>,
): Promise<Result> {
  const held = await acquire(path, options).catch((error: unknown) => {
    if (isDns01Error(error) || !options.unusable) throw error;
    options.unusable((error as Error).message);
  });
  try {
    return await task({ check: async () => held?.check() });
  } finally {
    // Another process took it over while this one was suspended: there is nothing to release.
    await held?.release().catch(() => {});
  }
}

interface Acquired extends HeldLock {
  release(): Promise<void>;
}

async function acquire(path: string, { deadline, info }: LockOptions): Promise<Acquired> {
  const { default: lockfile } = await import('proper-lockfile');
  await makeFolder(dirname(path));
  const settings = { realpath: false, stale: STALE_MS, fs: { ...fs, stat: statNow() }, onCompromised: () => {} };
  const started = performance.now();
  let isReported = false;
  for (;;) {
    try {
      const release = await lockfile.lock(path, settings);
      // A lock that is only held for a count needs no holder file; one that is checked later does.
      return info ? await named(path, release) : { release, check: async () => {} };
    } catch (error) {
      if (codeOf(error) !== 'ELOCKED') throw error;
    }
    const pause = POLL_MS * (0.5 + Math.random());
    if (deadline.remaining() <= pause) throw stillHeld(path, await holderOf(path));
    if (!isReported && info && performance.now() - started > NOTICE_AFTER_MS) {
      info(`waiting for another dns01 (${await holderOf(path)}) to finish`);
      isReported = true;
    }
    await deadline.sleep(pause);
  }
}

/** Writes the holder beside the lock, for the message of a waiting process and for `check`. */
async function named(path: string, release: () => Promise<void>): Promise<Acquired> {
  const file = holderFile(path);
  const holder = `${process.pid} on ${hostname()} ${randomUUID()}`;
  const flags =
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const written = await open(file, flags, 0o600).catch(() => undefined);
  await written?.writeFile(holder).finally(() => written.close());
  return {
    async check() {
      if (!written) return;
      const now = new Date();
      // The touch comes first, so that no process takes the lock over between this check and the write after it.
      const touched = await utimes(`${path}.lock`, now, now).then(
        () => true,
        () => false,
      );
      if (touched && (await readHolder(file)) === holder) return;
      throw new Dns01Error(
        'E_LOCK',
        `the lock ${path}.lock was taken over by another dns01 while this one was suspended`,
        {
          hint: 'run it again: nothing was written after the lock was lost',
        },
      );
    },
    async release() {
      if (written && (await readHolder(file)) === holder) await remove(file);
      await release();
    },
  };
}

type Stat = (path: string, done: (error: NodeJS.ErrnoException | null, stats: fs.Stats) => void) => void;

/**
 * After a clock was set back, a lock's last touch is in the future, and the lock would never become stale. Its age is
 * then the time that it has not changed while this process was watching.
 */
function statNow(): Stat {
  let watched = { mtimeMs: Number.NaN, since: 0 };
  return (path, done) =>
    fs.stat(path, (error, stats) => {
      if (!error && stats.mtimeMs > Date.now() + STALE_MS) {
        if (watched.mtimeMs !== stats.mtimeMs) watched = { mtimeMs: stats.mtimeMs, since: performance.now() };
        if (performance.now() - watched.since > STALE_MS) stats.mtime = new Date(0);
      }
      done(error, stats);
    });
}

const holderFile = (path: string): string => `${path}.holder`;

const readHolder = async (file: string): Promise<string> => (await readText(file).catch(() => undefined)) ?? '';

async function holderOf(path: string): Promise<string> {
  const holder = await readHolder(holderFile(path));
  const [, who = ''] = /^(\d+ on \S+)/.exec(holder.slice(0, 300)) ?? [];
  return who ? `process ${who}` : 'another process';
}

function stillHeld(path: string, holder: string): Dns01Error {
  return new Dns01Error('E_LOCK', `another dns01 (${holder}) holds the lock ${path}.lock`, {
    hint: 'wait until it is done, or give more time with --timeout SECONDS',
  });
}
