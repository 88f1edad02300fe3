import { asDns01Error, type Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import type { LogOptions } from '../output/log.ts';
import type { CommonOptions } from './options.ts';

/** Prints a verb's result: a line for a person, or the document for a program. */
export function printResult(io: Io, { json }: Pick<CommonOptions, 'json'>, line: string, document: object): void {
  io.stdout(json ? `${JSON.stringify({ ok: true, ...document })}\n` : `${line}\n`);
}

export interface ErrorFlags {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly logFormat?: LogOptions['logFormat'];
}

/** Prints a failure to stderr, with `json` also as a document to stdout. Returns the exit code. */
export async function printError(io: Io, thrown: unknown, { json, verbose, logFormat }: ErrorFlags): Promise<number> {
  const error = asDns01Error(thrown);
  const { code, message, hint } = error;
  if (json) io.stdout(`${JSON.stringify({ ok: false, error: { code, message, ...(hint ? { hint } : {}) } })}\n`);
  if (logFormat === 'json') {
    const { logError } = await import('../output/json-log.ts');
    logError({ code, hint, ...(verbose || code === 'E_BUG' ? { stack: stackOf(error) } : {}) }, message, io);
    return error.exitCode;
  }
  const dress = io.hasColour('stderr') ? (await import('../output/colour.ts')).colourWord : undefined;
  io.stderr(`dns01: error: ${message}\n`, dress);
  if (hint) io.stderr(`dns01: hint: ${hint}\n`, dress);
  if (code === 'E_BUG') io.stderr(`${stackOf(error)}\n`);
  return error.exitCode;
}

function stackOf(error: Dns01Error): string {
  const origin = error.cause instanceof Error ? error.cause : error;
  return origin.stack ?? String(origin);
}

export function whereAndWho({ name, target, account, provider }: Place): string {
  const at = target === name ? '' : ` at ${target}`;
  return `${at} through account ${account} (${provider})`;
}

/** The same for the JSON document. It has the target only where CNAMEs lead elsewhere. */
export function placeDocument({ name, value, target, account, provider, zone }: Place): object {
  return { name, value, ...(target === name ? {} : { target }), account, provider, zone };
}

export interface Place {
  readonly name: string;
  readonly value: string;
  readonly target: string;
  readonly account: string;
  readonly provider: string;
  readonly zone: string | undefined;
}

/** For what lists up to a million values: each write passes the redactor. */
export const MAX_LINES_TOGETHER = 200;

/** Prints so many lines in one write. */
export function printLines(io: Io, atOnce: number): { add(line: string): void; flush(): void } {
  let lines: string[] = [];
  const flush = () => {
    if (lines.length > 0) io.stdout(lines.join(''));
    lines = [];
  };
  return {
    add(line) {
      lines.push(line);
      if (lines.length >= atOnce) flush();
    },
    flush,
  };
}
