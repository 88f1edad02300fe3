import type { Command } from 'commander';
import { version } from '../../package.json';
import { createProgram } from '../../src/cli/program.ts';
import { createIo } from '../../src/output/io.ts';
import { literal, mdoc, paragraphs, prose } from './mdoc.ts';

/** When the pages were last changed by hand: the day in their footer. */
const DATE = 'November 21, 2026';

/** A man page for the program and one for each of its commands, from the command line's own table. */
export function manPages(): Record<string, string> {
  const io = createIo({
    env: {},
    stdout: () => {},
    stderr: () => {},
    isTerminal: false,
    stop: new AbortController().signal,
  });
  const program = createProgram(io, version, () => {});
  const verbs = commandsOf(program).filter((command) => command.name() !== 'help');
  const pages = [program, ...verbs].map((command) => [`docs/man/${pageOf(command)}.1`, page(command, verbs)]);
  return Object.fromEntries(pages);
}

const commandsOf = (command: Command): readonly Command[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help');

const fullName = (command: Command): string =>
  command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
const pageOf = (command: Command): string => fullName(command).replaceAll(' ', '-');

function page(command: Command, verbs: readonly Command[]): string {
  const isProgram = command.parent === null;
  const { text, examples } = paragraphs(helpAfter(command));
  const others = isProgram ? verbs.map(pageOf) : ['dns01'];
  return mdoc([
    ['Dd', DATE],
    ['Dt', pageOf(command).toUpperCase(), '1'],
    ['Os'],
    ['Sh', 'NAME'],
    ['Nm', pageOf(command)],
    ['Nd', command.description().replace(/\.$/, '')],
    ['Sh', 'SYNOPSIS'],
    ...synopsis(command),
    ['Sh', 'DESCRIPTION'],
    ...sentence(command.description()),
    ...text,
    ...(commandsOf(command).length > 0 ? [['Sh', 'COMMANDS'], ...commandList(command)] : []),
    ...(optionsOf(command).length > 0 ? [['Sh', 'OPTIONS'], ...optionList(command)] : []),
    ...(isProgram ? FILES : []),
    ...(examples.length > 0 ? [['Sh', 'EXAMPLES'], ...literal(examples)] : []),
    ['Sh', 'SEE ALSO'],
    ...others.sort().map((name, index) => ['Xr', name, '1', ...(index < others.length - 1 ? [','] : [])]),
  ]);
}

const FILES = [
  ['Sh', 'FILES'],
  ['Bl', '-tag', '-width', 'Ds'],
  ['It', 'Pa', '/etc/dns01/config.yaml'],
  'The config.',
  ['It', 'Pa', '/var/lib/dns01'],
  'The state directory of root: the journal and the zone cache.',
  ['El'],
];

function synopsis(command: Command): (string | string[])[] {
  const operands = command.registeredArguments.map((arg) => {
    const name = `${arg.name()}${arg.variadic ? ' ...' : ''}`;
    return arg.required ? ['Ar', name] : ['Op', 'Ar', name];
  });
  const verb =
    commandsOf(command).length > 0
      ? [
          ['Ar', 'command'],
          ['Op', 'Ar', 'argument ...'],
        ]
      : [];
  return [['Nm', fullName(command)], ['Op', 'Ar', 'options'], ...(operands.length > 0 ? operands : verb)];
}

/** Subcommands have no page of their own, so their options are here. */
function commandList(command: Command): (string | string[])[] {
  const isProgram = command.parent === null;
  return [
    ['Bl', '-tag', '-width', 'Ds'],
    ...commandsOf(command).flatMap((each) => [
      ['It', 'Cm', [each.name(), ...each.registeredArguments.map((arg) => arg.name())].join(' ')],
      ...sentence(each.description()),
      ...(isProgram || ownOptions(each).length === 0 ? [] : optionList(each)),
    ]),
    ['El'],
  ];
}

const optionsOf = (command: Command) =>
  command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help');

/** Without the options that all commands have. */
const ownOptions = (command: Command) => {
  const common = new Set(command.parent ? optionsOf(command.parent).map(({ long }) => long) : []);
  return optionsOf(command).filter(({ long }) => !common.has(long));
};

function optionList(command: Command): (string | string[])[] {
  const isSub = command.parent?.parent;
  return [
    ['Bl', '-tag', '-width', 'Ds'],
    ...(isSub ? ownOptions(command) : optionsOf(command)).flatMap(({ long, flags, description }) => {
      const value = /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1];
      return [['It', 'Fl', (long ?? flags).slice(1), ...(value ? ['Ar', value] : [])], ...sentence(description)];
    }),
    ['El'],
  ];
}

/** The text that the command adds after its help. */
function helpAfter(command: Command): string {
  let all = '';
  command
    .configureOutput({
      writeOut: (text) => {
        all += text;
      },
    })
    .outputHelp();
  return all.slice(command.helpInformation().length);
}

const sentence = (text: string): string[] =>
  prose(`${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`);
