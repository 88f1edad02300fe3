/** One part of the benchmark: `npm run bench -- NAME` runs it. */
export interface Part {
  readonly title: string;
  /** @param rounds how often each quick measurement is repeated */
  run(rounds: number, size: Size): Promise<Findings>;
}

/** A smaller run of the parts that take long; by default the size that the page shows. */
export interface Size {
  readonly names?: number | undefined;
  readonly clients?: number | undefined;
}

export interface Findings {
  /** Lines of the page, in Markdown. */
  readonly lines: readonly string[];
  /** Pictures that the lines show, by their file name beside the page. */
  readonly pictures?: Readonly<Record<string, string>>;
}

/** A goal with its measurement, met or missed. */
export function goal(expected: string, measured: string, isMet: boolean): string {
  return `- Goal: ${expected}. Measured: ${measured}: **${isMet ? 'met' : 'missed'}**.`;
}

/** A measurement that is not possible here, for stderr and the page. */
export function leftOut(what: string, why: string): string {
  process.stderr.write(`bench: left out: ${what}: ${why}\n`);
  return `- Left out: ${what}: ${why}.`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
