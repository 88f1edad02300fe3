/** The lines of a message for a person begin so. JSON and questions do not. */
const MESSAGE = /^dns01: /;
const MESSAGE_INDENT = '  ';

/** Between the columns of a row that is too long for one line. */
const GAP = '  ';
const TAB_STOP = 8;

/** Below this width, little room is left for an indent. */
const WIDE_COLUMNS = 60;

/** Messages for a terminal of this width, wrapped between words. */
export const wrapMessages = (text: string, columns: number): string =>
  eachLine(text, (line) => (MESSAGE.test(line) && line.length > columns ? wrapMessage(line, columns) : line));

function wrapMessage(line: string, columns: number): string {
  const [first = '', ...others] = wrapped(line, columns);
  const rest = others.length > 0 ? wrapped(others.join(' '), columns - MESSAGE_INDENT.length) : [];
  return [first, ...rest.map((part) => `${MESSAGE_INDENT}${part}`)].join('\n');
}

/** Rows with tabs between their columns, for a terminal of this width. One that is too long goes on in indented lines. */
export const layOutRows = (text: string, columns: number): string =>
  eachLine(text, (line) => (line.includes('\t') && widthOf(line) > columns ? layOutRow(line, columns) : line));

function layOutRow(row: string, columns: number): string {
  const [first = '', ...cells] = row.split('\t');
  const indent = columns < WIDE_COLUMNS ? GAP : ' '.repeat(first.length + GAP.length);
  const lines: string[] = [];
  let line = first;
  for (const cell of cells) {
    const longer = `${line}${GAP}${cell}`;
    if (longer.length > columns) {
      lines.push(line);
      line = `${indent}${cell}`;
    } else line = longer;
  }
  return [...lines, line].join('\n');
}

function widthOf(row: string): number {
  const cells = row.split('\t');
  const last = cells.pop() ?? '';
  return (
    cells.reduce((width, cell) => width + cell.length + TAB_STOP - ((width + cell.length) % TAB_STOP), 0) + last.length
  );
}

/** Lines of at most so many characters. A longer word keeps a line of its own, so that it can be copied. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

const eachLine = (text: string, change: (line: string) => string): string => text.split('\n').map(change).join('\n');
