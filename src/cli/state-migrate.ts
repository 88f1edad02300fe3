import { Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { createLog } from '../output/log.ts';
import { openDatabase } from '../state/postgres/database.ts';
import { grantTo, VERSION, wholeSchema } from '../state/postgres/schema.ts';
import { parseStateUrl, readNamed } from '../state/postgres/url.ts';
import { openConfig } from './open-config.ts';
import { keepSecret, readStateUrl } from './open-shared-state.ts';
import type { CommonOptions } from './options.ts';

export interface StateMigrateOptions extends CommonOptions {
  /** A file with the URL of a role that may make tables. */
  readonly urlFile: string | undefined;
  /** The role of the config, which then gets its rights at the tables. */
  readonly grant: string | undefined;
  /** Print the SQL, and run nothing. */
  readonly print: boolean;
}

/** `dns01 state migrate`: makes the tables of the state, or brings them to this version. */
export async function stateMigrate(options: StateMigrateOptions, io: Io): Promise<void> {
  const { urlFile, grant } = options;
  const granting = grant === undefined ? undefined : grantTo(grant);
  if (grant !== undefined && granting === undefined) {
    throw new Dns01Error('E_USAGE', '--grant: expected the name of a role', { hint: 'letters, digits, _ and -' });
  }
  if (options.print || options.dryRun) return io.stdout(wholeSchema(grant));
  const log = await createLog(options, io);
  const url =
    urlFile === undefined
      ? await readStateUrl(await openConfig(options.config, io.env, log.warn), io, log)
      : readNamed(urlFile).trim();
  keepSecret(url, io);
  const database = openDatabase(parseStateUrl(url));
  try {
    // The first use makes the tables.
    await database.run({ text: granting ?? 'select 1' });
  } finally {
    await database.close();
  }
  const document = {
    ok: true,
    action: 'migrate',
    version: VERSION,
    ...(grant === undefined ? {} : { grantedTo: grant }),
  };
  const granted = grant === undefined ? '' : `, ${grant} may use them`;
  io.stdout(
    options.json
      ? `${JSON.stringify(document)}\n`
      : `${database.shown}: the tables have version ${VERSION}${granted}\n`,
  );
}
