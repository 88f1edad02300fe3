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

/** Narrow, with each label above its bars, so that the words can be read on a phone. */
const WIDTH = 440;
const LEFT = 12;
const RIGHT = 380;
const TOP = 40;
const LABEL = 18;
const BAR = 16;
const GAP = 6;

/** Level bars with their numbers; the longest is as wide as the picture allows. */
export function drawBars({ title, series, bars }: Bars): string {
  const most = Math.max(...bars.flatMap(({ values }) => values));
  const group = LABEL + series.length * BAR + GAP;
  const legend = series.length > 1 ? 24 : 0;
  const height = TOP + legend + bars.length * group + 4;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>`,
    `<text class="title" x="${LEFT}" y="24">${escaped(title)}</text>`,
    ...(series.length > 1 ? series.map(legendOf) : []),
    ...bars.flatMap(({ label, values }, index) => {
      const top = TOP + legend + index * group;
      return [
        `<text x="${LEFT}" y="${top + 12}">${escaped(label)}</text>`,
        ...values.flatMap((value, at) => {
          const width = Math.max(1, Math.round((value / most) * (RIGHT - LEFT)));
          const y = top + LABEL + at * BAR;
          return [
            `<rect class="t${at}" x="${LEFT}" y="${y}" width="${width}" height="${BAR - 3}" rx="2"/>`,
            `<text x="${LEFT + width + 6}" y="${y + 11}">${value.toLocaleString('en', { maximumFractionDigits: 3 })}</text>`,
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
  return `<rect class="t${index}" x="${x}" y="${TOP - 4}" width="12" height="12" rx="2"/><text x="${x + 18}" y="${TOP + 6}">${escaped(name)}</text>`;
}
