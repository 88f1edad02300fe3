import { resolveSecrets } from '../accounts/secrets.ts';
import { type Config, configError } from '../config/load.ts';
import type { Io } from '../output/io.ts';
import type { Log } from '../output/log.ts';
import { openPostgres } from '../state/postgres/state.ts';
import { parseStateUrl } from '../state/postgres/url.ts';
import type { State } from '../state/state.ts';

export interface SharedStateSettings {
  readonly config: Config;
  readonly directory: string | undefined;
  readonly io: Io;
  readonly log: Log;
}

/** The state in PostgreSQL. @throws E_CONFIG for a URL that cannot be read or used */
export async function openSharedState({ config, directory, io, log }: SharedStateSettings): Promise<State> {
  return openPostgres(await readStateUrl(config, io, log), directory, log);
}

/** The URL of the database, which is a secret as a whole, and so is its password. @throws E_CONFIG */
export async function readStateUrl(config: Config, io: Io, log: Log): Promise<string> {
  const url: unknown = await resolveSecrets(config.state?.postgres.url, ['state', 'postgres', 'url'], {
    config,
    env: io.env,
    warn: log.warn,
    keep: () => {},
  });
  if (typeof url !== 'string') throw configError(config, ['state', 'postgres', 'url'], 'is missing', HINT);
  keepSecret(url, io);
  return url;
}

const HINT = 'state: { postgres: { url: { file: /etc/dns01/state.url } } }';

/** Its host and database may be shown, its password never. */
export function keepSecret(url: string, { redactor }: Io): void {
  const { password } = parseStateUrl(url);
  if (password !== undefined) redactor.keep(password);
}
