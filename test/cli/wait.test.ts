import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { createIo } from '../../src/output/io.ts';
import { expectFailure, OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { openNameserver, type TestNameserver } from '../support/nameserver.ts';
import { type Panels, startPanels } from '../support/panels.ts';

const NAME = '_acme-challenge.example.com';

let panels: Panels;
let here: Workplace;
let dns: TestNameserver;
let config: string;
beforeEach(async () => {
  dns = await openNameserver(['example.com']);
  here = await openWorkplace();
  panels = await startPanels({
    ispconfig: { onChange: async (_zone, name, _type, value, change) => dns.change(name, value, change) },
  });
  config = await here.configure(`${panels.accounts}${dns.config}propagation: { timeout: 2, interval: 0.1 }\n`);
});
afterEach(() => Promise.all([panels.close(), here.remove(), dns.close()]));

describe('add-txt', () => {
  it('returns only when the name servers show the value', async () => {
    dns.hold();
    const adding = here.run(['add-txt', '--json', NAME, VALUE]);
    await dns.asked(NAME);
    dns.release();
    const { code, stdout, stderr } = await adding;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout).waitedMs).toBeGreaterThan(0);
  });

  it('says when time ran out which server answered what, and that the value stays', async () => {
    dns.hold();
    await dns.change(NAME, OTHER_VALUE, 'added');
    const outcome = await here.run(['add-txt', NAME, VALUE]);
    const message =
      /published, but not shown by every name server after \d+ s: _acme-challenge\.example\.com \(127\.0\.0\.1:\d+ /;
    expectFailure(outcome, 75, message, /the value stays: wait again with wait-txt, or withdraw it with remove-txt/);
    expect(panels.ispconfig.held(NAME)).toEqual([VALUE]);
  });
});

describe('wait-txt', () => {
  it('finds the value among others, without asking the provider', async () => {
    await dns.change(NAME, OTHER_VALUE, 'added');
    await dns.change(NAME, VALUE, 'added');
    const { code, stdout } = await here.run(['wait-txt', NAME, VALUE]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^_acme-challenge\.example\.com: shown by every name server after \d+\.\d s\n$/);
    expect(panels.ispconfig.server.requests).toEqual([]);
  });

  it('gives up at its time limit', async () => {
    await dns.change(NAME, OTHER_VALUE, 'added');
    const outcome = await here.run(['wait-txt', '--timeout', '0.5', NAME, VALUE]);
    expectFailure(
      outcome,
      75,
      /_acme-challenge\.example\.com \(127\.0\.0\.1:\d+ has 1 other value\)/,
      /propagation\.timeout/,
    );
  });
});

describe('whoever watches', () => {
  async function watch(isTerminal: boolean, ...options: string[]) {
    await dns.change(NAME, VALUE, 'added');
    const seen: string[] = [];
    const io = createIo({
      env: { DNS01_CONFIG: config, DNS01_STATE_DIR: here.stateDirectory },
      stdout: () => {},
      stderr: (text) => void seen.push(text),
      isTerminal,
      stop: new AbortController().signal,
    });
    const code = await main(['wait-txt', ...options, NAME, VALUE], io);
    expect(code).toBe(0);
    return seen.join('');
  }

  it('sees on a terminal how many servers show it, in a line that is gone at the end', async () => {
    const stderr = await watch(true);
    expect(stderr).toMatch(/waiting \d s, \d s left \[#{10}\] 1 of 1 show it/);
    expect(stderr.endsWith('\r\u001b[K')).toBe(true);
  });

  it('sees nothing elsewhere, and nothing with --quiet', async () => {
    expect(await watch(false)).toBe('');
    expect(await watch(true, '--quiet')).toBe('');
  });
});
