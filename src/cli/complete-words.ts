import type { Command, Option } from 'commander';
import { providers } from '../../providers/index.ts';
import { wantedZone } from '../check/wanted.ts';
import type { Environment } from '../config/find.ts';
import type { Config } from '../config/load.ts';
import { hookClients } from '../hooks/clients.ts';
import { openConfig } from './open-config.ts';

interface Candidate {
  readonly word: string;
  readonly description: string;
}

/**
 * What the last of the words may become: lines of a candidate, a tab and a description. The candidates are the commands
 * and options of the program, and the accounts and zones of the config.
 */
export async function completeWords(words: readonly string[], program: Command, env: Environment): Promise<string> {
  const place = placeOf(words.slice(0, -1), program);
  const current = words.at(-1) ?? '';
  const candidates = await candidatesAt(place, current, env);
  const fitting = candidates.filter(({ word }) => word.startsWith(current));
  return fitting.map(({ word, description }) => `${word}\t${description}\n`).join('');
}

/** Where the last word stands. */
interface Place {
  readonly command: Command;
  /** The option that the word is the value of. */
  readonly option: Option | undefined;
  /** How many operands stand before it. */
  readonly operands: number;
  /** The value of --config. */
  readonly config: string | undefined;
}

function placeOf(words: readonly string[], program: Command): Place {
  let place: Place = { command: program, option: undefined, operands: 0, config: undefined };
  for (const word of words) {
    const { command, option } = place;
    if (option) {
      place = { ...place, option: undefined, config: option.long === '--config' ? word : place.config };
      continue;
    }
    if (word.startsWith('-')) {
      place = {
        ...place,
        option: optionsOf(command).find((each) => [each.long, each.short].includes(word) && takesValue(each)),
      };
      continue;
    }
    const verb = place.operands === 0 && commandsOf(command).find((each) => each.name() === word);
    place = verb ? { ...place, command: verb } : { ...place, operands: place.operands + 1 };
  }
  return place;
}

const takesValue = ({ required, optional }: Option): boolean => required || optional;

/** Without the hidden ones. */
const commandsOf = (command: Command): readonly Command[] => command.createHelp().visibleCommands(command);

const optionsOf = (command: Command): readonly Option[] => [
  ...command.createHelp().visibleOptions(command),
  ...(command.parent ? optionsOf(command.parent) : []),
];

async function candidatesAt(
  { command, option, operands, config: named }: Place,
  current: string,
  env: Environment,
): Promise<Candidate[]> {
  const config = () => openConfig(named, env, () => {}).catch(() => undefined);
  if (option) return option.argChoices ? plain(option.argChoices) : valuesOf(option.attributeName(), await config());
  if (current.startsWith('-')) {
    const byName = new Map(optionsOf(command).map((each) => [each.long ?? each.flags, each.description]));
    return [...byName].map(([word, description]) => ({ word, description }));
  }
  const args = command.registeredArguments;
  const arg = args[operands] ?? (args.at(-1)?.variadic ? args.at(-1) : undefined);
  const verbs =
    operands > 0 ? [] : commandsOf(command).map((verb) => ({ word: verb.name(), description: verb.description() }));
  if (!arg) return verbs;
  return [...verbs, ...(arg.argChoices ? plain(arg.argChoices) : valuesOf(arg.name(), await config()))];
}

const plain = (words: readonly string[], description = ''): Candidate[] => words.map((word) => ({ word, description }));

/** By what the command line calls an operand or an option. */
function valuesOf(kind: string, config: Config | undefined): Candidate[] {
  const zones = config?.zones ?? [];
  switch (kind) {
    case 'account':
      return Object.entries(config?.accounts ?? {}).map(([word, { provider }]) => ({ word, description: provider }));
    case 'zone':
    case 'names':
    case 'domain':
      return zones.map(({ zone, account }) => ({ word: zone, description: account }));
    case 'name':
      return zones.map(({ zone, account }) => ({ word: wantedZone(zone).challenge, description: account }));
    case 'client':
      return plain(Object.keys(hookClients), 'ACME client');
    case 'type':
      return plain(Object.keys(providers), 'provider');
    default:
      return [];
  }
}
