import { Command, type CommanderError } from 'commander';
import { Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { addAboutCommands } from './about-commands.ts';
import { addCheckCommands } from './check-commands.ts';
import { addHookCommands } from './hook-commands.ts';
import { addCommonOptions } from './options.ts';
import { addPersistCommands } from './persist-commands.ts';
import { addRecordCommands } from './record-commands.ts';
import { addServerCommands } from './server-commands.ts';
import { addSetupCommands } from './setup-commands.ts';
import { addStateCommands } from './state-commands.ts';

/**
 * The command line: which verbs there are and what they take. Each verb's code is loaded when it is called.
 * @param exit called with the exit code by verbs that may succeed with another one than 0
 */
export function createProgram(io: Io, version: string, exit: (code: number) => void): Command {
  const program = addCommonOptions(new Command('dns01'))
    .description('One DNS-01 hook between every ACME client and every DNS provider.')
    .version(version)
    .enablePositionalOptions()
    .addHelpText('after', PROGRAM_EXAMPLES);
  addSetupCommands(program, io, exit);
  addRecordCommands(program, io);
  addHookCommands(program, io, exit);
  addCheckCommands(program, io, exit);
  addPersistCommands(program, io, exit);
  addServerCommands(program, io);
  addStateCommands(program, io);
  addAboutCommands(program, io);
  return program;
}

/** An error of commander, as one of ours. */
export function usageError({ code, message }: Pick<CommanderError, 'code' | 'message'>): Dns01Error {
  // `help WORD` for a word that is no command prints the help of the program, and has no message.
  const text = (code === 'commander.help' ? 'there is no such command' : message)
    .replace(/^error: /, '')
    .replace(/\s+/g, ' ')
    .replace(/\.$/, '');
  const hint = text.startsWith('unknown option')
    ? 'dns01 --help shows the options; put -- before a value that begins with a dash'
    : 'dns01 --help shows the commands';
  return new Dns01Error('E_USAGE', text, { hint });
}

const PROGRAM_EXAMPLES = `
Examples:
  $ dns01 demo
  $ dns01 add-txt _acme-challenge.example.com LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ
  $ certbot certonly --manual --preferred-challenges dns -d example.com -d '*.example.com' \\
      --manual-auth-hook 'dns01 hook certbot auth' --manual-cleanup-hook 'dns01 hook certbot cleanup'

The config is the first of --config FILE, DNS01_CONFIG, $XDG_CONFIG_HOME/dns01/config.yaml
and /etc/dns01/config.yaml. Without one, DNS01_PROVIDER and DNS01_<OPTION>[_FILE] make one account.

Exit codes: 0 success, 64 usage, 65 refused by the provider, 68 no account or zone, 70 a bug in dns01,
75 try again later, 76 answer not understood, 77 credentials or rights, 78 config.
129, 130 and 143: stopped by SIGHUP, SIGINT or SIGTERM.`;
