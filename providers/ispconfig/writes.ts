import { isDns01Error } from '../../src/errors.ts';

/** How things stood when a zone was read. */
export interface WriteMark {
  readonly begun: number;
  /** Nothing was under way that could still raise a serial. */
  readonly isQuiet: boolean;
}

/** Counts what this session writes: each write raises the serial of its zone, also for whoever compares serials. */
export interface Writes {
  /** To be taken just before a zone is asked for, and kept with what comes. */
  mark(): WriteMark;
  /** True where, of all writes of this session, only the one that asks can have come after the mark. */
  isOnlyOneSince(mark: WriteMark): boolean;
  /** Do a write that raises a serial. One whose answer was lost stays under way: it may be done at any time. */
  count<Result>(write: () => Promise<Result>): Promise<Result>;
}

export function countWrites(): Writes {
  let begun = 0;
  let underWay = 0;
  return {
    mark: () => ({ begun, isQuiet: underWay === 0 }),
    isOnlyOneSince: (mark) => mark.isQuiet && begun === mark.begun + 1,
    async count(write) {
      begun++;
      underWay++;
      try {
        const result = await write();
        underWay--;
        return result;
      } catch (failure) {
        if (isDns01Error(failure) && !failure.outcomeUnknown) underWay--;
        throw failure;
      }
    },
  };
}
