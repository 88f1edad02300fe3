import { constants } from 'node:os';
import { type Command, CommanderError } from 'commander';
import { version } from '../../package.json';
import { Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { createLog, type LogOptions } from '../output/log.ts';
import { commonOptions, protectDashValues } from './options.ts';
import { type ErrorFlags, printError } from './output.ts';
import { createProgram, usageError } from './program.ts';

const JSON_LOG = /(^| )--log-format[ =]json( |$)/;

/** Runs the command line, `argv` without node and script. Returns the exit code. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let exitCode = 0;
  // Until the command line has been read.
  let flags: ErrorFlags = {
    json: argv.includes('--json'),
    verbose: argv.includes('--verbose'),
    logFormat: io.env['DNS01_LOG_FORMAT'] === 'json' || JSON_LOG.test(argv.join(' ')) ? 'json' : undefined,
  };
  let stopTracing = () => {};
  const program = createProgram(io, version, (code) => {
    exitCode = code;
  });
  program.hook('preAction', async (_, command) => {
    const { logFormat } = command.optsWithGlobals();
    if (logFormat === undefined) program.setOptionValue('logFormat', io.env['DNS01_LOG_FORMAT'] || undefined);
    const options = commonOptions(command);
    flags = options;
    if (options.verbose) stopTracing = await traceQueries(options, io);
  });
  for (const command of withSubcommands(program)) throwInsteadOfExit(command, io);
  if (argv.length === 0) {
    io.stderr(program.helpInformation());
    return new Dns01Error('E_USAGE', 'no command').exitCode;
  }
  try {
    await program.parseAsync(protectDashValues(argv), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (io.stop.aborted) return await stopped(io, String(io.stop.reason), flags);
    return await printError(io, error instanceof CommanderError ? usageError(error) : error, flags);
  } finally {
    stopTracing();
  }
}

/** A line for each DNS query of this process: they have no log of their own. Returns how to end that. */
async function traceQueries(options: LogOptions, io: Io): Promise<() => void> {
  const [{ onQuery }, log] = await Promise.all([import('../dns/trace.ts'), createLog(options, io)]);
  return onQuery((query) => log.debug('dns', { ...query }));
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

function throwInsteadOfExit(command: Command, io: Io): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => io.stdout(text),
    // printError prints usage errors, so commander must not.
    outputError: () => {},
  });
}

/** The exit code of a shell for a process that ended by this signal. */
async function stopped(io: Io, signal: string, { logFormat }: ErrorFlags): Promise<number> {
  const error = new Dns01Error('E_REMOTE', `stopped by ${signal}`, {
    hint: 'dns01 status shows what is still published',
  });
  await printError(io, error, { json: false, verbose: false, logFormat });
  return 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
}
