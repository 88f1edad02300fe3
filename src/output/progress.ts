import type { WaitProgress } from '../challenge/wait.ts';
import type { Io } from './io.ts';

export interface ProgressLine {
  say(text: string): void;
  /** The progress of a wait for propagation. */
  readonly update: WaitProgress;
  /** Removes the line. */
  clear(): void;
}

/** One line with the progress, on a terminal only. */
export function progressLine(io: Io, { quiet }: { readonly quiet: boolean }): ProgressLine {
  if (!io.isTerminal || quiet) return { say: () => {}, update: () => {}, clear: () => {} };
  const say = (text: string) => io.status(`dns01: ${text}`);
  return {
    say,
    update: (shown, asked) => say(`waiting for the name servers: ${shown} of ${asked} show it`),
    clear: () => io.status(''),
  };
}
