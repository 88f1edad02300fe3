interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
}

const WIDTH = 720;
const HEIGHT = 360;
const AREA = { left: 64, right: 500, top: 44, bottom: 304 } as const;

/** One colour for each series, on the light and on the dark background. */
const COLOURS = [
  ['#1f6fb4', '#6cb2f0'],
  ['#c2570c', '#f59b58'],
  ['#2f7d32', '#7cc97f'],
  ['#8e3b9e', '#d48be0'],
] as const;

/** The picture has its own background, because it does not know the colours of the page. */
export const STYLE = `
svg { font: 12px sans-serif; fill: #333 }
.page { fill: #fff }
.title { font-size: 14px; font-weight: bold }
.grid { stroke: #ccc; stroke-width: 1 }
.line { fill: none; stroke-width: 2 }
${COLOURS.map(([light], index) => `.s${index} { stroke: ${light} } .t${index} { fill: ${light} }`).join('\n')}
@media (prefers-color-scheme: dark) {
svg { fill: #ddd }
.page { fill: #0d1117 }
.grid { stroke: #555 }
${COLOURS.map(([, dark], index) => `.s${index} { stroke: ${dark} } .t${index} { fill: ${dark} }`).join('\n')}
}`;

/** Both axes are logarithmic: proportional growth is a straight line, a constant cost for each item is level. */
export function drawPlot({ title, x, y, series }: Plot): string {
  const points = series.flatMap((one) => one.points);
  const across = scaleOf(
    points.map(([value]) => value),
    AREA.left,
    AREA.right,
  );
  const up = scaleOf(
    points.map(([, value]) => value),
    AREA.bottom,
    AREA.top,
  );
  const middle = (AREA.left + AREA.right) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}" rx="6"/>`,
    `<text class="title" x="${AREA.left}" y="22">${escaped(title)}</text>`,
    ...across.ticks.flatMap((tick) => {
      const at = across.at(tick);
      return [
        `<path class="grid" d="M${at} ${AREA.top}V${AREA.bottom}"/>`,
        `<text x="${at}" y="${AREA.bottom + 18}" text-anchor="middle">${tick.toLocaleString('en')}</text>`,
      ];
    }),
    ...up.ticks.flatMap((tick) => {
      const at = up.at(tick);
      return [
        `<path class="grid" d="M${AREA.left} ${at}H${AREA.right}"/>`,
        `<text x="${AREA.left - 8}" y="${at + 4}" text-anchor="end">${tick.toLocaleString('en')}</text>`,
      ];
    }),
    `<text x="${middle}" y="${AREA.bottom + 42}" text-anchor="middle">${escaped(x)}</text>`,
    `<text transform="translate(16 ${(AREA.top + AREA.bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`,
    ...series.map((one, index) => {
      const way = one.points.map(([px, py]) => `${across.at(px)} ${up.at(py)}`).join('L');
      return `<path class="line s${index}" d="M${way}"/>`;
    }),
    ...labels(series, up.at),
    '</svg>',
    '',
  ].join('\n');
}

interface Scale {
  /** The position in the picture, rounded to a tenth. */
  at(value: number): number;
  readonly ticks: readonly number[];
}

/** From the first tick at or below the smallest value to the first at or above the largest. */
function scaleOf(values: readonly number[], from: number, to: number): Scale {
  const decades = Math.log10(Math.max(...values) / Math.min(...values));
  const steps = decades > 2 ? [1] : [1, 2, 5];
  const candidates = Array.from({ length: 17 }, (_, index) => steps.map((step) => step * 10 ** (index - 8))).flat();
  const first = candidates.findLastIndex((tick) => tick <= Math.min(...values));
  const last = candidates.findIndex((tick) => tick >= Math.max(...values));
  const ticks = candidates.slice(first, Math.max(last, first + 1) + 1).map((tick) => Number(tick.toPrecision(1)));
  const [low, high] = [Math.log(ticks[0] ?? 1), Math.log(ticks.at(-1) ?? 10)];
  const at = (value: number) => Math.round((from + ((Math.log(value) - low) / (high - low)) * (to - from)) * 10) / 10;
  return { at, ticks };
}

/** The name of each line at its end, moved apart where two lines end at the same height. */
function labels(series: readonly Series[], up: (value: number) => number): string[] {
  const ends = series
    .map(({ name, points }, index) => ({ name, index, at: up(points.at(-1)?.[1] ?? 1) }))
    .sort((a, b) => a.at - b.at);
  let lowest = Number.NEGATIVE_INFINITY;
  return ends.map(({ name, index, at }) => {
    lowest = Math.max(at, lowest + 16);
    return `<text class="t${index}" x="${AREA.right + 8}" y="${lowest + 4}">${escaped(name)}</text>`;
  });
}

export const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
