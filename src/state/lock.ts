import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Deadline } from '../deadline.ts';
import { Dns01Error } from '../errors.ts';

/** Milliseconds after which a lock whose holder no longer touches it counts as left by a dead process. */
const STALE_AFTER = 10_000;

const POLL_INTERVAL = 30;

/**
 * Do a task while no other process does one under the same lock. A lock is a directory, which is made atomically on
 * local disks and on NFS alike; one that a dead process left is taken over.
 * @throws E_LOCK when it is still held at the deadline
 */
export async function withLock<Result>(path: string, deadline: Deadline, task: () => Promise<Result>): Promise<Result> {
  const release = await acquire(path, deadline);
  try {
    return await task();
  } finally {
    // Taken over by another process while this one was stopped: then there is nothing left to release.
    await release().catch(() => {});
  }
}

async function acquire(path: string, deadline: Deadline): Promise<() => Promise<void>> {
  const { default: lockfile } = await import('proper-lockfile');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  for (;;) {
    try {
      return await lockfile.lock(path, {
        realpath: false,
        stale: STALE_AFTER,
        onCompromised: () => {},
      });
    } catch (error) {
      if ((error as { code?: string }).code !== 'ELOCKED') throw error;
    }
    const pause = POLL_INTERVAL * (0.5 + Math.random());
    if (deadline.remaining() <= pause) throw stillHeld(path);
    await deadline.sleep(pause);
  }
}

function stillHeld(path: string): Dns01Error {
  return new Dns01Error('E_LOCK', `another dns01 process holds the lock ${path}.lock`, {
    hint: 'wait until it is done, or give more time with --timeout SECONDS',
  });
}
