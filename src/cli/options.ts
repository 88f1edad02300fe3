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
  logFormat: z.optional(z.enum(['text', 'json'])),
  dryRun: flag,
  timeout: z.optional(z.coerce.number().check(z.positive(), z.maximum(86_400))),
});

/** The options that every verb takes. `timeout` is in seconds. */
export type CommonOptions = z.output<typeof commonSchema>;

/** Adds the common options to a command. They may stand before or after the verb. */
export function addCommonOptions(command: Command): Command {
  return command
    .option('--config <FILE>', 'the config file to use')
    .option('--account <NAME>', 'the account to use; overrides zones: in the config')
    .option('--zone <ZONE>', 'the zone that holds the name; dns01 then does not search for it')
    .option('--json', 'print the result or the error as JSON')
    .option('--quiet', 'print errors only, no warnings and no progress')
    .option('--verbose', 'print every request, DNS query and program to stderr, with times')
    .option('--log-format <FORMAT>', 'text, or json for programs: the form of what goes to stderr')
    .option('--dry-run', 'show what would change, change nothing (not for hook and serve)')
    .option('--timeout <SECONDS>', 'time limit for the whole run');
}

/** @throws E_USAGE */
export function commonOptions(command: Command): CommonOptions {
  const parsed = z.safeParse(commonSchema, command.optsWithGlobals());
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues[0]?.path[0];
  throw new Dns01Error(
    'E_USAGE',
    wrong === 'logFormat'
      ? '--log-format and DNS01_LOG_FORMAT take text or json'
      : '--timeout takes a number of seconds above 0, at most 86400',
  );
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Converts `90s`, `30m`, `12h`, `1d`, `2w` or plain seconds to seconds. @throws E_USAGE */
export function parseDuration(text: string, option: string): number {
  const [, number, unit = 's'] = /^(\d{1,9})([smhdw])?$/.exec(text.trim()) ?? [];
  if (number === undefined) {
    throw new Dns01Error('E_USAGE', `${option} takes a time like 12h or 1d, not "${text}"`);
  }
  return Number(number) * (UNITS[unit] ?? 1);
}

/** Verbs whose last operand is a value. */
const VERBS_WITH_VALUE = new Set(['add-txt', 'remove-txt', 'wait-txt']);

/**
 * One in 64 challenge values begins with a dash. It is a value all the same, and must never be read as an option: a
 * value that begins with `-h` would print the help and exit 0 with no record published. Such an operand is moved behind
 * a `--`.
 */
export function protectDashValues(argv: readonly string[]): string[] {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const isValue = (arg: string) => /^-[A-Za-z0-9_-]{42}$/.test(arg);
  const values = argv.slice(0, end).filter(isValue);
  if (values.length === 0 || !argv.some((arg) => VERBS_WITH_VALUE.has(arg))) return [...argv];
  const others = argv.slice(0, end).filter((arg) => !isValue(arg));
  return [...others, '--', ...argv.slice(end + 1), ...values];
}

/** A verb whose caller would take its silence for success. */
export function noDryRun(verb: string): Dns01Error {
  return new Dns01Error('E_USAGE', `${verb} has no --dry-run`, {
    hint: 'dns01 add-txt --dry-run NAME VALUE shows where a value would go',
  });
}
