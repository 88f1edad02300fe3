import { Argument, type Command, Option } from 'commander';
import type { Tool } from '../import/names.ts';
import type { Io } from '../output/io.ts';
import type { Client } from './client-lines.ts';
import { commonOptions } from './options.ts';
import { verb } from './verb.ts';

/**
 * Adds the verbs that make a config.
 * @param exit called with the exit code
 */
export function addSetupCommands(program: Command, io: Io, exit: (code: number) => void): void {
  verb(program, 'init', 'make a config by a few questions, test it, and print the lines for your ACME client')
    .option('--provider <TYPE>', 'the provider; default: asks, and proposes the one that serves the zone')
    .addOption(new Option('--client <NAME>', 'the ACME client to print lines for').choices(CLIENTS))
    .option('--yes', 'add the account to a config that exists without a question', false)
    .option('--no-test', 'do not publish a value to test the account')
    // The options of the provider, by its own schema.
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', INIT_EXAMPLES)
    .action(async (given: { provider?: string; client?: Client; yes: boolean; test: boolean }, command: Command) => {
      const { init } = await import('./init.ts');
      exit(await init({ ...commonOptions(command), ...given, words: command.args }, io));
    });

  verb(program, 'import', 'make a config from what another ACME client or lexicon has stored')
    .addArgument(new Argument('<tool>', 'the tool').choices(['acme.sh', 'lego', 'certbot', 'lexicon'] satisfies Tool[]))
    .option('--from <PATH>', 'its file or directory; default: where the tool keeps it, or the environment')
    .option('--yes', 'write the config and the secret files without a question', false)
    .addHelpText('after', IMPORT_EXAMPLES)
    .action(async (tool: Tool, given: { from?: string; yes: boolean }, command: Command) => {
      const { importFrom } = await import('./import.ts');
      exit(await importFrom(tool, { ...commonOptions(command), ...given }, io));
    });
}

const CLIENTS = ['certbot', 'acme.sh', 'lego', 'dehydrated', 'uacme'] satisfies Client[];

const INIT_EXAMPLES = `
Examples:
  $ sudo dns01 init
  $ dns01 init --provider cloudflare --zone example.com --token-file ~/cloudflare.token --client certbot
  $ dns01 init --provider plesk --zone example.com --url https://panel.example.com:8443 --api-key-file ./key --no-test

Without a terminal it asks nothing. Each option of the provider has a name of its own, --api-key for apiKey, which
dns01 providers TYPE shows; a secret is only taken from a file: --api-key-file FILE. Secrets that you type go into
files beside the config. The test is dns01 doctor --write: where it fails, the files stay and its exit code counts.`;

const IMPORT_EXAMPLES = `
Examples:
  $ dns01 import acme.sh
  $ dns01 import certbot --from /etc/letsencrypt/cloudflare.ini
  $ dns01 import lego --from /etc/lego.env --yes
  $ dns01 import lexicon --dry-run

It shows the config that it would write, and writes it after a question or with --yes. Each secret goes into a file of
its own beside the config. The files of the other tool are only read, and never run.`;
