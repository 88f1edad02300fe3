import type { Finding } from '../check/finding.ts';
import { coloured, type Meaning } from '../output/colour.ts';
import { wrapped } from '../output/terminal-text.ts';

export interface FindingLayout {
  /** Of the terminal; undefined: lines are not wrapped. */
  readonly columns: number | undefined;
  readonly hasColour: boolean;
  /** The length of a mark with the blanks behind it. */
  readonly margin: number;
}

/** Below this width the marks are short. */
const WIDE_COLUMNS = 60;

const SHORT_MARKS = { good: 'ok', info: '--', warning: 'warn', bad: 'BAD' } as const;
const SHORT_MARGIN = 5;

const MEANINGS = { good: 'good', info: 'minor', warning: 'warning', bad: 'bad' } as const satisfies Record<
  Finding['level'],
  Meaning
>;

/** A finding for a terminal: the mark in colour, the text and the hint beside it, wrapped between words. */
export function dressFinding(level: Finding['level'], text: string, layout: FindingLayout): string {
  const { columns = Number.POSITIVE_INFINITY, margin, hasColour } = layout;
  const isNarrow = columns < WIDE_COLUMNS;
  const [first = '', ...others] = text.trimEnd().split('\n');
  const mark = isNarrow ? SHORT_MARKS[level].padEnd(SHORT_MARGIN) : first.slice(0, margin);
  const indent = ' '.repeat(mark.length);
  const width = columns - mark.length;
  const said = wrapped(first.slice(margin), width);
  const hint = others.flatMap((line) => wrapped(line.startsWith(' ') ? line.trimStart() : line, width));
  const paint = (meaning: Meaning, part: string) => (hasColour && part !== '' ? coloured(meaning, part) : part);
  const lines = [
    `${paint(MEANINGS[level], mark)}${said[0] ?? ''}`,
    ...said.slice(1).map((line) => `${indent}${line}`),
    ...hint.map((line) => `${indent}${paint('hint', line)}`),
  ];
  return `${lines.join('\n')}\n`;
}
