import { type Setting, settingsOf } from '../accounts/environment-settings.ts';
import type { FoundAccount } from '../import/accounts.ts';
import type { Io } from '../output/io.ts';
import type { ProviderDefinition } from '../provider.ts';
import { accountOptions, wordFor } from './init-options.ts';
import { missing } from './init-place.ts';
import type { Questions } from './init-questions.ts';

/**
 * An account of the provider, from the command line and questions about what the provider's schema needs beside that.
 * @throws E_USAGE where something is missing and nobody can be asked
 */
export async function makeAccount(
  definition: ProviderDefinition,
  { words, quiet }: { readonly words: readonly string[]; readonly quiet: boolean },
  io: Io,
  questions: Questions | undefined,
): Promise<FoundAccount> {
  const { type } = definition;
  const settings = settingsOf(definition);
  const warn = (message: string) => (quiet ? undefined : io.stderr(`dns01: warning: ${message}\n`));
  const options = accountOptions(words, { type, settings, warn, keep: io.redactor.keep });
  const secrets = new Map<string, string>();
  const isOpen = ({ path }: Setting) => !options.has(path.join('.'));
  const needed = settings.all.filter((setting) => setting.required === 'always' && isOpen(setting));
  if (!questions) {
    if (needed.length > 0) throw missing(needed.map(wordFor).join(', '), `dns01 providers ${type} shows what they are`);
    return { provider: type, options, secrets, from: 'the options', certificates: [] };
  }
  for (const setting of needed) await ask(setting);
  // Some providers take one of several secrets, or none.
  const optional = settings.all.filter(({ isSecret, required }) => isSecret && required === undefined);
  const isOneOf = !settings.all.some(({ isSecret, required }) => isSecret && required === 'always');
  if (isOneOf && optional.length > 0 && optional.every(isOpen)) {
    const chosen = await questions.secret(definition, optional);
    const isUser = ({ path, required }: Setting) => path.join('.') === 'username' && required === undefined;
    const user = chosen?.path.at(-1) === 'password' && settings.all.filter(isOpen).find(isUser);
    if (user) await ask(user);
    if (chosen) await ask(chosen);
  }
  return { provider: type, options, secrets, from: 'your answers', certificates: [] };

  async function ask(setting: Setting): Promise<void> {
    const answer = await questions?.option(definition, setting);
    const key = setting.path.join('.');
    if (answer === undefined) return;
    if (setting.isSecret) {
      io.redactor.keep(answer);
      secrets.set(key, answer);
    } else options.set(key, setting.parse(answer));
  }
}
