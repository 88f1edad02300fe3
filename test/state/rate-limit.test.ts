import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDeadline } from '../../src/deadline.ts';
import { openRateLimiter } from '../../src/state/rate-limit.ts';
import { openWorkplace, VALUE } from '../support/cli.ts';
import { startPanels } from '../support/panels.ts';

let stateDirectory: string;
beforeEach(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), 'dns01-rate-limit-'));
});
afterEach(() => rm(stateDirectory, { recursive: true, force: true }));

const limiter = (requests: number, window: number, shared = true) =>
  openRateLimiter({
    limit: { requests, windowMs: window * 1000, per: 'address' },
    owner: 'test',
    stateDirectory: shared ? stateDirectory : undefined,
    info: (message) => said.push(message),
  });
const said: string[] = [];

describe.each([true, false])('a rate limit (kept on disk: %s)', (shared) => {
  it('lets so many requests pass and says how long the next one would wait', async () => {
    const gate = limiter(3, 3600, shared);
    const deadline = startDeadline(2000);
    for (let request = 0; request < 3; request++) await gate.take(deadline);
    await expect(gate.take(deadline)).rejects.toMatchObject({
      code: 'E_RATE',
      message: expect.stringMatching(/allows 3 requests in 3600 s, the next one is only possible in 36\d\d s/),
    });
  });

  it('waits, and says so, when the window ends before the deadline', async () => {
    said.length = 0;
    const gate = limiter(1, 0.2, shared);
    const deadline = startDeadline(10_000);
    await gate.take(deadline);
    await gate.take(deadline);
    expect(said.join()).toContain('1 requests in 0.2 s are allowed: waiting');
  });

  it('obeys a provider that says that less is left than we know of', async () => {
    const gate = limiter(60, 3600, shared);
    const deadline = startDeadline(2000);
    await gate.over(await gate.take(deadline), 1, deadline);
    await gate.take(deadline);
    await expect(gate.take(deadline)).rejects.toMatchObject({ code: 'E_RATE' });
  });

  it('does not count its own requests twice when the provider confirms them', async () => {
    const gate = limiter(3, 3600, shared);
    const deadline = startDeadline(2000);
    for (let request = 1; request <= 3; request++) {
      await gate.over(await gate.take(deadline), 3 - request, deadline);
    }
    await expect(gate.take(deadline)).rejects.toMatchObject({ code: 'E_RATE' });
  });
});

it('a request that took its time to come to the provider counts from then on', async () => {
  const gate = limiter(1, 0.5);
  const deadline = startDeadline(20_000);
  const first = await gate.take(deadline);
  await delay(1200);
  await gate.over(first, undefined, deadline);
  const over = Date.now();
  expect(await gate.take(deadline)).toBeGreaterThanOrEqual(over + 500);
});

it('a rate limit is one for all processes', async () => {
  const first = limiter(2, 3600);
  const second = limiter(2, 3600);
  const deadline = startDeadline(2000);
  await first.take(deadline);
  await second.take(deadline);
  await expect(first.take(deadline)).rejects.toMatchObject({ code: 'E_RATE' });
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

it('what the provider says about coming back counts more than what was counted here', async () => {
  const deadline = startDeadline(20_000);
  const gate = limiter(1, 3600);
  await gate.over(await gate.take(deadline), 0, deadline);
  await gate.comeBackIn(300, deadline);
  const started = Date.now();
  await limiter(1, 3600).take(deadline);
  expect(Date.now() - started).toBeGreaterThanOrEqual(290);
  expect(Date.now() - started).toBeLessThan(3000);
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
