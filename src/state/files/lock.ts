import { randomUUID } from 'node:crypto';
import fs, { constants } from 'node:fs';
import { rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { Dns01Error, isDns01Error } from '../../errors.ts';
import type { HeldLock, LockOptions } from '../locks.ts';
import { codeOf, makeFolder } from './json.ts';

/** Milliseconds without a touch by its holder, after which a lock counts as left by a dead process. */
const STALE_MS = 10_000;

const POLL_MS = 30;

/** Milliseconds of waiting after which the user is informed. */
const NOTICE_AFTER_MS = 1000;

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
    return await task({ check: async (requestMs) => held?.check(requestMs) });
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
  const files = lockFiles(path);
  const settings = { realpath: false, stale: STALE_MS, fs: { ...fs, ...files.fs }, onCompromised: () => {} };
  const started = performance.now();
  let isReported = false;
  for (;;) {
    try {
      const release = await lockfile.lock(path, settings);
      // A lock that is only held for a count needs no holder file; one that is checked later does.
      return info ? await named(path, release, files) : { release, check: async () => {} };
    } catch (error) {
      if (codeOf(error) !== 'ELOCKED') throw error;
    }
    const pause = POLL_MS * (0.5 + Math.random());
    if (deadline.remaining() <= pause) throw stillHeld(path, holderOf(path));
    if (!isReported && info && performance.now() - started > NOTICE_AFTER_MS) {
      info(`waiting for another dns01 (${holderOf(path)}) to finish`);
      isReported = true;
    }
    await deadline.sleep(pause);
  }
}

/** Writes the holder beside the lock, for the message of a waiting process and for `check`. */
async function named(path: string, release: () => Promise<void>, files: LockFiles): Promise<Acquired> {
  const holder = `${process.pid} on ${hostname()} ${randomUUID()}`;
  const written = await replace(holderFile(path), holder).then(
    () => true,
    () => false,
  );
  if (written) files.belongTo(holder);
  return {
    async check() {
      // Touched between two looks: never another process's lock, and no process takes ours over before the write after it.
      if (files.areOurs() && (await files.touch()) && files.areOurs()) return;
      throw new Dns01Error(
        'E_LOCK',
        `the lock ${path}.lock was taken over by another dns01 while this one was suspended`,
        {
          hint: 'run it again: nothing was written after the lock was lost',
        },
      );
    },
    release,
  };
}

/** A link or a pipe in its place is removed, and not written to. */
async function replace(file: string, text: string): Promise<void> {
  await rm(file, { recursive: true, force: true });
  await writeFile(file, text, { flag: 'wx', mode: 0o600 });
}

type Stat = (path: string, done: (error: NodeJS.ErrnoException | null, stats: fs.Stats) => void) => void;
type Touch = (path: string, atime: Date, mtime: Date, done: fs.NoParamCallback) => void;

interface LockFiles {
  /** The file functions that proper-lockfile uses for this lock. */
  readonly fs: {
    readonly stat: Stat;
    readonly utimes: Touch;
    rmdir(path: string, done: fs.NoParamCallback): void;
    rmdirSync(path: string): void;
  };
  /** From now on the lock is removed only while the holder file says this. */
  belongTo(holder: string): void;
  areOurs(): boolean;
  /** False where there is no lock any more. */
  touch(): Promise<boolean>;
}

/**
 * The files of a lock as proper-lockfile sees them. It gives up a lock whose last touch is not its own, so our touches are
 * hidden from it. It would remove a lock that another process has taken over, so that does nothing here.
 * After a clock was set back, a lock's last touch is in the future, and the lock would never become stale. Its age is
 * then the time that it has not changed while this process was watching.
 */
function lockFiles(path: string): LockFiles {
  let watched = { mtimeMs: Number.NaN, since: 0 };
  let touched: Date | undefined;
  let lastSeen = new Date(0);
  let own: string | undefined;
  const areOurs = () => own === undefined || holderNamed(path) === own;
  const dropHolder = () => own === undefined || fs.rmSync(holderFile(path), { force: true });
  return {
    fs: {
      stat: (file, done) =>
        fs.stat(file, (error, stats) => {
          if (error) return done(error, stats);
          if (stats.mtimeMs > Date.now() + STALE_MS) {
            if (watched.mtimeMs !== stats.mtimeMs) watched = { mtimeMs: stats.mtimeMs, since: performance.now() };
            if (performance.now() - watched.since > STALE_MS) stats.mtime = new Date(0);
          }
          if (stats.mtime.getTime() === touched?.getTime()) stats.mtime = lastSeen;
          lastSeen = stats.mtime;
          done(error, stats);
        }),
      utimes(file, atime, mtime, done) {
        lastSeen = mtime;
        fs.utimes(file, atime, mtime, done);
      },
      rmdir(file, done) {
        if (!areOurs()) return done(null);
        dropHolder();
        fs.rmdir(file, done);
      },
      rmdirSync(file) {
        if (!areOurs()) return;
        dropHolder();
        fs.rmdirSync(file);
      },
    },
    belongTo(holder) {
      own = holder;
    },
    areOurs,
    async touch() {
      const now = new Date();
      touched = now;
      return utimes(`${path}.lock`, now, now).then(
        () => true,
        () => false,
      );
    },
  };
}

/** The content of the holder file. Read synchronously, so that nothing else happens in this process before it is used. */
function holderNamed(path: string): string {
  try {
    const opened = fs.openSync(holderFile(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const bytes = Buffer.alloc(MAX_HOLDER_BYTES);
      return bytes.toString('utf8', 0, fs.readSync(opened, bytes));
    } finally {
      fs.closeSync(opened);
    }
  } catch {
    return '';
  }
}

const MAX_HOLDER_BYTES = 400;

const holderFile = (path: string): string => `${path}.holder`;

function holderOf(path: string): string {
  const holder = holderNamed(path);
  const [, who = ''] = /^(\d+ on \S+)/.exec(holder) ?? [];
  return who ? `process ${who}` : 'another process';
}

function stillHeld(path: string, holder: string): Dns01Error {
  return new Dns01Error('E_LOCK', `another dns01 (${holder}) holds the lock ${path}.lock`, {
    hint: 'wait until it is done, or give more time with --timeout SECONDS',
  });
}
