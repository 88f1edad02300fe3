import { escaped, STYLE } from './plot.ts';

interface Bar {
  readonly label: string;
  /** One for each name in `series`. */
  readonly values: readonly number[];
}

interface Bars {
  readonly title: string;
  /** What the bars of a label are, if there is more than one. */
  readonly series: readonly string[];
  readonly bars: readonly Bar[];
}

const WIDTH = 720;
const LEFT = 250;
const RIGHT = 640;
const TOP = 40;
const BAR = 14;
const GAP = 8;

/** Level bars with their numbers; the longest is as wide as the picture allows. */
export function drawBars({ title, series, bars }: Bars): string {
  const most = Math.max(...bars.flatMap(({ values }) => values));
  const group = series.length * BAR + GAP;
  const legend = series.length > 1 ? 24 : 0;
  const height = TOP + legend + bars.length * group + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>`,
    `<text class="title" x="16" y="24">${escaped(title)}</text>`,
    ...(series.length > 1 ? series.map(legendOf) : []),
    ...bars.flatMap(({ label, values }, index) => {
      const top = TOP + legend + index * group;
      const middle = top + (values.length * BAR) / 2 + 4;
      return [
        `<text x="${LEFT - 8}" y="${middle}" text-anchor="end">${escaped(label)}</text>`,
        ...values.flatMap((value, at) => {
          const width = Math.max(1, Math.round((value / most) * (RIGHT - LEFT)));
          const y = top + at * BAR;
          return [
            `<rect class="t${at}" x="${LEFT}" y="${y}" width="${width}" height="${BAR - 2}" rx="2"/>`,
            `<text x="${LEFT + width + 6}" y="${y + 10}">${value.toLocaleString('en', { maximumFractionDigits: 3 })}</text>`,
          ];
        }),
      ];
    }),
    '</svg>',
    '',
  ].join('\n');
}

/** Under the title, one line for all. */
function legendOf(name: string, index: number): string {
  const x = LEFT + index * 190;
  return `<rect class="t${index}" x="${x}" y="${TOP}" width="12" height="12" rx="2"/><text x="${x + 18}" y="${TOP + 10}">${escaped(name)}</text>`;
}
