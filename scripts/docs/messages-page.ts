import { readFileSync } from 'node:fs';
import { EXIT_CODES } from '../../src/errors.ts';
import type { ProviderDefinition } from '../../src/provider.ts';
import { type Message, readMessages } from './read-messages.ts';

const GENERATED = '<!-- Made by `npm run docs` from the code. Do not edit. -->';

const INTRO = `# Messages

Every error message of dns01, and what to do about it, by exit code. A run puts names, zones and addresses in place of \`…\`, and the
account and the zone before the message. What a provider or the system says itself is not listed. Read
[troubleshooting](troubleshooting.md) first if you do not know where to begin.`;

/** All messages of the code, under the exit codes and meanings that docs/commands.md has. */
export function messagesPage(root: string, definitions: readonly ProviderDefinition[]): string {
  const titles = new Map(definitions.map(({ type, title }) => [type, title]));
  const messages = readMessages(root);
  const meanings = meaningsOf(readFileSync(`${root}docs/commands.md`, 'utf8'));
  const sections = [...new Set<number>(Object.values(EXIT_CODES))].map((exitCode) => {
    const items = messages
      .filter(({ code }) => (EXIT_CODES as Readonly<Record<string, number>>)[code] === exitCode)
      .map((message) => item(message, titles));
    const list = [...new Set(items)].sort((one, other) => one.localeCompare(other, 'en'));
    return `## Exit code ${exitCode}\n\nMeaning: ${meanings.get(exitCode)}.\n\n${list.join('\n')}`;
  });
  return `${GENERATED}\n\n${[INTRO, ...sections].join('\n\n')}\n`;
}

/** The message, and what to do on a line of its own. */
function item({ text, hint, provider }: Message, titles: ReadonlyMap<string, string>): string {
  const title = titles.get(provider ?? '');
  const from = title ? ` ([${title}](providers/${provider}.md))` : '';
  return `- \`${oneLine(text).replaceAll('`', "'")}\`${from}${hint ? `\\\n  ${escaped(oneLine(hint))}` : ''}`;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

const escaped = (text: string): string => text.replaceAll(/[\\`*_<>[\]]/g, (sign) => `\\${sign}`);

function meaningsOf(commands: string): ReadonlyMap<number, string> {
  return new Map([...commands.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map(([, code, text = '']) => [Number(code), text]));
}
