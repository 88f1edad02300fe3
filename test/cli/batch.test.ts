import { afterEach, beforeEach, expect, it } from 'vitest';
import { startUpdateFake } from '../fakes/dns-update.ts';
import { expectFailure, OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { openNameserver, type TestNameserver } from '../support/nameserver.ts';
import { PANEL_PASSWORD, type Panels, startPanels, ZONE_KEY } from '../support/panels.ts';

let panels: Panels;
let here: Workplace;
let dns: TestNameserver;
beforeEach(async () => {
  dns = await openNameserver(['example.com', 'example.ee']);
  here = await openWorkplace();
  panels = await startPanels({
    ispconfig: { onChange: async (_zone, name, _type, value, change) => dns.change(name, value, change) },
    zoneid: { onChange: async (_zone, name, value, change) => dns.change(name, value, change) },
  });
  await here.configure(`${panels.accounts}${dns.config}propagation: { timeout: 2, interval: 0.1 }\n`);
});
afterEach(async () => {
  await here.expectNoSecret(PANEL_PASSWORD, ZONE_KEY);
  await Promise.all([panels.close(), here.remove(), dns.close()]);
});

interface Line {
  readonly action: string;
  readonly name: string;
  readonly value: string;
}
const add = (host: string, value = VALUE): Line => ({ action: 'add', name: `_acme-challenge.${host}`, value });
const remove = (host: string, value = VALUE): Line => ({ ...add(host, value), action: 'remove' });

async function batch(lines: readonly (Line | string)[], ...options: string[]) {
  const input = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
  const outcome = await here.run(['batch', ...options], { input });
  const results = outcome.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return { ...outcome, results };
}

it('does many lines with one login, and gives one result a line in their order', async () => {
  const hosts = Array.from({ length: 12 }, (_, index) => `h${index}.example.${index % 2 ? 'com' : 'ee'}`);
  const { code, results, stderr } = await batch(hosts.map((host) => add(host)));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(results.map(({ name }) => name)).toEqual(hosts.map((host) => `_acme-challenge.${host}`));
  expect(results[1]).toMatchObject({ ok: true, action: 'add', account: 'panel', zone: 'example.com', changed: true });
  const calls = panels.ispconfig.server.takeCalls();
  expect(calls.filter((call) => call === 'login')).toHaveLength(1);
  expect(calls.at(-1)).toBe('logout');
  expect(panels.zoneid.server.takeCalls()).toEqual(hosts.filter((host) => host.endsWith('ee')).map(() => 'POST txt'));

  const cleanup = await batch(hosts.map((host) => remove(host)));
  expect(cleanup.results.every(({ ok, changed }) => ok && changed)).toBe(true);
  expect(hosts.flatMap((host) => panels.ispconfig.held(`_acme-challenge.${host}`))).toEqual([]);
});

it('sends what one zone needs in one call, however long the journal takes', async () => {
  const primary = await startUpdateFake({ zones: ['example.org'] });
  await here.configure(
    JSON.stringify({
      accounts: { primary: { provider: 'rfc2136', server: '127.0.0.1', port: primary.port, tsig: primary.key } },
      zones: { 'example.org': 'primary' },
      dns: { followCnames: false },
    }),
  );
  const hosts = Array.from({ length: 60 }, (_, index) => `h${index}.example.org`);
  // A line that goes nowhere holds nobody up, and a second one must not let the others go early.
  const lost = [add('example.net'), add('example.com')];
  try {
    const added = await batch([...lost, ...hosts.map((host) => add(host))], '--no-wait');
    expect(added.results.map(({ ok }) => ok)).toEqual([...lost.map(() => false), ...hosts.map(() => true)]);
    expect(primary.server.takeCalls()).toHaveLength(1);
    expect(primary.everything()).toHaveLength(60);

    const removed = await batch(hosts.map((host) => remove(host)));
    expect(removed.code, removed.stderr).toBe(0);
    expect(primary.server.takeCalls()).toHaveLength(1);
    expect(primary.everything()).toEqual([]);
  } finally {
    await primary.close();
  }
});

it('waits once for all, and prints no add before it can be seen', async () => {
  dns.hold();
  const running = batch([
    add('a.example.com'),
    add('a.example.com', OTHER_VALUE),
    add('b.example.ee'),
    remove('c.example.ee'),
  ]);
  await dns.asked('_acme-challenge.b.example.ee');
  dns.release();
  const { code, results } = await running;
  expect(code).toBe(0);
  expect(results.map(({ action, waitedMs }) => [action, waitedMs > 0])).toEqual([
    ['add', true],
    ['add', true],
    ['add', true],
    ['remove', false],
  ]);
});

it('says of each value whether it can be seen when the time is up', async () => {
  dns.hold();
  await dns.change('_acme-challenge.b.example.ee', VALUE, 'added');
  dns.release();
  dns.hold();
  const { code, results } = await batch([add('a.example.com'), add('b.example.ee')]);
  expect(code).toBe(75);
  expect(results).toMatchObject([
    { ok: false, error: { code: 'E_PROPAGATION', message: expect.stringContaining('_acme-challenge.a.example.com') } },
    { ok: true, name: '_acme-challenge.b.example.ee' },
  ]);
});

it('goes on after a line that fails, and exits with the code of the first', async () => {
  const outcome = await batch(
    [
      add('a.example.com'),
      '{"action":"add"',
      { ...add('x'), name: 'www.example.com' },
      add('a.example.net'),
      '',
      add('b.example.ee'),
    ],
    '--no-wait',
  );
  expect(outcome.results).toMatchObject([
    { ok: true, name: '_acme-challenge.a.example.com' },
    { ok: false, line: 2, error: { code: 'E_USAGE', hint: expect.stringContaining('a line is') } },
    { ok: false, line: 3, name: 'www.example.com', error: { code: 'E_USAGE' } },
    { ok: false, line: 4, error: { code: 'E_ZONE' } },
    { ok: true, name: '_acme-challenge.b.example.ee' },
  ]);
  expectFailure(outcome, 64, /3 of 5 lines failed; the first: not a line of a batch/);
});

it('tries a wrong password once, however many lines there are', async () => {
  await here.configure(`${panels.accounts.replace(JSON.stringify(PANEL_PASSWORD), 'wrong-password')}${dns.config}`);
  const { code, results } = await batch([add('a.example.com'), add('b.example.com'), add('c.example.com')]);
  expect(code).toBe(77);
  expect(results.map(({ error }) => error.code)).toEqual(['E_AUTH', 'E_AUTH', 'E_AUTH']);
  expect(panels.ispconfig.server.takeCalls()).toEqual(['login']);
});

it('withdraws what the journal knows without asking the DNS', async () => {
  await batch([add('a.example.com'), add('b.example.ee')], '--no-wait');
  const before = dns.count();
  const { results } = await batch([remove('a.example.com'), remove('b.example.ee')]);
  expect(results.map(({ changed }) => changed)).toEqual([true, true]);
  expect(dns.count()).toBe(before);
});

it('writes nothing with --dry-run', async () => {
  const { results } = await batch([add('a.example.com'), remove('b.example.ee')], '--dry-run');
  expect(results).toMatchObject([
    { ok: true, action: 'add', account: 'panel', dryRun: true },
    { ok: true, action: 'remove', account: 'zone-eu', dryRun: true },
  ]);
  expect(panels.zoneid.server.takeCalls()).toEqual([]);
});

it('with nothing to do does nothing', async () => {
  expect(await batch([])).toMatchObject({ code: 0, stdout: '', stderr: '' });
});
