import { type Run, type RunSettings, withRun as withCoreRun } from '../challenge/run.ts';
import type { Config } from '../config/load.ts';
import { startDeadline } from '../deadline.ts';
import type { Io } from '../output/io.ts';
import { createLog } from '../output/log.ts';
import { openStateDirectory } from '../state/directory.ts';
import { openConfig } from './open-config.ts';
import type { CommonOptions } from './options.ts';

/** Default seconds for the providers' APIs. The wait for propagation has a limit of its own. */
const API_SECONDS = 180;

/** A run of the command line, from the options and the environment. @param loaded the config, if it is read already */
export async function withRun<Result>(
  options: CommonOptions & Pick<RunSettings, 'retriesRefusedLogins'>,
  io: Io,
  task: (run: Run) => Promise<Result>,
  loaded?: Config,
): Promise<Result> {
  const log = await createLog({ quiet: options.quiet, verbose: options.verbose, write: io.stderr });
  const config = loaded ?? (await openConfig(options.config, io.env, log.warn));
  const seconds = options.timeout ?? API_SECONDS + config.propagation.timeout;
  const stateDirectory = openStateDirectory(io.env, log.warn);
  const { retriesRefusedLogins } = options;
  const settings = { config, env: io.env, log, redactor: io.redactor, stateDirectory, retriesRefusedLogins };
  return withCoreRun(settings, startDeadline(seconds * 1000, io.stop), task);
}
