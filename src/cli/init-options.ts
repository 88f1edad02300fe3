import { resolve } from 'node:path';
import * as z from 'zod/mini';
import { type Setting, type Settings, setAt, variableOf } from '../accounts/environment-settings.ts';
import { readSecretFile } from '../accounts/secrets.ts';
import { didYouMean } from '../closest.ts';
import { Dns01Error } from '../errors.ts';
import { firstFinding } from '../issues.ts';
import type { ProviderDefinition } from '../provider.ts';

/** `--api-key` for `apiKey`, from the name of its variable: DNS01_API_KEY. */
const flagOf = (variable: string): string => `--${variable.slice('DNS01_'.length).replaceAll('_', '-').toLowerCase()}`;

interface Given {
  readonly type: string;
  readonly settings: Settings;
  readonly warn: (message: string) => void;
  /** Gets every secret that is read, so that it is never printed. */
  readonly keep: (secret: string) => void;
}

/**
 * The options of an account by their paths, from `--url URL`, `--url=URL` and `--token-file FILE`. A secret is only taken
 * from a file, and stays in it, because every user of the machine can read the command lines of processes.
 * @throws E_USAGE for an option that the provider does not have; E_CONFIG for a file that cannot be used
 */
export function accountOptions(words: readonly string[], given: Given): Map<string, unknown> {
  const flags = new Map(given.settings.names.map((name) => [flagOf(name), name]));
  const options = new Map<string, unknown>();
  for (let at = 0; at < words.length; at++) {
    const [, flag = '', , inline] = /^(--[^=]*)(=(.*))?$/s.exec(words[at] ?? '') ?? [];
    if (flag === '')
      throw new Dns01Error('E_USAGE', 'init takes no names, only options', { hint: '--zone ZONE names the zone' });
    const variable = given.settings.find(flags.get(flag) ?? '');
    if (!variable) throw unknownOption(flag, [...flags.keys()], given);
    const { setting, isFile } = variable;
    const key = setting.path.join('.');
    if (setting.isSecret && !isFile) throw exposed(flag);
    const text = inline ?? words[++at];
    if (!text) throw new Dns01Error('E_USAGE', `${flag} needs a value`);
    if (options.has(key)) throw new Dns01Error('E_USAGE', `${flag}: there is more than one value`);
    const fail = (why: string, hint?: string) => new Dns01Error('E_CONFIG', `${flag}: ${why}`, { hint });
    const content = isFile ? readSecretFile(resolve(text), fail, given.warn) : text;
    if (setting.isSecret) given.keep(content);
    options.set(key, setting.isSecret ? { file: resolve(text) } : setting.parse(content));
  }
  return options;
}

/** What has to be given, as a word of the command line. */
export const wordFor = ({ path, isSecret }: Setting): string => {
  const flag = flagOf(variableOf(path));
  return isSecret ? `${flag}-file FILE` : `${flag} VALUE`;
};

/** What the provider's own schema has against this value; undefined where it takes it. */
export function objection(definition: ProviderDefinition, { path, parse }: Setting, text: string): string | undefined {
  const options: Record<string, unknown> = {};
  setAt(options, path, parse(text));
  const issues = z.safeParse(definition.options, options).error?.issues ?? [];
  const own = issues.filter((issue) => path.every((key, index) => issue.path[index] === key));
  return own.length > 0 ? firstFinding(own, options).text : undefined;
}

function unknownOption(flag: string, known: readonly string[], { type }: Given): Dns01Error {
  const hint = `dns01 providers ${type} shows the options`;
  return new Dns01Error('E_USAGE', `${type} has no option ${JSON.stringify(flag)}`, {
    hint: [didYouMean(flag, known), hint].filter(Boolean).join(' '),
  });
}

const exposed = (flag: string): Dns01Error =>
  new Dns01Error('E_USAGE', `${flag} is a secret, and a command line is no place for it`, {
    hint: `write it into a file that only you can read, and name that: ${flag}-file FILE`,
  });
