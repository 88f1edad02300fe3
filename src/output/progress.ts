import type { WaitProgress } from '../challenge/wait.ts';
import type { Io } from './io.ts';

export interface ProgressLine {
  say(text: string): void;
  /** How far a wait for propagation is. */
  readonly update: WaitProgress;
  /** Take the line away again. */
  clear(): void;
}

/** One line that tells a person how far things are; nothing at all where nobody watches. */
export function progressLine(io: Io, { quiet }: { readonly quiet: boolean }): ProgressLine {
  if (!io.isTerminal || quiet) return { say: () => {}, update: () => {}, clear: () => {} };
  const say = (text: string) => io.status(`dns01: ${text}`);
  return {
    say,
    update: (shown, asked) => say(`waiting for the name servers: ${shown} of ${asked} show it`),
    clear: () => io.status(''),
  };
}
