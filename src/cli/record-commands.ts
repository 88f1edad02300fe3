import type { Command } from 'commander';
import type { Io } from '../output/io.ts';
import { commonOptions } from './options.ts';
import { verb } from './verb.ts';

/** Adds the verbs that change or show records. Each verb's code is loaded when it is called. */
export function addRecordCommands(program: Command, io: Io): void {
  verb(program, 'add-txt <name> <value>', 'publish a value, then wait until every name server shows it')
    .option('--no-wait', 'only publish')
    .addHelpText('after', ADD_EXAMPLES)
    .action(async (name: string, value: string, options: { wait: boolean }, command: Command) => {
      const { addTxt } = await import('./add-txt.ts');
      await addTxt(name, value, { ...commonOptions(command), wait: options.wait }, io);
    });

  verb(program, 'remove-txt <name> <value>', 'remove exactly this value; a value that is not there is a success')
    .addHelpText('after', REMOVE_EXAMPLES)
    .action(async (name: string, value: string, _options: object, command: Command) => {
      const { removeTxt } = await import('./remove-txt.ts');
      await removeTxt(name, value, commonOptions(command), io);
    });

  verb(program, 'list-txt <name>', 'list the values that the provider holds at a name')
    .addHelpText('after', LIST_EXAMPLES)
    .action(async (name: string, _options: object, command: Command) => {
      const { listTxt } = await import('./list-txt.ts');
      await listTxt(name, commonOptions(command), io);
    });

  verb(program, 'wait-txt <name> <value>', 'wait until every name server shows the value')
    .addHelpText('after', WAIT_EXAMPLES)
    .action(async (name: string, value: string, _options: object, command: Command) => {
      const { waitTxt } = await import('./wait-txt.ts');
      await waitTxt(name, value, commonOptions(command), io);
    });

  verb(program, 'zones', 'list the zones that each account can write')
    .addHelpText('after', ZONES_EXAMPLES)
    .action(async (_options: object, command: Command) => {
      const { zones } = await import('./zones.ts');
      await zones(commonOptions(command), io);
    });

  verb(program, 'batch', 'change many values: JSON lines on stdin, a result line for each, one wait for all')
    .option('--no-wait', 'only publish')
    .addHelpText('after', BATCH_EXAMPLES)
    .action(async ({ wait }: { wait: boolean }, command: Command) => {
      const { batch } = await import('./batch.ts');
      await batch({ ...commonOptions(command), wait }, io);
    });
}

const ADD_EXAMPLES = `
Examples:
  $ dns01 add-txt _acme-challenge.example.com LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ
  $ dns01 add-txt --no-wait --account panel _acme-challenge.example.com VALUE
  $ dns01 add-txt --dry-run _acme-challenge.example.com VALUE

A domain and its wildcard use the same name, with two values side by side. Adding a value that exists is a success.
Write the value without quotes.`;

const REMOVE_EXAMPLES = `
Examples:
  $ dns01 remove-txt _acme-challenge.example.com LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ
  $ dns01 remove-txt --json _acme-challenge.example.com VALUE

Other values at the name stay.`;

const LIST_EXAMPLES = `
Example:
  $ dns01 list-txt _acme-challenge.example.com

This asks the provider's API. To ask the name servers, use wait-txt.`;

const WAIT_EXAMPLES = `
Example:
  $ dns01 wait-txt _acme-challenge.example.com LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ --timeout 120

It queries every address of every authoritative name server directly, until all of them show the value in two rounds
in a row (propagation.settle in the config).`;

const ZONES_EXAMPLES = `
Examples:
  $ dns01 zones
  $ dns01 zones --account panel --json`;

const BATCH_EXAMPLES = `
Example:
  $ dns01 batch <<END
  {"action":"add","name":"_acme-challenge.example.com","value":"LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"}
  {"action":"add","name":"_acme-challenge.example.org","value":"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"}
  END

Results come in the order of the lines. A line that fails does not stop the others. The exit code is that of the first
failure. Without --no-wait, the result of an add comes when every name server shows the value.`;
