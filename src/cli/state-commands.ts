import type { Command } from 'commander';
import type { Io } from '../output/io.ts';
import { commonOptions } from './options.ts';
import type { StateMigrateOptions } from './state-migrate.ts';
import { verb } from './verb.ts';

/** Adds the verbs for the state that several machines share. */
export function addStateCommands(program: Command, io: Io): void {
  const state = program.command('state').description('the state that several machines share in PostgreSQL');
  verb(state, 'migrate', 'make the tables of the state, or bring them to this version')
    .option('--url-file <FILE>', "URL of a role that may make tables; default: the config's")
    .option('--grant <ROLE>', 'give this role the rights that dns01 needs at the tables')
    .option('--print', 'print the SQL and run nothing', false)
    .addHelpText('after', MIGRATE_EXAMPLES)
    .action(async (given: Pick<StateMigrateOptions, 'urlFile' | 'grant' | 'print'>, command: Command) => {
      const { stateMigrate } = await import('./state-migrate.ts');
      const { urlFile, grant, print } = given;
      await stateMigrate({ ...commonOptions(command), urlFile, grant, print }, io);
    });
}

const MIGRATE_EXAMPLES = `
Examples:
  $ dns01 state migrate
  $ dns01 state migrate --url-file /root/owner.url --grant dns01
  $ dns01 state migrate --print --grant dns01 | psql dns01

dns01 makes the tables at the first use, if its role may. Otherwise run this once, and again after an update.`;
