import { setTimeout as delay } from 'node:timers/promises';
import { Dns01Error } from './errors.ts';

/** The one time limit of a verb. Everything that waits uses it. */
export interface Deadline {
  /** Aborts when the time is up or the process gets a stop signal. */
  readonly signal: AbortSignal;
  /** Milliseconds left, never negative. */
  remaining(): number;
  /** @throws E_REMOTE when the deadline comes first */
  sleep(milliseconds: number): Promise<void>;
}

/** A deadline that ends after this time, or when `stop` aborts. */
export function startDeadline(milliseconds: number, stop?: AbortSignal): Deadline {
  const end = performance.now() + milliseconds;
  const timeUp = AbortSignal.timeout(Math.max(0, Math.ceil(milliseconds)));
  const signal = stop ? AbortSignal.any([stop, timeUp]) : timeUp;
  const remaining = () => (signal.aborted ? 0 : Math.max(0, end - performance.now()));
  return {
    signal,
    remaining,
    async sleep(wanted) {
      try {
        await delay(Math.max(0, wanted), undefined, { signal });
      } catch {
        throw timeIsUp(milliseconds);
      }
    },
  };
}

/** A shorter deadline inside another one. */
export function within(deadline: Deadline, milliseconds: number): Deadline {
  return startDeadline(Math.min(milliseconds, deadline.remaining()), deadline.signal);
}

function timeIsUp(milliseconds: number): Dns01Error {
  return new Dns01Error('E_REMOTE', `the time limit of ${Math.round(milliseconds / 1000)} s was reached`, {
    hint: 'give more time with --timeout SECONDS',
  });
}
