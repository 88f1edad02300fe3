/** The process as the program sees it, so that it can be run inside another one. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The result, and nothing else. */
  stdout(text: string): void;
  /** Everything that is meant for a person. */
  stderr(text: string): void;
  /** Whether a person watches stderr. */
  readonly isTerminal: boolean;
  /** Aborts when the process is told to stop; the reason is the signal's name. */
  readonly stop: AbortSignal;
}
