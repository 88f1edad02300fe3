import { createRedactor, type Redactor } from './redact.ts';

/**
 * The process as the program sees it, so that it can be run inside another one. Both outputs pass the redactor last of
 * all, so nothing that is printed holds a secret that was read before.
 */
export interface Io {
  readonly redactor: Redactor;
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

/** An Io over the bare outputs of a process. */
export function createIo(bare: Omit<Io, 'redactor'>): Io {
  const redactor = createRedactor();
  return {
    ...bare,
    redactor,
    stdout: (text) => bare.stdout(redactor.redact(text)),
    stderr: (text) => bare.stderr(redactor.redact(text)),
  };
}
