import { type Account, openAccount } from '../challenge/account.ts';
import type { Run } from '../challenge/run.ts';
import { findConfig } from '../config/find.ts';
import { loadConfig } from '../config/load.ts';
import { startDeadline } from '../deadline.ts';
import { openAuthorityFinder } from '../dns/authority.ts';
import { createLog } from '../output/log.ts';
import { createRedactor } from '../output/redact.ts';
import { openStateDirectory } from '../state/directory.ts';
import { openJournal } from '../state/journal.ts';
import { openZoneCache } from '../state/zone-cache.ts';
import type { Io } from './io.ts';
import type { CommonOptions } from './options.ts';

/** Seconds for the providers' APIs where nothing else is said; the wait for propagation has its own time. */
const API_TIME = 180;

/** Everything that a verb works with, from the options and the environment. The task done, accounts are closed. */
export async function withRun<Result>(
  options: CommonOptions,
  io: Io,
  task: (run: Run) => Promise<Result>,
): Promise<Result> {
  const redactor = createRedactor();
  const log = await createLog({ quiet: options.quiet, verbose: options.verbose, redactor, write: io.stderr });
  const config = await loadConfig(findConfig(options.config, io.env));
  const seconds = options.timeout ?? API_TIME + config.propagation.timeout;
  const stateDirectory = await openStateDirectory(io.env, log.warn);
  const deadline = startDeadline(seconds * 1000, io.stop);
  const accounts = new Map<string, Promise<Account>>();
  const run: Run = {
    config,
    env: io.env,
    log,
    redactor,
    deadline,
    stateDirectory,
    journal: openJournal(stateDirectory, log.warn),
    zones: openZoneCache(stateDirectory),
    authorities: openAuthorityFinder(config, deadline.signal),
    account(name) {
      const opening = accounts.get(name) ?? openAccount(name, run);
      accounts.set(name, opening);
      return opening;
    },
  };
  try {
    return await task(run);
  } catch (error) {
    throw redactError(error, redactor.redact);
  } finally {
    const opened = await Promise.allSettled(accounts.values());
    await Promise.all(opened.map((account) => (account.status === 'fulfilled' ? account.value.close() : undefined)));
  }
}

/** An error leaves the run without its secrets: whoever prints it does not know them. */
function redactError(error: unknown, redact: (text: string) => string): unknown {
  if (!(error instanceof Error)) return error;
  for (const key of ['message', 'stack', 'hint'] as const) {
    const text = (error as unknown as Record<string, unknown>)[key];
    if (typeof text === 'string') Object.defineProperty(error, key, { value: redact(text), configurable: true });
  }
  redactError(error.cause, redact);
  return error;
}
