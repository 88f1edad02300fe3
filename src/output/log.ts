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

export interface LogSettings {
  readonly quiet: boolean;
  readonly verbose: boolean;
  write(text: string): void;
}

/** Plain lines for people; with `--verbose` also pino's JSON lines. */
export async function createLog(settings: LogSettings): Promise<Log> {
  const line = (text: string) => settings.write(`${text}\n`);
  const say = (text: string) => {
    if (!settings.quiet) line(`dns01: ${text}`);
  };
  return {
    debug: settings.verbose ? await debugLines(line) : () => {},
    info: say,
    warn: (message) => say(`warning: ${message}`),
  };
}

/** pino is only loaded for --verbose, because it takes some milliseconds at the start. */
async function debugLines(line: (text: string) => void): Promise<Log['debug']> {
  const { pino } = await import('pino');
  const logger = pino({ level: 'debug', base: null }, { write: (text) => line(text.trimEnd()) });
  return (message, fields) => logger.debug(fields ?? {}, message);
}
