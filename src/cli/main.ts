import { constants } from 'node:os';
import { type Command, CommanderError } from 'commander';
import { version } from '../../package.json';
import { Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { protectDashValues } from './options.ts';
import { printError } from './output.ts';
import { createProgram, usageError } from './program.ts';

/** Runs the command line, `argv` without node and script. Returns the exit code. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let exitCode = 0;
  const program = createProgram(io, version, (code) => {
    exitCode = code;
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
    const flags = { json: argv.includes('--json'), verbose: argv.includes('--verbose') };
    if (io.stop.aborted) return stopped(io, String(io.stop.reason));
    return printError(io, error instanceof CommanderError ? usageError(error) : error, flags);
  }
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

function throwInsteadOfExit(command: Command, io: Io): void {
  command.exitOverride().configureOutput({
    writeOut: io.stdout,
    // printError prints usage errors, so commander must not.
    outputError: () => {},
  });
}

/** The exit code of a shell for a process that ended by this signal. */
function stopped(io: Io, signal: string): number {
  const error = new Dns01Error('E_REMOTE', `stopped by ${signal}`, {
    hint: 'values that were published stay: withdraw them with remove-txt',
  });
  printError(io, error, { json: false, verbose: false });
  return 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
}
