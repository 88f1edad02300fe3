import { createRedactor, type Redactor } from './redact.ts';
import { printable } from './text.ts';

export type Stream = 'stdout' | 'stderr';

/** Gives text colours or line breaks. It gets the text after the redactor, so nothing that it adds is removed. */
export type Dress = (text: string) => string;

/**
 * The process as the program sees it, so that tests can run it inside another one. All output passes the redactor last,
 * and has no control characters except line feeds.
 */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly redactor: Redactor;
  /** The result, and nothing else. */
  stdout(text: string, dress?: Dress): void;
  /** Everything for a person. */
  stderr(text: string, dress?: Dress): void;
  /** One line on stderr that replaces the one before it, cut to the terminal's width; an empty line only clears it. */
  status(line: string): void;
  /** Whether stderr is a terminal. */
  readonly isTerminal: boolean;
  /** The width of a terminal, in characters; undefined where the stream is none. */
  columns?(stream: Stream): number | undefined;
  /** Whether text there gets colours. */
  hasColour(stream: Stream): boolean;
  /** Aborts on a stop signal; the reason is the signal's name. */
  readonly stop: AbortSignal;
  /** From now on a hangup calls this and does not stop the process. */
  readonly onHangup?: (listener: () => void) => void;
}

const CLEAR_LINE = '\r\u001b[K';

/** What a process has, without what Io makes of it. */
interface Bare extends Omit<Io, 'redactor' | 'status' | 'hasColour'> {
  /** How text is fitted to the width of a terminal. */
  readonly fit?: Pick<typeof import('./terminal-text.ts'), 'layOutRows' | 'wrapMessages'> | undefined;
}

/** An Io over the bare outputs of a process. */
export function createIo({ fit, ...bare }: Bare): Io {
  const redactor = createRedactor();
  // Tabs separate the columns of a result.
  const clean = (text: string) => redactor.redact(text).split('\t').map(printable).join('\t');
  const fitted = (stream: Stream, text: string, fitTo: ((text: string, columns: number) => string) | undefined) => {
    const columns = bare.columns?.(stream);
    return columns === undefined || !fitTo ? clean(text) : fitTo(clean(text), columns);
  };
  let status = '';
  return {
    ...bare,
    redactor,
    stdout(text, dress = asItIs) {
      if (status !== '') bare.stderr(CLEAR_LINE);
      bare.stdout(dress(fitted('stdout', text, fit?.layOutRows)));
      // stdout may be the same terminal.
      if (status !== '') bare.stderr(status);
    },
    stderr(text, dress = asItIs) {
      const clear = status === '' ? '' : CLEAR_LINE;
      status = '';
      bare.stderr(`${clear}${dress(fitted('stderr', text, fit?.wrapMessages))}`);
    },
    status(line) {
      // A terminal puts what comes after its last column into a line of its own, also the ^C of somebody who has enough.
      status = cut(clean(line), (bare.columns?.('stderr') ?? DEFAULT_COLUMNS) - '^C'.length - 1);
      bare.stderr(`${CLEAR_LINE}${status}`);
    },
    hasColour: (stream) =>
      wantsColour(bare.env, stream === 'stderr' ? bare.isTerminal : bare.columns?.('stdout') !== undefined),
  };
}

export const DEFAULT_COLUMNS = 80;

const asItIs: Dress = (text) => text;

const cut = (line: string, length: number): string =>
  line.length > length ? `${line.slice(0, Math.max(0, length - 1)).toWellFormed()}…` : line;

/** As https://no-color.org and https://force-color.org say. */
function wantsColour(env: Io['env'], isTerminal: boolean): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced) return forced !== '0' && forced !== 'false';
  return isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}
