/** What a terminal shows in the end, from everything that was written to it: programs move the cursor up to draw again. */
export function screenOf(output: string): string {
  const rows: string[] = [''];
  let [row, column] = [0, 0];
  const lineAt = (index: number): string => rows[index] ?? '';
  for (const [, sequence, final, control, text] of output.matchAll(PIECES)) {
    const count = Number.parseInt(sequence ?? '', 10) || 1;
    if (text !== undefined) {
      rows[row] = lineAt(row).padEnd(column).slice(0, column) + text + lineAt(row).slice(column + text.length);
      column += text.length;
    } else if (control === '\r') column = 0;
    else if (control === '\n') row++;
    else if (final === 'A') row = Math.max(0, row - count);
    else if (final === 'B') row += count;
    else if (final === 'C') column += count;
    else if (final === 'D') column = Math.max(0, column - count);
    else if (final === 'G') column = count - 1;
    else if (final === 'K') rows[row] = sequence === '2' ? '' : lineAt(row).slice(0, column);
    else if (final === 'J') rows.splice(row, rows.length, lineAt(row).slice(0, column));
  }
  return Array.from(rows, (line = '') => line.trimEnd()).join('\n');
}

/** A control sequence, a control character, or text. */
const PIECES = /\u001b\[\??([\d;]*)([A-Za-z])|([\r\n])|([^\u001b\r\n]+)/g;
