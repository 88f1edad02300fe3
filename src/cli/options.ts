import type { Command } from 'commander';
import * as z from 'zod/mini';
import { Dns01Error } from '../errors.ts';

const text = z.optional(z.string());
const flag = z._default(z.boolean(), false);

const commonSchema = z.object({
  config: text,
  account: text,
  zone: text,
  json: flag,
  quiet: flag,
  verbose: flag,
  dryRun: flag,
  timeout: z.optional(z.coerce.number().check(z.positive(), z.maximum(86_400))),
});

/** The options that every verb takes. `timeout` is in seconds. */
export type CommonOptions = z.output<typeof commonSchema>;

/** Let a command take the common options: they may stand before or after the verb. */
export function addCommonOptions(command: Command): Command {
  return command
    .option('--config <FILE>', 'the config file to use')
    .option('--account <NAME>', 'the account to use, whatever zones: says')
    .option('--zone <ZONE>', 'the zone that holds the name, so that it need not be looked for')
    .option('--json', 'print the result, or the error, as one JSON document')
    .option('--quiet', 'no warnings and no progress, only errors')
    .option('--verbose', 'show every request on stderr')
    .option('--dry-run', 'say what would be done and to whom, write nothing')
    .option('--timeout <SECONDS>', 'time for everything together');
}

/** @throws E_USAGE */
export function commonOptions(command: Command): CommonOptions {
  const parsed = z.safeParse(commonSchema, command.optsWithGlobals());
  if (parsed.success) return parsed.data;
  throw new Dns01Error('E_USAGE', '--timeout takes a number of seconds above 0, at most 86400');
}
