import { startDeadline } from '../../src/deadline.ts';
import { openAuthorityFinder } from '../../src/dns/authority.ts';
import { awaitPropagation } from '../../src/dns/barrier.ts';
import { startFakeDns } from '../../test/fakes/dns-server.ts';

const INTERVAL = 1;
const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';

/** Time between the server showing the last value and the end of the wait, for many names at once. */
export async function benchBarrier(): Promise<string[]> {
  const lines = ['| names | overshoot ms | × interval |', '|---|---|---|'];
  for (const names of [1, 10, 100, 1000]) {
    const overshoot = await measure(names);
    lines.push(`| ${names} | ${overshoot.toFixed(0)} | ${(overshoot / (INTERVAL * 1000)).toFixed(2)} |`);
  }
  return lines;
}

async function measure(count: number): Promise<number> {
  const server = await startFakeDns({ zones: [{ name: 'example.com' }] });
  const values = Array.from({ length: count }, (_, index) => ({
    name: `_acme-challenge.n${index}.example.com`,
    value: VALUE,
  }));
  const deadline = startDeadline(60_000);
  const finder = openAuthorityFinder(
    { resolvers: [], nameservers: [{ zone: 'example.com', servers: [server.at] }] },
    deadline.signal,
  );
  let shownAt = 0;
  const showing = setTimeout(() => {
    for (const { name } of values) server.show(name, [VALUE]);
    shownAt = performance.now();
  }, 3700);
  await awaitPropagation(values, finder, { interval: INTERVAL, settle: 2 }, deadline);
  const overshoot = performance.now() - shownAt;
  clearTimeout(showing);
  await server.close();
  return overshoot;
}
