import { createRedactor, type Redactor } from './redact.ts';
import { printable } from './text.ts';

/**
 * The process as the program sees it, so that tests can run it inside another one. All output passes the redactor last,
 * and has no control characters except line feeds.
 */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly redactor: Redactor;
  /** The result, and nothing else. */
  stdout(text: string): void;
  /** Everything for a person. */
  stderr(text: string): void;
  /** One line on stderr that replaces the one before it; an empty line only clears it. */
  status(line: string): void;
  /** Whether stderr is a terminal. */
  readonly isTerminal: boolean;
  /** Aborts on a stop signal; the reason is the signal's name. */
  readonly stop: AbortSignal;
  /** From now on a hangup calls this and does not stop the process. */
  readonly onHangup?: (listener: () => void) => void;
}

const CLEAR_LINE = '\r\u001b[K';

/** An Io over the bare outputs of a process. */
export function createIo(bare: Omit<Io, 'redactor' | 'status'>): Io {
  const redactor = createRedactor();
  // Tabs separate the columns of a result.
  const clean = (text: string) => redactor.redact(text).split('\t').map(printable).join('\t');
  return {
    ...bare,
    redactor,
    stdout: (text) => bare.stdout(clean(text)),
    stderr: (text) => bare.stderr(clean(text)),
    status: (line) => bare.stderr(`${CLEAR_LINE}${clean(line)}`),
  };
}
