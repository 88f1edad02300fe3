import { setMaxListeners } from 'node:events';

export interface RaceSettings {
  /** The next server is queried after this time, even if the one before has not answered. */
  readonly staggerMs: number;
  /** For all servers together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Queries servers in order and takes the first useful answer. After a useless answer the next one starts at once, after
 * silence a moment later, so that silent servers do not add up.
 * @param attempt undefined where the answer is useless; its signal aborts when its answer is no longer needed
 */
export function firstUseful<Server, Result>(
  servers: readonly Server[],
  attempt: (server: Server, signal: AbortSignal) => Promise<Result | undefined>,
  { staggerMs, timeoutMs, signal }: RaceSettings,
): Promise<Result | undefined> {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  return new Promise((resolve, reject) => {
    const waiting = [...servers];
    let running = 0;
    let stagger: NodeJS.Timeout | undefined;
    const close = () => {
      clearTimeout(stagger);
      clearTimeout(end);
      signal.removeEventListener('abort', giveUp);
      stop.abort();
    };
    const settle = (result: Result | undefined) => {
      close();
      resolve(result);
    };
    const giveUp = () => settle(undefined);
    const end = setTimeout(giveUp, timeoutMs);
    setMaxListeners(0, signal);
    signal.addEventListener('abort', giveUp);

    const next = () => {
      clearTimeout(stagger);
      if (stop.signal.aborted) return;
      const server = waiting.shift();
      if (server === undefined) {
        if (running === 0) giveUp();
        return;
      }
      running++;
      stagger = setTimeout(next, staggerMs);
      attempt(server, stop.signal).then(
        (result) => {
          running--;
          if (result === undefined) next();
          else settle(result);
        },
        (error) => {
          close();
          reject(error);
        },
      );
    };
    if (signal.aborted) giveUp();
    else next();
  });
}
