import type { WaitProgress } from '../challenge/wait.ts';
import type { Io } from './io.ts';

const CLEAR_LINE = '\r\u001b[K';

export interface ProgressLine {
  readonly update: WaitProgress;
  /** Take the line away again. */
  clear(): void;
}

/** One line that tells a person how far the wait is; nothing at all where nobody watches. */
export function progressLine(io: Io, { quiet }: { readonly quiet: boolean }): ProgressLine {
  if (!io.isTerminal || quiet) return { update: () => {}, clear: () => {} };
  return {
    update: (shown, asked) =>
      io.stderr(`${CLEAR_LINE}dns01: waiting for the name servers: ${shown} of ${asked} show it`),
    clear: () => io.stderr(CLEAR_LINE),
  };
}
