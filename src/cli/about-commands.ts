import type { Command } from 'commander';
import type { Io } from '../output/io.ts';
import { commonOptions } from './options.ts';

/** Adds the verbs that need no account. */
export function addAboutCommands(program: Command, io: Io): void {
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
    .command('demo')
    .description('publish and remove values on this machine: no account, no network')
    .action(async () => {
      const { demo } = await import('./demo.ts');
      await demo(io);
    });
}

const PROVIDERS_EXAMPLES = `
Examples:
  $ dns01 providers
  $ dns01 providers ispconfig`;
