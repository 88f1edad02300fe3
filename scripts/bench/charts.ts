import { drawBars } from './bars.ts';

/** A table of the page as bars. */
interface Chart {
  readonly file: string;
  readonly title: string;
  /** The columns whose cells name a bar; the table is the first one that has all columns of the chart. */
  readonly labels: readonly string[];
  /** Said after each label. */
  readonly unit?: string;
  /** The columns with the numbers, and what each is called. */
  readonly values: Readonly<Record<string, string>>;
  /** Only the rows whose cell is this. */
  readonly only?: readonly [column: string, cell: string];
}

const CHARTS: readonly Chart[] = [
  {
    file: 'bench-start.svg',
    title: 'One command from start to end, ms',
    labels: ['command'],
    values: { 'median ms': 'ms' },
  },
  {
    file: 'bench-requests.svg',
    title: 'Requests to add and remove a name, in a batch of 100',
    labels: ['provider'],
    values: { 'a name': 'requests' },
    only: ['names', '100'],
  },
  {
    file: 'bench-certificate.svg',
    title: 'Seconds of waiting for a certificate',
    labels: ['names'],
    unit: 'names',
    values: { 'the wait': 'dns01', 'waits of a hook that waits for each name': 'a wait for each name' },
  },
  { file: 'bench-fleet.svg', title: 'Names a second', labels: [''], values: { 'names/s': 'names/s' } },
];

interface Charted {
  readonly page: string;
  /** By their file name beside the page. */
  readonly pictures: Readonly<Record<string, string>>;
}

/** The page of benchmarks with a picture below each table that has one. */
export function withCharts(page: string): Charted {
  const pictures: Record<string, string> = {};
  let text = page;
  for (const chart of CHARTS) {
    const table = tablesOf(text).find(({ head }) => columnsOf(chart).every((column) => head.includes(column)));
    if (table === undefined) continue;
    pictures[chart.file] = draw(chart, table);
    if (!text.includes(`](${chart.file})`))
      text = text.replace(table.text, () => `${table.text}\n![${chart.title}](${chart.file})\n`);
  }
  return { page: text, pictures };
}

interface Table {
  /** With the line break of its last line. */
  readonly text: string;
  readonly head: readonly string[];
  readonly rows: readonly Readonly<Record<string, string>>[];
}

const columnsOf = ({ labels, values, only }: Chart): readonly string[] => [
  ...labels,
  ...Object.keys(values),
  ...(only ? [only[0]] : []),
];

function tablesOf(page: string): readonly Table[] {
  return [...page.matchAll(/^(\|.*\|\n)(\|[ :|-]+\|\n)((?:\|.*\|\n)+)/gm)].map(([text, first = '', , rest = '']) => {
    const head = cellsOf(first);
    const rows = rest.trimEnd().split('\n').map(cellsOf);
    return { text, head, rows: rows.map((cells) => Object.fromEntries(cells.map((cell, at) => [head[at], cell]))) };
  });
}

const cellsOf = (line: string): readonly string[] =>
  line
    .trim()
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());

function draw({ title, labels, unit, values, only }: Chart, { rows }: Table): string {
  const shown = rows.filter((row) => !only || row[only[0]] === only[1]);
  return drawBars({
    title,
    series: Object.values(values),
    bars: shown.map((row) => ({
      label: [
        labels
          .map((column) => row[column])
          .join(', ')
          .replaceAll('`', ''),
        unit,
      ]
        .filter(Boolean)
        .join(' '),
      values: Object.keys(values).map((column) => Number.parseFloat((row[column] ?? '').replaceAll(',', ''))),
    })),
  });
}
