/** Writing the language of man pages, mdoc(7). */

/** A line of text, or a macro with its arguments. */
export type Line = string | readonly string[];

export function mdoc(lines: readonly Line[]): string {
  const comment = '.\\" Made by npm run docs from the command line itself. Do not edit.';
  return `${[comment, ...lines.map(asLine)].join('\n')}\n`;
}

const asLine = (line: Line): string =>
  typeof line === 'string'
    ? atStart(escaped(line))
    : `.${line.map((word, index) => (index === 0 ? word : argument(word))).join(' ')}`;

/** A dot or an apostrophe at the start of a line is a macro. */
const atStart = (text: string): string => text.replace(/^([.'])/, '\\&$1');

const escaped = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replace(/[^\n -~]/gu, (letter) => `\\[u${letter.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`);

/** Words that are macros, and punctuation between them, would be read as such. */
function argument(word: string): string {
  const text = escaped(word).replaceAll('"', '\\(dq');
  return /\s/.test(text) ? `"${text}"` : text;
}

export const literal = (lines: readonly string[]): Line[] => [['Bd', '-literal'], ...lines, ['Ed']];

const MAX_LINE = 78;

/** A paragraph: each sentence begins a line, and no line is long. */
export function prose(text: string): string[] {
  const sentences = text
    .replace(/\s+/g, ' ')
    .trim()
    .split(/(?<=[.?!]) (?=[A-Z])/);
  return sentences.flatMap((sentence) => {
    const lines = [''];
    for (const word of sentence.split(' ')) {
      const last = lines.at(-1) ?? '';
      if (last !== '' && last.length + word.length >= MAX_LINE) lines.push(word);
      else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
    }
    return lines;
  });
}

/** The text after a command's help: its examples, and the rest in paragraphs. */
export function paragraphs(help: string): { readonly text: Line[]; readonly examples: string[] } {
  const blocks = help
    .trim()
    .split(/\n{2,}/)
    .filter(Boolean);
  const text: Line[] = [];
  const examples: string[] = [];
  for (const block of blocks) {
    const [first = '', ...rest] = block.split('\n');
    const isList = rest.length > 0 && rest.every((line) => line.startsWith('  '));
    const lines = rest.map((line) => line.slice(2));
    if (isList && /^Examples?:$/.test(first)) examples.push(...lines);
    else if (isList) text.push(['Pp'], ...prose(first), ...literal(lines));
    else text.push(['Pp'], ...prose(block));
  }
  return { text, examples };
}
