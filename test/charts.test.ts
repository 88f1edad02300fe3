import { expect, it } from 'vitest';
import { withCharts } from '../scripts/bench/charts.ts';

const PAGE = `# Benchmarks

| another | table |
| --- | --- |
| 1 | 2 |

## Fleet

|  | names/s | × |
| --- | --- | --- |
| one gateway | 1,098 | 1.00 |
| three gateways | 163 (150 to 170) | 0.15 |

- Goal: met.
`;

it('a table of the benchmarks gets its picture once, whatever other tables there are', () => {
  const first = withCharts(PAGE);
  expect(first.page.replace('\n![Names a second](bench-fleet.svg)\n', '')).toBe(PAGE);
  expect(first.page).toContain('| 0.15 |\n\n![Names a second](bench-fleet.svg)\n\n- Goal: met.');
  const picture = first.pictures['bench-fleet.svg'];
  expect(picture).toContain('>three gateways</text>');
  expect(picture).toContain('>163</text>');
  expect(picture).toContain('>1,098</text>');
  expect(withCharts(first.page)).toEqual(first);
});
