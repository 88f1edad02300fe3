import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectFailure, OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { openNameserver, type TestNameserver } from '../support/nameserver.ts';
import { PANEL_PASSWORD, type Panels, startPanels, ZONE_KEY } from '../support/panels.ts';

const THIRD_VALUE = '-3333l-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';

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
  await here.configure(`${panels.accounts}${dns.config}propagation: { timeout: 5, interval: 0.1 }\n`);
});
afterEach(async () => {
  await here.expectNoSecret(PANEL_PASSWORD, ZONE_KEY);
  await Promise.all([panels.close(), here.remove(), dns.close()]);
});

const ORDER = ['example.com', 'example.com', 'www.example.ee'];
const certbot = (domain: string, value: string, remaining: number, extra: Record<string, string> = {}) => ({
  env: {
    CERTBOT_DOMAIN: domain,
    CERTBOT_VALIDATION: value,
    CERTBOT_ALL_DOMAINS: ORDER.join(','),
    CERTBOT_REMAINING_CHALLENGES: String(remaining),
    ...extra,
  },
});
const auth = (...call: Parameters<typeof certbot>) => here.run(['hook', 'certbot', 'auth'], certbot(...call));
const cleanup = (...call: Parameters<typeof certbot>) => here.run(['hook', 'certbot', 'cleanup'], certbot(...call));

describe('certbot', () => {
  it('waits once for the whole order, in its last call', async () => {
    dns.hold();
    const first = await auth('example.com', VALUE, 2);
    const second = await auth('example.com', OTHER_VALUE, 1);
    expect([first, second]).toMatchObject([
      { code: 0, stderr: '' },
      { code: 0, stderr: '' },
    ]);
    expect(dns.questions()).toEqual([]);

    const last = auth('www.example.ee', THIRD_VALUE, 0);
    await dns.asked('_acme-challenge.example.com');
    dns.release();
    expect(await last).toMatchObject({ code: 0, stderr: '' });
    expect(new Set(dns.questions())).toEqual(
      new Set(['_acme-challenge.example.com', '_acme-challenge.www.example.ee']),
    );
  });

  it('fails the last call when a value of an earlier one is not shown', async () => {
    await auth('example.com', VALUE, 1);
    await dns.change('_acme-challenge.example.com', VALUE, 'removed');
    const outcome = await auth('example.com', OTHER_VALUE, 0, {});
    expectFailure(outcome, 75, /not shown by every name server after \d+ s: _acme-challenge\.example\.com \(127/);
    expect(outcome.stderr).toMatch(/^dns01: FAILED for _acme-challenge\.example\.com; certbot goes on anyway/m);
  });

  it('gets a handle on stdout that cleanup removes by, and nothing else', async () => {
    const { stdout } = await auth('www.example.ee', VALUE, 0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({ zone: 'example.ee', id: expect.any(String) });
    panels.zoneid.server.takeCalls();
    const lost = { CERTBOT_AUTH_OUTPUT: stdout.trim(), DNS01_STATE_DIR: `${here.directory}/another` };
    expect(await cleanup('www.example.ee', VALUE, 0, lost)).toMatchObject({ code: 0, stdout: '', stderr: '' });
    // What comes back in the environment is only a hint: the record is read before it is deleted.
    expect(panels.zoneid.server.takeCalls()).toEqual(['GET txt', 'DELETE txt']);
  });

  it('removes its own value when certbot brings a stale output of another challenge', async () => {
    const stale = (await auth('example.com', VALUE, 1)).stdout.trim();
    await auth('example.com', OTHER_VALUE, 0);
    expect((await cleanup('example.com', OTHER_VALUE, 0, { CERTBOT_AUTH_OUTPUT: stale })).code).toBe(0);
    expect(panels.ispconfig.held('_acme-challenge.example.com')).toEqual([VALUE]);
  });

  it('is told loudly that it goes on although the hook failed', async () => {
    panels.ispconfig.panel.maintenance = true;
    const outcome = await auth('example.com', VALUE, 0);
    expectFailure(outcome, 75, /account panel \(ispconfig\)/);
    expect(outcome.stdout).toBe('');
    expect(outcome.stderr.split('\n')[0]).toMatch(/^dns01: FAILED for _acme-challenge\.example\.com/);
  });

  it('cleans up after an add that failed: nothing there is a success', async () => {
    expect((await cleanup('example.com', VALUE, 0)).code).toBe(0);
  });

  it('gets valid UTF-8 whatever the provider says', async () => {
    panels.zoneid.server.inject({ kind: 'garbage', call: 'POST txt', effect: 'before', times: 9 });
    const { stderr } = await auth('www.example.ee', VALUE, 0);
    expect(stderr.isWellFormed()).toBe(true);
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('never takes its words for options', async () => {
    expectFailure(
      await here.run(['hook', 'certbot', '--help']),
      64,
      /the hook for certbot was called with "--help"/,
      /certbot auth, certbot cleanup/,
    );
    expectFailure(await here.run(['hook', 'certboot', 'auth']), 64, /there is no hook for "certboot"/, /certbot/);
  });
});
