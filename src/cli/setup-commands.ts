import { Argument, type Command } from 'commander';
import type { Tool } from '../import/names.ts';
import type { Io } from '../output/io.ts';
import { commonOptions } from './options.ts';
import { verb } from './verb.ts';

/** Adds the verbs that make a config. */
export function addSetupCommands(program: Command, io: Io): void {
  verb(program, 'import', 'make a config from what another ACME client or lexicon has stored')
    .addArgument(new Argument('<tool>', 'the tool').choices(['acme.sh', 'lego', 'certbot', 'lexicon'] satisfies Tool[]))
    .option('--from <PATH>', 'its file or directory; default: where the tool keeps it, or the environment')
    .option('--yes', 'write the config and the secret files without a question', false)
    .addHelpText('after', IMPORT_EXAMPLES)
    .action(async (tool: Tool, given: { from?: string; yes: boolean }, command: Command) => {
      const { importFrom } = await import('./import.ts');
      await importFrom(tool, { ...commonOptions(command), ...given }, io);
    });
}

const IMPORT_EXAMPLES = `
Examples:
  $ dns01 import acme.sh
  $ dns01 import certbot --from /etc/letsencrypt/cloudflare.ini
  $ dns01 import lego --from /etc/lego.env --yes
  $ dns01 import lexicon --dry-run

It shows the config that it would write, and writes it after a question or with --yes. Each secret goes into a file of
its own beside the config. The files of the other tool are only read, and never run.`;
