import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startDeadline } from '../../src/deadline.ts';
import { openRateLimits } from '../../src/state/files/rate-limit.ts';
import { openWorkplace, VALUE } from '../support/cli.ts';
import { startPanels } from '../support/panels.ts';

let stateDirectory: string;
beforeEach(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), 'dns01-rate-limit-'));
});
afterEach(() => rm(stateDirectory, { recursive: true, force: true }));

const limiter = (requests: number, window: number, shared = true) =>
  openRateLimits(shared ? stateDirectory : undefined).open({
    limit: { requests, windowMs: window * 1000, per: 'address' },
    owner: 'test',
    info: () => {},
  });

it('without a state directory, the requests of this process are counted', async () => {
  const gate = limiter(2, 3600, false);
  const deadline = startDeadline(2000);
  await gate.take(deadline);
  await gate.take(deadline);
  await expect(gate.take(deadline)).rejects.toMatchObject({ code: 'E_RATE' });
});

it('a process that finds the rate limit used up waits for it, and says so', async () => {
  const panels = await startPanels({ zoneid: { rateLimit: { requests: 60, window: 60_000 } } });
  const here = await openWorkplace();
  await here.configure(panels.config);
  const run = (host: string) =>
    here.run(['add-txt', '--no-wait', '--timeout', '20', `_acme-challenge.${host}.example.ee`, VALUE]);
  expect((await run('first')).code).toBe(0);
  // The neighbours behind the same address spend the rest of the minute; the next answer says how little is left.
  for (let spent = 0; spent < 57; spent++) await fetch(`${panels.zoneid.url}/dns/example.ee/txt`);
  const both = await Promise.all([run('second'), run('third')]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  const refused = await run('fourth');
  expect(refused.code).toBe(75);
  expect(refused.stderr).toMatch(/allows 60 requests in 60 s, the next one is only possible in \d+ s/);
  expect(panels.zoneid.server.requests).toHaveLength(1 + 57 + 2);
  await Promise.all([panels.close(), here.remove()]);
});

it.each([
  ['requests', { starts: [Date.now() + 94_608_000_000, Date.now() + 94_608_000_000] }],
  ['a pause', { starts: [], pause: { at: Date.now() + 94_608_000_000, waitMs: 400 } }],
])('%s from the future, written before the clock was set back, hold for one window at the most', async (_, count) => {
  const deadline = startDeadline(20_000);
  await limiter(2, 0.5).take(deadline);
  const [file = ''] = await readdir(join(stateDirectory, 'rate-limits'));
  await writeFile(join(stateDirectory, 'rate-limits', file), JSON.stringify(count));
  const started = Date.now();
  await limiter(2, 0.5).take(deadline);
  expect(Date.now() - started).toBeLessThan(2000);
});
