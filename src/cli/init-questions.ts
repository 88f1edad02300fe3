import type { Key } from 'node:readline';
import { autocomplete, confirm, isCancel, password, select, text } from '@clack/prompts';
import { loadAllProviders } from '../../providers/index.ts';
import type { Setting } from '../accounts/environment-settings.ts';
import { type Wanted, wantedName } from '../check/wanted.ts';
import { optionRows } from '../config/option-rows.ts';
import { asDns01Error } from '../errors.ts';
import { oneColumn } from '../output/text.ts';
import type { ProviderDefinition } from '../provider.ts';
import type { Client } from './client-lines.ts';
import { objection } from './init-options.ts';

/** Thrown where somebody ends the questions. */
export const CANCELLED = Symbol('cancelled');

/** The questions that `init` asks on a terminal. Each throws CANCELLED. */
export interface Questions {
  domain(): Promise<Wanted>;
  /** @param proposed by the name servers of the zone */
  provider(proposed: ProviderDefinition | undefined, servers: readonly string[]): Promise<ProviderDefinition>;
  option(definition: ProviderDefinition, setting: Setting): Promise<string>;
  /** Which of the secrets there is, where the provider takes one of several. */
  secret(definition: ProviderDefinition, settings: readonly Setting[]): Promise<Setting | undefined>;
  client(installed: readonly Client[]): Promise<Client>;
  /** Yes or no; no where somebody only presses Enter. */
  confirm(question: string): Promise<boolean>;
}

const MAX_ROWS = 8;

/** The questions go to stderr, so that stdout has the result alone. */
export function openQuestions(signal: AbortSignal): Questions {
  // Node ends its line at Ctrl-D, and the prompt would never answer.
  const left = new AbortController();
  process.stdin.on('keypress', (_, key: Key) => key.ctrl && key.name === 'd' && left.abort());
  const ending = AbortSignal.any([signal, left.signal]);
  const common = { input: process.stdin, output: process.stderr, signal: ending };
  async function answered<Answer>(prompt: Promise<Answer>): Promise<Exclude<Answer, symbol>> {
    const answer = await prompt;
    if (isCancel(answer) || ending.aborted) throw CANCELLED;
    return answer as Exclude<Answer, symbol>;
  }
  return {
    async domain() {
      const message = 'Which domain do you want a certificate for?';
      const validate = (name = '') => complaintOf(() => wantedName(name));
      return wantedName(await answered(text({ ...common, message, placeholder: 'example.com', validate })));
    },
    async provider(proposed, servers) {
      const all = await loadAllProviders();
      const ordered = [...all].sort((a, b) => Number(b === proposed) - Number(a === proposed));
      const message = proposed
        ? `Who holds the zone? Its name servers are those of ${proposed.title} (${oneColumn(servers[0] ?? '')}).`
        : 'Who holds the zone? Type to search.';
      const options = ordered.map(({ type, title }) => ({ value: type, label: title, hint: type }));
      const initial = proposed ? { initialValue: proposed.type } : {};
      const chosen = await answered(autocomplete({ ...common, message, options, maxItems: MAX_ROWS, ...initial }));
      const definition = all.find(({ type }) => type === chosen);
      if (!definition) throw CANCELLED;
      return definition;
    },
    option(definition, setting) {
      const message = `${definition.title}: ${describe(definition, setting)}`;
      const validate = (answer = '') => (answer === '' ? 'is needed' : objection(definition, setting, answer));
      return answered(
        setting.isSecret ? password({ ...common, message, validate }) : text({ ...common, message, validate }),
      );
    },
    async secret(definition, settings) {
      const options = settings.map((setting) => ({
        value: setting.path.join('.'),
        label: describe(definition, setting),
      }));
      const message = `${definition.title}: what do you log in with?`;
      const none = { value: '', label: 'none' };
      const chosen = await answered(select({ ...common, message, options: [...options, none] }));
      return settings.find(({ path }) => path.join('.') === chosen);
    },
    client(installed) {
      const options = installed.map((value) => ({ value, label: value }));
      return answered(select<Client>({ ...common, message: 'Which ACME client gets the certificate?', options }));
    },
    confirm: (message) => answered(confirm({ ...common, message, initialValue: false })),
  };
}

/** Its name, and what the provider says about it. */
function describe(definition: ProviderDefinition, { path }: Setting): string {
  const name = path.join('.');
  const row = optionRows(definition).own.find((each) => each.name === name);
  return row?.description ? `${name}, ${row.description}` : name;
}

function complaintOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return asDns01Error(error).message;
  }
}
