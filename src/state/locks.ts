import type { Deadline } from '../deadline.ts';

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
   * Checks that it is still held, and that nobody else gets it before a request of this length has ended: a process that
   * was suspended for a while may have lost it.
   * @throws E_LOCK where another process has taken it over
   */
  check(requestMs: number): Promise<void>;
}

/** Of all processes that share the state, only one at a time runs a task under a name. */
export interface Locks {
  /**
   * A lock that a dead process left is taken over.
   * @throws E_LOCK when it is still held at the deadline
   */
  hold<Result>(name: string, options: LockOptions, task: (lock: HeldLock) => Promise<Result>): Promise<Result>;
  /**
   * Runs a task that other machines should not run at the same time, although they may: nobody waits long for a turn, and
   * no failure of a lock stops the task.
   */
  turn<Result>(name: string, deadline: Deadline, task: () => Promise<Result>): Promise<Result>;
}
