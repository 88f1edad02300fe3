import { startDeadline } from '../../src/deadline.ts';
import { openAuthorityFinder } from '../../src/dns/authority.ts';
import { checkPropagation } from '../../src/dns/propagation.ts';
import { normaliseName } from '../../src/names.ts';
import { ZONE } from './accounts.ts';
import { startFakeProcess } from './fakes.ts';
import { spread } from './numbers.ts';
import { type Findings, goal, type Part, table } from './part.ts';
import { namesIn, VALUE } from './place.ts';

/** Seconds. */
const INTERVAL_S = 1;
/** Milliseconds after which the pauses are at the full interval. */
const STEADY_MS = 3000;

const GOAL = 1.1;

/** The time from when the last server shows the last value to the end of the wait. */
export const propagation: Part = {
  title: 'The wait',
  async run(rounds): Promise<Findings> {
    const repeats = Math.min(rounds, 5);
    const measured: (readonly [names: number, overshoots: readonly number[]])[] = [];
    for (const names of [1, 10, 100, 1000]) {
      const overshoots: number[] = [];
      for (let round = 0; round < repeats; round++) {
        // Each time at another moment between two rounds of queries.
        overshoots.push(await overshootOf(names, STEADY_MS + (round / repeats) * INTERVAL_S * 1000));
      }
      measured.push([names, overshoots]);
    }
    const share = (milliseconds: number) => (milliseconds / (INTERVAL_S * 1000)).toFixed(2);
    return {
      lines: [
        'From the moment when the last name server shows the last value to the end of the wait, which queries every',
        `${INTERVAL_S} s; ${repeats} times each, at moments spread over the interval.`,
        '',
        ...table(
          ['names', 'median ms', 'min', 'max', 'max × interval'],
          measured.map(([names, list]) => [String(names), ...spread(list), share(Math.max(...list))]),
        ),
        '',
        goal(
          'the wait ends within one interval and 10 %',
          measured.map(([names, list]) => `at most ${share(Math.max(...list))} for ${names}`).join(', '),
          measured.every(([, list]) => Math.max(...list) <= GOAL * INTERVAL_S * 1000),
        ),
      ],
    };
  },
};

/** @param delay milliseconds from the beginning of the wait until the values are shown */
async function overshootOf(count: number, delay: number): Promise<number> {
  const server = await startFakeProcess('dns');
  const names = namesIn(ZONE, count).map(normaliseName);
  const deadline = startDeadline(60_000);
  const nameservers = [{ zone: normaliseName(ZONE), servers: [server.ready.at ?? ''] }];
  const finder = openAuthorityFinder({ resolvers: [], nameservers }, deadline.signal);
  const values = names.map((name) => ({ name, value: VALUE }));
  try {
    const shown = new Promise<number>((resolve, reject) => {
      setTimeout(() => {
        server.ask({ show: { names, value: VALUE } }).then(({ now = Number.NaN }) => resolve(now), reject);
      }, delay);
    });
    const ended = checkPropagation(values, finder, { interval: INTERVAL_S, settle: 2 }, deadline).then(() =>
      Date.now(),
    );
    const [shownAt, endedAt] = await Promise.all([shown, ended]);
    return endedAt - shownAt;
  } finally {
    await server.close();
  }
}
