import { type Run, type RunSettings, withRun as withCoreRun } from '../challenge/run.ts';
import type { Config } from '../config/load.ts';
import { startDeadline } from '../deadline.ts';
import type { Io } from '../output/io.ts';
import { createLog, type Log } from '../output/log.ts';
import { openStateDirectory } from '../state/files/directory.ts';
import { openFiles } from '../state/files/state.ts';
import type { State } from '../state/state.ts';
import type { Watch } from '../watch.ts';
import { openConfig } from './open-config.ts';
import type { CommonOptions } from './options.ts';

/** Default seconds for the providers' APIs. The wait for propagation has a limit of its own. */
const API_SECONDS = 180;

/** What a process with many runs opens once for all of them. */
export interface Shared {
  readonly config: Config;
  /** Default: opened and closed by the run. */
  readonly state?: State;
  readonly watch?: Watch | undefined;
}

/** A run of the command line, from the options and the environment. @param shared what is open already, and stays open */
export async function withRun<Result>(
  options: CommonOptions & Pick<RunSettings, 'retriesRefusedLogins'>,
  io: Io,
  task: (run: Run) => Promise<Result>,
  shared?: Shared,
): Promise<Result> {
  const log = await createLog(options, io);
  const config = shared?.config ?? (await openConfig(options.config, io.env, log.warn));
  const seconds = options.timeout ?? API_SECONDS + config.propagation.timeout;
  const state = shared?.state ?? (await openState(config, io, log));
  const { retriesRefusedLogins } = options;
  const { watch } = shared ?? {};
  const settings = { config, env: io.env, log, redactor: io.redactor, state, retriesRefusedLogins, watch };
  try {
    return await withCoreRun(settings, startDeadline(seconds * 1000, io.stop), task);
  } finally {
    if (!shared?.state) await state.close();
  }
}

/** The state that the config names. @throws E_CONFIG where it cannot be used */
export async function openState(config: Config, io: Io, log: Log): Promise<State> {
  const directory = openStateDirectory(io.env, log.warn);
  if (config.state === undefined) return openFiles(directory, log);
  const { openSharedState } = await import('./open-shared-state.ts');
  return openSharedState({ config, directory, io, log });
}
