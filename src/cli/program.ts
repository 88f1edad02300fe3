import { Command } from 'commander';
import { Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { addCommonOptions, commonOptions } from './options.ts';
import { addPersist } from './persist-command.ts';
import type { SweepOptions } from './sweep.ts';

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

  verb(
    program,
    'hook <client> [args...]',
    "act as an ACME client's hook; all words after the client's name come from the client",
  )
    .option('--wait', 'wait for propagation, even if the client waits itself')
    .option('--no-wait', 'do not wait for propagation')
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText('after', HOOK_EXAMPLES)
    .action(async (client: string, args: string[], { wait }: { wait?: boolean }, command: Command) => {
      const { hook } = await import('./hook.ts');
      exit(await hook(client, args, { ...commonOptions(command), wait }, io));
    });

  program
    .command('hook-by-verb [args...]', { hidden: true })
    .helpOption(false)
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (args: string[], _options: object, command: Command) => {
      const { hookByVerb } = await import('./hook.ts');
      exit(await hookByVerb(args, commonOptions(command), io));
    });

  verb(program, 'batch', 'change many values: JSON lines on stdin, a result line for each, one wait for all')
    .option('--no-wait', 'only publish')
    .addHelpText('after', BATCH_EXAMPLES)
    .action(async ({ wait }: { wait: boolean }, command: Command) => {
      const { batch } = await import('./batch.ts');
      await batch({ ...commonOptions(command), wait }, io);
    });

  const server = verb(
    program,
    'serve',
    "run the hook as an HTTP server, for lego's httpreq and acme.sh's dns_acmeproxy",
  )
    .option('--wait', 'answer only when every name server shows the value', false)
    .addHelpText('after', SERVE_EXAMPLES)
    .action(async ({ wait }: { wait: boolean }, command: Command) => {
      const { serve } = await import('./serve.ts');
      await serve({ ...commonOptions(command), wait }, io);
    });
  server
    .command('hash')
    .description('read a password from stdin, print its hash for the config')
    .action(async () => {
      const { serveHash } = await import('./serve.ts');
      await serveHash(io);
    });

  verb(program, 'sweep', 'remove values that dns01 published and never removed')
    .option('--older-than <TIME>', 'remove only older values: 30m, 12h, 1d', '1d')
    .option('--scan', 'only list challenge values that the journal does not know', false)
    .option('--account-uri <URL>', "with --scan: your ACME account's URL, to list its dns-account-01 names too")
    .addHelpText('after', SWEEP_EXAMPLES)
    .action(async (given: Pick<SweepOptions, 'olderThan' | 'scan' | 'accountUri'>, command: Command) => {
      const { sweepLeftovers } = await import('./sweep.ts');
      await sweepLeftovers({ ...commonOptions(command), ...given }, io);
    });

  verb(program, 'doctor [names...]', 'check whether issuing would work: config, secrets, login, zones, DNS')
    .option('--issuer <CA>', 'check that CAA records allow this CA, e.g. letsencrypt.org')
    .option('--account-uri <URL>', "your ACME account's URL, for CAA records that allow only certain accounts")
    .option('--write', 'publish and remove a value at each name, and time it', false)
    .option('--as-cron', 'check with the environment that cron gives', false)
    .addHelpText('after', DOCTOR_EXAMPLES)
    .action(async (names: string[], given: DoctorFlags, command: Command) => {
      const { doctor } = await import('./doctor.ts');
      const { issuer, accountUri } = given;
      exit(await doctor({ ...commonOptions(command), ...given, names, issuer, accountUri }, io));
    });

  addPersist(program, io, exit);
  verb(program, 'nameserver', "serve the embedded provider's records as an authoritative DNS server")
    .option('--listen <ADDRESS>', 'address and port; repeat for more', collect, [])
    .addHelpText('after', NAMESERVER_EXAMPLES)
    .action(async (options: { listen: string[] }, command: Command) => {
      const { nameserver } = await import('./nameserver.ts');
      await nameserver({ ...commonOptions(command), listen: options.listen }, io);
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
    .command('demo')
    .description('publish and remove values on this machine: no account, no network')
    .action(async () => {
      const { demo } = await import('./demo.ts');
      await demo(io);
    });

  return program;
}

interface DoctorFlags {
  readonly issuer?: string;
  readonly accountUri?: string;
  readonly write: boolean;
  readonly asCron: boolean;
}

/** A verb with the common options, whose usage errors are thrown instead of ending the process. */
function verb(program: Command, usage: string, description: string): Command {
  return addCommonOptions(program.command(usage).description(description));
}

function collect(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value];
}

/** An error of commander, as one of ours. */
export function usageError(message: string): Dns01Error {
  const text = message
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
and /etc/dns01/config.yaml.

Exit codes: 0 success, 64 usage, 65 refused by the provider, 68 no account or zone, 70 a bug in dns01,
75 try again later, 76 answer not understood, 77 credentials or rights, 78 config.
129, 130 and 143: stopped by SIGHUP, SIGINT or SIGTERM.`;

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

const HOOK_EXAMPLES = `
Clients:
  certbot auth       --manual-auth-hook 'dns01 hook certbot auth'
  certbot cleanup    --manual-cleanup-hook 'dns01 hook certbot cleanup'
  acme.sh, acmetool, dehydrated, getssl, lego, simple-acme, uacme: see docs/hooks

Options of dns01 go before the client's name.`;

const BATCH_EXAMPLES = `
Example:
  $ dns01 batch <<END
  {"action":"add","name":"_acme-challenge.example.com","value":"LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"}
  {"action":"add","name":"_acme-challenge.example.org","value":"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"}
  END

Results come in the order of the lines. A line that fails does not stop the others. The exit code is that of the first
failure. Without --no-wait, the result of an add comes when every name server shows the value.`;

const SERVE_EXAMPLES = `
Examples:
  $ openssl rand -base64 24 | tee password | dns01 serve hash
  $ dns01 serve
  $ HTTPREQ_ENDPOINT=http://127.0.0.1:8053 HTTPREQ_USERNAME=web1 HTTPREQ_PASSWORD=… lego --dns httpreq …

It answers as soon as the value is published, because these clients check propagation themselves. With --wait, it
answers when every name server shows the value.`;

const SWEEP_EXAMPLES = `
Examples:
  $ dns01 sweep --dry-run
  $ dns01 sweep --older-than 12h
  $ dns01 sweep --scan

A hook that is killed leaves its value behind. sweep removes only values that are in the journal of the state directory.
Exit code 78 means that journal entries are damaged.`;

const PROVIDERS_EXAMPLES = `
Examples:
  $ dns01 providers
  $ dns01 providers ispconfig`;

const DOCTOR_EXAMPLES = `
Examples:
  $ dns01 doctor
  $ dns01 doctor --issuer letsencrypt.org --write example.com '*.example.com'
  $ dns01 doctor --as-cron --json

Without names, it checks all accounts and the zones of the config. Exit codes: 0 issuing would work (there may be
warnings), 65 something is bad, 78 the config is bad, 75 nothing could be checked.`;

const NAMESERVER_EXAMPLES = `
Examples:
  $ dns01 nameserver --listen 127.0.0.1:5300
  $ dns01 nameserver --listen 192.0.2.1:53 --listen [2001:db8::1]:53

It serves the zones of all accounts with provider: embedded, until you stop it. Default: 127.0.0.1:5300.`;
