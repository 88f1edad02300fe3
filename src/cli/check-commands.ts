import type { Command } from 'commander';
import type { Io } from '../output/io.ts';
import { commonOptions } from './options.ts';
import type { SweepOptions } from './sweep.ts';
import { verb } from './verb.ts';

const ISSUER = 'the CA as CAA records name it, e.g. letsencrypt.org; default: say who may issue';
const ACCOUNT_URI = "your ACME account's URL, for CAA records and names that belong to one account";

/** Adds the verbs that check and tidy up. */
export function addCheckCommands(program: Command, io: Io, exit: (code: number) => void): void {
  verb(program, 'doctor [names...]', 'check whether issuing would work: config, secrets, login, zones, DNS')
    .option('--issuer <CA>', ISSUER)
    .option('--account-uri <URL>', ACCOUNT_URI)
    .option('--write', 'publish and remove a value at each name, and time it', false)
    .option('--as-cron', 'check with the environment that cron gives', false)
    .addHelpText('after', DOCTOR_EXAMPLES)
    .action(async (names: string[], given: DoctorFlags, command: Command) => {
      const { doctor } = await import('./doctor.ts');
      const { issuer, accountUri } = given;
      exit(await doctor({ ...commonOptions(command), ...given, names, issuer, accountUri }, io));
    });

  verb(program, 'status', 'show what is published now, since when, and what sweep would remove')
    .option('--older-than <TIME>', 'what sweep would remove with this option: 30m, 12h, 1d', '1d')
    .addHelpText('after', STATUS_EXAMPLES)
    .action(async (given: { olderThan: string }, command: Command) => {
      const { status } = await import('./status.ts');
      await status({ ...commonOptions(command), ...given }, io);
    });

  verb(program, 'check <names...>', 'would a CA issue for these names? Needs no config and no account')
    .option('--issuer <CA>', ISSUER)
    .option('--account-uri <URL>', ACCOUNT_URI)
    .option('--method <METHOD>', 'dns-01, dns-account-01 or dns-persist-01; default: what the name is for')
    .addHelpText('after', CHECK_EXAMPLES)
    .action(async (names: string[], { issuer, accountUri, method }: CheckFlags, command: Command) => {
      const { check } = await import('./check.ts');
      exit(await check({ ...commonOptions(command), names, issuer, accountUri, method }, io));
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
}

interface DoctorFlags {
  readonly issuer?: string;
  readonly accountUri?: string;
  readonly write: boolean;
  readonly asCron: boolean;
}

interface CheckFlags {
  readonly issuer?: string;
  readonly accountUri?: string;
  readonly method?: string;
}

const CHECK_EXAMPLES = `
Examples:
  $ dns01 check example.com '*.example.com'
  $ dns01 check --issuer letsencrypt.org --json www.example.com

It asks the DNS from the root down, as a CA does, and changes nothing. doctor shows the same for the zones of the config,
and checks its accounts. Exit codes: 0 yes (there may be warnings), 65 no, 75 cannot tell.`;

const DOCTOR_EXAMPLES = `
Examples:
  $ dns01 doctor
  $ dns01 doctor --issuer letsencrypt.org --write example.com '*.example.com'
  $ dns01 doctor --as-cron --json

Without names, it checks all accounts and the zones of the config. It shows what check shows, and what only an account can
tell. Exit codes: 0 issuing would work (there may be warnings), 65 something is bad, 78 the config is bad, 75 nothing could
be checked.`;

const STATUS_EXAMPLES = `
Examples:
  $ dns01 status
  $ dns01 status --json --account panel

It shows the journal of the state directory, and asks no provider. Exit code 78 means that journal entries are damaged.`;

const SWEEP_EXAMPLES = `
Examples:
  $ dns01 sweep --dry-run
  $ dns01 sweep --older-than 12h
  $ dns01 sweep --scan

A hook that is killed leaves its value behind. sweep removes only values that are in the journal of the state directory.
Exit code 78 means that journal entries are damaged.`;
