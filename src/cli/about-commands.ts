import { Argument, type Command } from 'commander';
import type { Io } from '../output/io.ts';
import type { Shell } from './completion.ts';
import { commonOptions } from './options.ts';
import { verb } from './verb.ts';

/** Adds the verbs that tell about dns01 and need no provider. */
export function addAboutCommands(program: Command, io: Io): void {
  verb(program, 'config', 'show which config is used and what it says, without secrets')
    .addHelpText('after', CONFIG_EXAMPLES)
    .action(async (_options: object, command: Command) => {
      const { showConfig } = await import('./config.ts');
      await showConfig(commonOptions(command), io);
    });

  program
    .command('providers [type]')
    .description('list the providers; with a type, show its options, rights and requests')
    .option('--json', 'print one JSON document', false)
    .addHelpText('after', PROVIDERS_EXAMPLES)
    .action(async (type: string | undefined, _options: object, command: Command) => {
      const { providers } = await import('./providers.ts');
      await providers(type, commonOptions(command).json, io);
    });

  program
    .command('account-label <account-url>')
    .description('print the label that dns-account-01 puts before _acme-challenge for an ACME account')
    .option('--json', 'print one JSON document', false)
    .addHelpText('after', '\nExample:\n  $ dns01 account-label https://example.com/acme/acct/ExampleAccount')
    .action(async (url: string, _options: object, command: Command) => {
      const { accountLabel } = await import('./account-label.ts');
      accountLabel(url, commonOptions(command), io);
    });

  program
    .command('completion')
    .description('print the completion of commands, options, accounts and zones for a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', COMPLETION_EXAMPLES)
    .action(async (shell: Shell) => {
      const { completionFor } = await import('./completion.ts');
      io.stdout(completionFor(shell));
    });

  program
    .command('complete-words [words...]', { hidden: true })
    .helpOption(false)
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (words: string[]) => {
      const { completeWords } = await import('./complete-words.ts');
      io.stdout(await completeWords(words, program, io.env));
    });

  program
    .command('demo')
    .description('publish and remove values on this machine: no account, no network')
    .action(async () => {
      const { demo } = await import('./demo.ts');
      await demo(io);
    });
}

const CONFIG_EXAMPLES = `
Examples:
  $ dns01 config
  $ dns01 config --config ./new.yaml --json

It shows the config in YAML, with all defaults. Exit code 78 means that the config is wrong: the error names file, line
and key. No secret is read.`;

const COMPLETION_EXAMPLES = `
Put one of these lines into the start file of your shell:
  eval "$(dns01 completion bash)"
  eval "$(dns01 completion zsh)"
  dns01 completion fish | source`;

const PROVIDERS_EXAMPLES = `
Examples:
  $ dns01 providers
  $ dns01 providers ispconfig`;
