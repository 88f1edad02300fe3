import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FaultKind } from '../fakes/fault-server.ts';
import { expectFailure, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { PANEL_PASSWORD, type Panels, startPanels, ZONE_KEY } from '../support/panels.ts';

const NAME = '_acme-challenge.example.com';
const ZONE_NAME = '_acme-challenge.example.ee';
const WRONG_PASSWORD = 'wrong-password-4711';

let panels: Panels;
let here: Workplace;
beforeEach(async () => {
  [panels, here] = await Promise.all([startPanels({ timeout: 0.5 }), openWorkplace()]);
  await here.configure(panels.config);
});
afterEach(async () => {
  await here.expectNoSecret(PANEL_PASSWORD, ZONE_KEY, WRONG_PASSWORD);
  await Promise.all([panels.close(), here.remove()]);
});

describe('a wrong password', () => {
  it('is tried once at ISPConfig', async () => {
    await here.configure(panels.config.replace(JSON.stringify(PANEL_PASSWORD), WRONG_PASSWORD));
    expectFailure(await here.run(['add-txt', NAME, VALUE]), 77, /account panel \(ispconfig\): login/, /./);
    expect(panels.ispconfig.server.takeCalls()).toEqual(['login']);
  });

  it('is tried once at ZoneID', async () => {
    await here.configure(panels.config.replace(ZONE_KEY, WRONG_PASSWORD));
    expectFailure(await here.run(['add-txt', ZONE_NAME, VALUE]), 77, /account zone-eu \(zoneid\)/, /e-mail/);
    expect(panels.zoneid.server.takeCalls()).toEqual(['POST txt']);
  });
});

describe('a zone that nobody owns', () => {
  it('is told with what was looked at, at ISPConfig', async () => {
    await here.configure(panels.config.replace(/zones:\n( .*\n)*/, ''));
    const outcome = await here.run(['add-txt', '--account', 'panel', '_acme-challenge.www.example.net', VALUE]);
    expectFailure(outcome, 68, /www\.example\.net, example\.net, _acme-challenge\.www\.example\.net/);
  });

  it('is told with what was looked at, at ZoneID', async () => {
    await here.configure(panels.config.replace(/zones:\n( .*\n)*/, ''));
    const outcome = await here.run(['add-txt', '--account', 'zone-eu', '_acme-challenge.www.example.net', VALUE]);
    expectFailure(outcome, 68, /www\.example\.net.*example\.net/);
  });
});

const BAD_ANSWERS: readonly [FaultKind, RegExp][] = [
  ['garbage', /7[56]/],
  ['truncated', /7[56]/],
  ['200-html', /76/],
  ['502-html', /75/],
  ['wrong-type', /76/],
  ['empty', /76/],
  ['reset', /75/],
  ['hang', /75/],
];

describe('an API that answers nonsense to every write', () => {
  describe.each(BAD_ANSWERS)('%s', (kind, code) => {
    it('leaves no record at ISPConfig when the write was not done', async () => {
      panels.ispconfig.server.inject({ kind, call: 'dns_txt_add', effect: 'before', times: 50 });
      const outcome = await here.run(['add-txt', '--no-wait', NAME, VALUE]);
      expectFailure(outcome, Number(outcome.code), /account panel \(ispconfig\): dns_txt_add/);
      expect(String(outcome.code)).toMatch(code);
      expect(panels.ispconfig.held(NAME)).toEqual([]);
    });

    it('leaves no record at ZoneID when the write was not done', async () => {
      panels.zoneid.server.inject({ kind, call: 'POST txt', effect: 'before', times: 50 });
      const outcome = await here.run(['add-txt', '--no-wait', ZONE_NAME, VALUE]);
      expectFailure(outcome, Number(outcome.code), /account zone-eu \(zoneid\): POST/);
      expect(String(outcome.code)).toMatch(code);
      expect(panels.zoneid.held(ZONE_NAME)).toEqual([]);
    });

    it('finds the record that was written all the same, once', async () => {
      panels.zoneid.server.inject({ kind, call: 'POST txt', effect: 'after' });
      expect((await here.run(['add-txt', '--no-wait', ZONE_NAME, VALUE])).code).toBe(0);
      expect(panels.zoneid.held(ZONE_NAME)).toEqual([VALUE]);
      expect((await here.run(['remove-txt', ZONE_NAME, VALUE])).code).toBe(0);
      expect(panels.zoneid.held(ZONE_NAME)).toEqual([]);
    });
  });

  it('is told with the server that refuses connections', async () => {
    await panels.zoneid.close();
    expectFailure(
      await here.run(['add-txt', ZONE_NAME, VALUE]),
      75,
      /account zone-eu \(zoneid\): .* refuses connections/,
      /url/,
    );
  });

  it('ends in time when a time limit is given', async () => {
    panels.zoneid.server.inject({ kind: 'hang', call: 'POST txt', effect: 'before', times: 50 });
    const config = panels.config.replaceAll('timeout: 0.5', 'timeout: 60');
    await here.configure(config);
    expectFailure(
      await here.run(['add-txt', '--timeout', '0.5', ZONE_NAME, VALUE]),
      75,
      /before the time limit/,
      /--timeout/,
    );
  });

  it('keeps a value in the journal whose fate is unknown, and only that', async () => {
    panels.zoneid.server.inject({ kind: 'hang', call: 'POST txt', effect: 'after', times: 50 });
    panels.zoneid.server.inject({ kind: 'hang', call: 'GET txt', effect: 'before', times: 50 });
    expect((await here.run(['add-txt', '--no-wait', ZONE_NAME, VALUE])).code).toBe(75);
    panels.ispconfig.rights.delete('dns_txt_add');
    expect((await here.run(['add-txt', '--no-wait', NAME, VALUE])).code).toBe(77);
    const { openJournal } = await import('../../src/state/files/journal.ts');
    const { entriesIn } = await import('../../src/state/journal.ts');
    const entries = await entriesIn(openJournal(here.stateDirectory, () => {}));
    expect(entries).toMatchObject([{ state: 'intent', name: ZONE_NAME, value: VALUE, account: 'zone-eu' }]);
  });
});

describe('--json', () => {
  it('tells a failure as a document, and the exit code stays', async () => {
    await here.configure(panels.config.replace(ZONE_KEY, WRONG_PASSWORD));
    const { code, stdout } = await here.run(['add-txt', '--json', ZONE_NAME, VALUE]);
    expect(code).toBe(77);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'E_AUTH', hint: expect.any(String) } });
  });
});

