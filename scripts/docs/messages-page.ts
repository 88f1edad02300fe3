import { readFileSync } from 'node:fs';
import { EXIT_CODES } from '../../src/errors.ts';
import type { ProviderDefinition } from '../../src/provider.ts';
import { type Message, readMessages } from './read-messages.ts';

const GENERATED = '<!-- Made by `npm run docs` from the code. Do not edit. -->';

const INTRO = `# Messages

Each error of dns01 with what to do, by its exit code. A run puts names, zones and addresses where \`…\` stands, and the account
and the zone before the message. Some messages repeat what the provider or the system says: these are not here.
[Troubleshooting](troubleshooting.md) says where to begin.`;

/** All messages of the code, under the exit codes and meanings that docs/commands.md has. */
export function messagesPage(root: string, definitions: readonly ProviderDefinition[]): string {
  const titles = new Map(definitions.map(({ type, title }) => [type, title]));
  const messages = readMessages(root);
  const meanings = meaningsOf(readFileSync(`${root}docs/commands.md`, 'utf8'));
  const sections = [...new Set<number>(Object.values(EXIT_CODES))].map((exitCode) => {
    const rows = messages
      .filter(({ code }) => (EXIT_CODES as Readonly<Record<string, number>>)[code] === exitCode)
      .map((message) => row(message, titles));
    const table = [...new Set(rows)].sort((a, b) => a.localeCompare(b, 'en'));
    return `## Exit code ${exitCode}\n\nMeaning: ${meanings.get(exitCode)}.\n\n| message | what to do | provider |\n|---|---|---|\n${table.join('\n')}`;
  });
  return `${GENERATED}\n\n${[INTRO, ...sections].join('\n\n')}\n`;
}

function row({ text, hint = '', provider }: Message, titles: ReadonlyMap<string, string>): string {
  const title = titles.get(provider ?? '');
  const cells = [
    `\`${text.replaceAll('`', "'")}\``,
    escaped(hint),
    title ? `[${title}](providers/${provider}.md)` : '',
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}

const escaped = (text: string): string => text.replaceAll(/[\\`*_<>[\]]/g, (sign) => `\\${sign}`);

function meaningsOf(commands: string): ReadonlyMap<number, string> {
  return new Map([...commands.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map(([, code, text = '']) => [Number(code), text]));
}
