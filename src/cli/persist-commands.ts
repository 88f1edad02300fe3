import type { Command } from 'commander';
import { Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { addCommonOptions, type CommonOptions, commonOptions } from './options.ts';
import { verb } from './verb.ts';

/** What the verbs of `persist` take, as it was given. */
export interface PersistFlags extends CommonOptions {
  readonly issuer?: string;
  readonly accountUri?: string;
  readonly wildcard?: boolean;
  readonly until?: string;
  readonly draft?: string;
  readonly accountThumbprint?: string;
  readonly accountHashPrefix?: string;
  readonly directory?: string;
  readonly emit?: string;
  readonly wait?: boolean;
}

/** Adds `persist` with its verbs. Each verb's code is loaded when it is called. */
export function addPersistCommands(program: Command, io: Io, exit: (code: number) => void): void {
  const persist = addCommonOptions(program.command('persist'))
    .description('lasting records that let one ACME account issue without a hook (dns-persist-01)')
    .usage('[options] <command>')
    .argument('[verb]')
    .action((given?: string) => {
      const what = given === undefined ? 'persist needs a command' : `persist has no command ${JSON.stringify(given)}`;
      throw new Dns01Error('E_USAGE', what, { hint: 'print, add, verify, list or remove' });
    })
    .addHelpText('after', EXAMPLES);
  const flagsOf = (command: Command): PersistFlags => ({ ...command.opts(), ...commonOptions(command) });

  withRecord(verb(persist, 'print <domain>', 'print the record')).action(async (domain: string, _: object, command) => {
    const { persistPrint } = await import('./persist-print.ts');
    await persistPrint(domain, flagsOf(command), io);
  });
  withRecord(verb(persist, 'add <domain>', 'publish the record, and remove our older ones for that account'))
    .option('--no-wait', 'only publish')
    .action(async (domain: string, _: object, command) => {
      const { persistAdd } = await import('./persist-add.ts');
      await persistAdd(domain, flagsOf(command), io);
    });
  withAccount(verb(persist, 'verify <domain>', 'would the CA accept what the name servers show? Needs no config'))
    .option('--wildcard', 'for a wildcard certificate')
    .action(async (domain: string, _: object, command) => {
      const { persistVerify } = await import('./persist-verify.ts');
      exit(await persistVerify(domain, flagsOf(command), io));
    });
  verb(persist, 'list <domain>', 'list the records that the provider holds').action(
    async (domain: string, _: object, command) => {
      const { persistList } = await import('./persist-list.ts');
      await persistList(domain, flagsOf(command), io);
    },
  );
  withAccount(verb(persist, 'remove <domain>', 'remove the records of this CA and account')).action(
    async (domain: string, _: object, command) => {
      const { persistRemove } = await import('./persist-remove.ts');
      await persistRemove(domain, flagsOf(command), io);
    },
  );
}

/** Whose record it is. */
function withAccount(command: Command): Command {
  return command
    .option('--issuer <CA>', 'the CA in its records, e.g. letsencrypt.org; default: the first that --directory names')
    .option('--account-uri <URL>', "your ACME account's URL, exactly as the CA gives it")
    .option('--draft <NUMBER>', '01: the account itself; 02: its hash. Default: what --directory supports, else 01')
    .option('--account-thumbprint <TEXT>', "draft 02: SHA-256 thumbprint of the account's key (RFC 7638)")
    .option('--account-hash-prefix <URL>', 'draft 02: accountHashPrefix of the directory')
    .option('--directory <URL>', "the CA's ACME directory: it names the CA and the hash prefix");
}

function withRecord(command: Command): Command {
  return withAccount(command)
    .option('--wildcard', 'also for wildcard certificates')
    .option('--until <TIME>', 'when it ends: 2027-01-31T00:00:00Z or UNIX seconds; default: never')
    .option('--emit <FORM>', 'only print it: zone, octodns or terraform');
}

const EXAMPLES = `
Examples:
  $ dns01 persist print example.com --issuer letsencrypt.org --account-uri https://…/acct/123
  $ dns01 persist add example.com --wildcard --until 2027-01-31T00:00:00Z --issuer … --account-uri …
  $ dns01 persist verify '*.example.com' --issuer letsencrypt.org --account-uri https://…/acct/123
  $ dns01 persist list example.com
  $ dns01 persist remove example.com --issuer letsencrypt.org --account-uri https://…/acct/123

A name that begins with *. is for wildcards. Whoever has the account's key can issue for the domain until the record ends
or is removed. sweep never removes these records.`;