describe('--verbose', () => {
  it('shows every request, without credentials', async () => {
    const { stderr, stdout } = await here.run([
      'add-txt',
      '--verbose',
      '--log-format',
      'json',
      '--no-wait',
      NAME,
      VALUE,
    ]);
    expect(stdout).toBe(`${NAME}: published through account panel (ispconfig)\n`);
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const calls = lines.filter(({ msg }) => msg === 'http').map(({ call }) => call);
    expect(calls).toEqual(['login', 'dns_zone_get', 'dns_txt_get', 'dns_txt_add', 'logout']);
    await here.expectNoSecret(
      ...panels.ispconfig.server.requests.flatMap(({ body }) => body.match(/(?<="session_id":")\w+/g) ?? []),
    );
  });
});

describe('a process that is told to stop', () => {
  it('says so, logs out and leaves the journal to say what was begun', async () => {
    panels.ispconfig.server.inject({ kind: 'hang', call: 'dns_txt_add', effect: 'after' });
    await here.configure(panels.config.replaceAll('timeout: 0.5', 'timeout: 60'));
    const stopping = here.run(['add-txt', '--no-wait', NAME, VALUE], {
      onStart: async (child) => {
        while (!panels.ispconfig.server.requests.some(({ call }) => call === 'dns_txt_add')) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        child.kill('SIGTERM');
      },
    });
    const outcome = await stopping;
    expect(outcome.code).toBe(143);
    expect(outcome.stderr).toMatch(/^dns01: error: stopped by SIGTERM$/m);
    expect(panels.ispconfig.server.takeCalls().at(-1)).toBe('logout');
    expect((await here.run(['remove-txt', NAME, VALUE])).code).toBe(0);
    expect(panels.ispconfig.held(NAME)).toEqual([]);
  });
});

describe('state files', () => {
  it('hold what is needed to withdraw, and no more', async () => {
    await here.run(['add-txt', '--no-wait', ZONE_NAME, VALUE]);
    const { readdir } = await import('node:fs/promises');
    const [file] = await readdir(`${here.stateDirectory}/journal`);
    const entry = JSON.parse(await readFile(`${here.stateDirectory}/journal/${file}`, 'utf8'));
    const id = String(panels.zoneid.zones.get('example.ee')?.[0]?.id);
    expect(entry).toEqual({
      version: 1,
      state: 'published',
      since: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      name: ZONE_NAME,
      target: ZONE_NAME,
      value: VALUE,
      account: 'zone-eu',
      provider: 'zoneid',
      zone: 'example.ee',
      handle: { zone: 'example.ee', id, proven: true },
    });
    await here.run(['remove-txt', ZONE_NAME, VALUE]);
    expect(await readdir(`${here.stateDirectory}/journal`)).toEqual([]);
  });
});
