/** One part of the bench: what `npm run bench -- NAME` runs. */
export interface Part {
  readonly title: string;
  /** @param rounds how often whatever can be repeated quickly is repeated */
  run(rounds: number): Promise<Findings>;
}

export interface Findings {
  /** Of the page, in Markdown. */
  readonly lines: readonly string[];
  /** Pictures that the lines show, by the name of their file beside the page. */
  readonly pictures?: Readonly<Record<string, string>>;
}

/** A goal beside what was measured, whichever way it went. */
export function goal(wish: string, measured: string, isMet: boolean): string {
  return `- Goal: ${wish}. Measured: ${measured}: **${isMet ? 'met' : 'missed'}**.`;
}

/** What cannot be measured here is said on stderr and on the page. */
export function leftOut(what: string, why: string): string {
  process.stderr.write(`bench: left out: ${what}: ${why}\n`);
  return `- Left out: ${what}: ${why}.`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
