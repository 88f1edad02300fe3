import type { Io } from './io.ts';

export type LogFields = Readonly<Record<string, unknown>>;

/** Messages for a person during a run. They go to stderr; stdout is for the result. */
export interface Log {
  /** Details for `--verbose`. */
  debug(message: string, fields?: LogFields): void;
  /** What the run is waiting for. */
  info(message: string): void;
  /** What the user should know although the run goes on. */
  warn(message: string): void;
}

export interface LogOptions {
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Default: text. */
  readonly logFormat?: 'text' | 'json' | undefined;
}

export type LogOutput = Pick<Io, 'stderr' | 'hasColour'>;

/** Plain lines for people, or JSON lines for programs. What most runs do not need is loaded on demand: it takes time at the start. */
export async function createLog(options: LogOptions, io: LogOutput): Promise<Log> {
  if (options.logFormat === 'json') {
    const { jsonLog } = await import('./json-log.ts');
    return jsonLog(options, io);
  }
  const dress = io.hasColour('stderr') ? (await import('./colour.ts')).colourWord : undefined;
  const say = (text: string) => {
    if (!options.quiet) io.stderr(`dns01: ${text}\n`, dress);
  };
  return {
    debug: options.verbose ? (await import('./verbose.ts')).verboseLines(io) : () => {},
    info: say,
    warn: (message) => say(`warning: ${message}`),
  };
}
