import pLimit, { type LimitFunction } from 'p-limit';
import { createKeyedMutex } from '../toolbox/memory.ts';
import { createGate } from './gate.ts';
import type { GatewayUser } from './users.ts';

/** The changes under way, of all users and fronts. */
export interface Work {
  /**
   * Counts a request of this user, here and then on all nodes. Milliseconds until the next one is possible; 0 where this
   * one may go on. @throws where the state is out of reach
   */
  admit(user: GatewayUser): Promise<number>;
  /**
   * Runs a task in the line of its user, after earlier tasks with one of its keys; undefined if too many wait already.
   * A client that gave up on an add may ask for the removal while the add still waits.
   */
  enter<Result>(user: string, keys: readonly string[], task: () => Promise<Result>): Promise<Result> | undefined;
}

/** Changes of one user that run at once. Some more wait for these; the others are refused. */
const MAX_WORKING_PER_USER = 32;
const MAX_UNDER_WAY_PER_USER = 100;
const MAX_UNDER_WAY = 1000;

/** @param admitEverywhere as `admit`, for the requests on all nodes */
export function createWork(admitEverywhere: Work['admit']): Work {
  const requests = createGate(0);
  const oneByOne = createKeyedMutex();
  const lines = new Map<string, LimitFunction>();
  let underWay = 0;
  return {
    async admit(user) {
      const { name, requestsPerMinute } = user;
      const waitMs = requests.wait(name, requestsPerMinute);
      if (waitMs > 0) return waitMs;
      requests.count(name, requestsPerMinute);
      return admitEverywhere(user);
    },
    enter(user, keys, task) {
      const line = lines.get(user) ?? pLimit(MAX_WORKING_PER_USER);
      lines.set(user, line);
      if (underWay >= MAX_UNDER_WAY || line.activeCount + line.pendingCount >= MAX_UNDER_WAY_PER_USER) return undefined;
      underWay++;
      // In one order everywhere, so that no two tasks wait for each other.
      const inTurn = [...new Set(keys)].sort().reduceRight((rest, key) => () => oneByOne(key, rest), task);
      return line(inTurn).finally(() => {
        underWay--;
        if (line.activeCount + line.pendingCount === 0) lines.delete(user);
      });
    },
  };
}

/** The result, or what to answer after this time. A change that has begun goes on: half a change would help no client. */
export async function answerWithin<Result>(
  work: Promise<Result>,
  limitMs: number,
  late: () => Result,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<Result>((resolve) => {
    timer = setTimeout(() => resolve(late()), limitMs).unref();
  });
  return Promise.race([work, tooLate]).finally(() => clearTimeout(timer));
}
