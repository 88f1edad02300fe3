import { pino } from 'pino';
import type { Log, LogOptions, LogOutput } from './log.ts';

/** A message for a program as one line of JSON. */
export function jsonLog({ quiet, verbose }: LogOptions, io: LogOutput): Log {
  const logger = openPino(io);
  return {
    debug: verbose ? (message, fields) => logger.debug(fields ?? {}, message) : () => {},
    info: (message) => quiet || logger.info(message),
    warn: (message) => quiet || logger.warn(message),
  };
}

/** The error that ends the run. */
export function logError(fields: Readonly<Record<string, unknown>>, message: string, io: LogOutput): void {
  openPino(io).error(fields, message);
}

function openPino(io: LogOutput) {
  return pino({ level: 'debug', base: null }, { write: (text) => io.stderr(`${text.trimEnd()}\n`) });
}
