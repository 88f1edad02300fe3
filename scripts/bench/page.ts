/**
 * The page with parts that were measured again, each in its place or at the end. The others stay as they are.
 * @param measured the lines of each part, by its title
 * @param machine what the new numbers are from
 */
export function withParts(page: string, measured: ReadonlyMap<string, readonly string[]>, machine: string): string {
  let result = page;
  for (const [title, lines] of measured) {
    const part = ['', `## ${title}`, '', `This part was measured on ${machine}.`, '', ...lines, ''].join('\n');
    const start = result.indexOf(`\n## ${title}\n`);
    const end = start < 0 ? -1 : result.indexOf('\n## ', start + 1);
    const [before, after] = [start < 0 ? result : result.slice(0, start), end < 0 ? '' : result.slice(end)];
    result = `${before}${part}${after}`;
  }
  return result;
}
