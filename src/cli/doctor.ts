import { examine } from '../check/examine.ts';
import { findConfigIfAny } from '../config/find.ts';
import { Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { showFindings } from './findings.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';

export interface DoctorOptions extends CommonOptions {
  /** The names that certificates are for; empty: the zones of the config. */
  readonly names: readonly string[];
  /** The CA's name in CAA records, e.g. `letsencrypt.org`. */
  readonly issuer: string | undefined;
  /** The URL of the ACME account, for CAA records that name one. */
  readonly accountUri: string | undefined;
  readonly write: boolean;
  /** Run with the environment that cron gives. */
  readonly asCron: boolean;
}

/** `dns01 doctor`: would issuing work? One line for each check, and what to do. Returns the exit code. */
export async function doctor(options: DoctorOptions, io: Io): Promise<number> {
  const env = options.asCron ? cronEnvironment(io.env) : io.env;
  if (io.env['DNS01_PROVIDER'] && !env['DNS01_PROVIDER'] && findConfigIfAny(options.config, env) === undefined)
    throw goneInCron();
  const settings = { ...options, retriesRefusedLogins: true };
  return withRun(settings, { ...io, env }, (run) => {
    const issuer = options.issuer?.toLowerCase();
    return showFindings('doctor', examine(run, { ...options, issuer }), options, io);
  });
}

/** The environment of a cron job (crontab(5)). */
function cronEnvironment(env: Io['env']): Io['env'] {
  return { PATH: '/usr/bin:/bin', SHELL: '/bin/sh', HOME: env['HOME'], LOGNAME: env['LOGNAME'] };
}

function goneInCron(): Dns01Error {
  return new Dns01Error(
    'E_CONFIG',
    'cron does not pass on DNS01_PROVIDER and its options, and there is no config file',
    {
      hint: 'write a config file, or set the variables in the crontab or in a script that it runs',
    },
  );
}
