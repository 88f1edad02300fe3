import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectFailure, OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { openNameserver, type TestNameserver } from '../support/nameserver.ts';
import { PANEL_PASSWORD, type Panels, startPanels, ZONE_KEY } from '../support/panels.ts';
import { until } from '../support/until.ts';

const NAME = '_acme-challenge.example.com';
const WWW = '_acme-challenge.www.example.com';
const DASH = `-h${VALUE.slice(2)}`;

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
  await here.configure(`${panels.accounts}${dns.config}propagation: { timeout: 1, interval: 0.1 }\n`);
});
afterEach(async () => {
  await here.expectNoSecret(PANEL_PASSWORD, ZONE_KEY);
  await Promise.all([panels.close(), here.remove(), dns.close()]);
});
const hook = (...args: string[]) => here.run(['hook', ...args]);
const silent = { code: 0, stdout: '', stderr: '' };

describe('a hook publishes and withdraws for', () => {
  it.each([
    ['lego', ['present', `${NAME}.`, DASH], ['cleanup', `${NAME}.`, DASH]],
    ['dehydrated', ['deploy_challenge', 'example.com', 'f', DASH], ['clean_challenge', 'example.com', 'f', DASH]],
    ['uacme', ['begin', 'dns-01', 'example.com', 't', DASH], ['failed', 'dns-01', 'example.com', 't', DASH]],
    [
      'acmetool',
      ['challenge-dns-start', 'example.com', 'f', DASH, ''],
      ['challenge-dns-stop', 'example.com', 'f', DASH, ''],
    ],
    ['getssl', ['add', 'example.com', DASH], ['del', 'example.com', DASH]],
    ['mod_md', ['setup', 'example.com', DASH], ['teardown', 'example.com', DASH]],
    ['simple-acme', ['create', 'example.com', NAME, DASH], ['delete', 'example.com', NAME, DASH]],
    ['acme.sh', ['add', NAME, DASH], ['rm', NAME, DASH]],
  ])('%s, silently, a value that begins with a dash', async (client, add, remove) => {
    panels.ispconfig.plant({ name: `${NAME}.`, data: OTHER_VALUE });
    expect(await hook(client, ...add)).toEqual(silent);
    expect(panels.ispconfig.held(NAME).sort()).toEqual([DASH, OTHER_VALUE].sort());
    expect(await hook(client, ...remove)).toEqual(silent);
    expect(panels.ispconfig.held(NAME)).toEqual([OTHER_VALUE]);
  });

  it('lego in RAW mode', async () => {
    expect(await hook('lego', 'present', '--', 'example.com', '-token', 'key.authorization')).toEqual(silent);
    const { createHash } = await import('node:crypto');
    const value = createHash('sha256').update('key.authorization').digest('base64url');
    expect(panels.ispconfig.held(NAME)).toEqual([value]);
  });
});

describe('a teardown of mod_md without the value', () => {
  it('withdraws what hooks have published at that name, and nothing else', async () => {
    panels.ispconfig.plant({ name: `${NAME}.`, data: OTHER_VALUE });
    for (const value of [DASH, VALUE]) await hook('mod_md', 'setup', 'example.com', value);
    await hook('mod_md', 'setup', 'www.example.com', VALUE);
    expect(await hook('mod_md', 'teardown', 'example.com')).toEqual(silent);
    expect(panels.ispconfig.held(NAME)).toEqual([OTHER_VALUE]);
    expect(panels.ispconfig.held(WWW)).toEqual([VALUE]);
  });

  it('succeeds if nothing is left: a domain and its wildcard have one each', async () => {
    expect(await hook('mod_md', 'teardown', 'example.com')).toEqual(silent);
    expect(panels.ispconfig.server.requests).toEqual([]);
  });

  it('fails with one of its values, which sweep then finds', async () => {
    await hook('mod_md', 'setup', 'example.com', VALUE);
    panels.ispconfig.panel.maintenance = true;
    expectFailure(await hook('mod_md', 'teardown', 'example.com'), 75, /account panel/);
    panels.ispconfig.panel.maintenance = false;
    expect((await here.run(['sweep', '--older-than', '0s'])).stdout).toMatch(/^removed\t/);
  });

  it('leaves the values of users of the gateway alone', async () => {
    await hook('mod_md', 'setup', 'example.com', VALUE);
    const journal = join(here.stateDirectory, 'journal');
    const [name = ''] = (await readdir(journal)).filter((file) => file.endsWith('.json'));
    const entry = JSON.parse(await readFile(join(journal, name), 'utf8'));
    await writeFile(join(journal, name), JSON.stringify({ ...entry, by: 'web1' }));
    expect(await hook('mod_md', 'teardown', 'example.com')).toEqual(silent);
    expect(panels.ispconfig.held(NAME)).toEqual([VALUE]);
  });
});

it('a hook refuses --dry-run, because its client would take silence for success', async () => {
  for (const args of [
    ['hook', '--dry-run', 'getssl', 'add', 'example.com', VALUE],
    ['--dry-run', 'serve'],
  ]) {
    expectFailure(await here.run(args), 64, /has no --dry-run/, /add-txt --dry-run/);
  }
  expect(panels.ispconfig.held(NAME)).toEqual([]);
});

it('a value that is refused does not keep the others of its call from being undone', async () => {
  const names = ['example.com', 'f', 'a "quoted" value', 'www.example.com', 'f', VALUE];
  expect((await here.run(['hook', 'dehydrated', 'deploy_challenge', ...names])).code).toBe(64);
  expect(panels.ispconfig.held('_acme-challenge.www.example.com')).toEqual([]);
});

describe('a hook waits', () => {
  it.each([
    ['uacme', ['begin', 'dns-01', 'example.com', 't', VALUE], true],
    ['dehydrated', ['deploy_challenge', 'example.com', 'f', VALUE, 'www.example.com', 'f', VALUE], true],
    ['lego', ['present', NAME, VALUE], false],
    ['acme.sh', ['add', NAME, VALUE], false],
    ['getssl', ['add', 'example.com', VALUE], false],
  ])('where the client does not: %s', async (client, args, waits) => {
    expect((await hook(client, ...args)).code).toBe(0);
    expect(dns.questions().length > 0).toBe(waits);
  });

  it('or not, as it is told', async () => {
    expect((await here.run(['hook', '--no-wait', 'uacme', 'begin', 'dns-01', 'example.com', 't', VALUE])).code).toBe(0);
    expect(dns.questions()).toEqual([]);
    expect((await here.run(['hook', '--wait', 'lego', 'present', NAME, OTHER_VALUE])).code).toBe(0);
    expect(dns.questions()).not.toEqual([]);
  });

  it('once for all names of a chain', async () => {
    dns.hold();
    const deploying = hook(
      'dehydrated',
      'deploy_challenge',
      'example.com',
      'f',
      VALUE,
      'www.example.com',
      'f',
      OTHER_VALUE,
    );
    await dns.asked(WWW);
    expect(panels.ispconfig.held(NAME)).toEqual([VALUE]);
    expect(panels.ispconfig.held(WWW)).toEqual([OTHER_VALUE]);
    dns.release();
    expect(await deploying).toEqual(silent);
  });
});

describe('an add that fails', () => {
  it.each([
    ['uacme', ['begin', 'dns-01', 'example.com', 't', VALUE]],
    ['dehydrated', ['deploy_challenge', 'example.com', 'f', VALUE]],
    ['acmetool', ['challenge-dns-start', 'example.com', 'f', VALUE, '']],
  ])('in the wait leaves nothing behind where the client never calls again: %s', async (client, args) => {
    dns.hold();
    panels.ispconfig.plant({ name: `${NAME}.`, data: OTHER_VALUE });
    expectFailure(await hook(client, ...args), 75, /not shown by every name server/);
    expect(panels.ispconfig.held(NAME)).toEqual([OTHER_VALUE]);
  });

  it('for one name takes back what the same call published for the others', async () => {
    const chain = ['deploy_challenge', 'example.com', 'f', VALUE, 'www.example.net', 'f', VALUE];
    expectFailure(
      await hook('dehydrated', ...chain),
      68,
      /no account is configured for _acme-challenge\.www\.example\.net/,
    );
    expect(panels.ispconfig.held(NAME)).toEqual([]);
  });

  it('leaves the value for a client that cleans up after it: lego', async () => {
    dns.hold();
    expectFailure(await here.run(['hook', '--wait', 'lego', 'present', NAME, VALUE]), 75, /not shown/);
    expect(panels.ispconfig.held(NAME)).toEqual([VALUE]);
    expect((await hook('lego', 'cleanup', NAME, VALUE)).code).toBe(0);
  });
});

describe('a removal that fails', () => {
  it('does not fail dehydrated, which would throw the certificate away: it warns, and sweep finds it', async () => {
    await hook('dehydrated', 'deploy_challenge', 'example.com', 'f', VALUE);
    panels.ispconfig.panel.maintenance = true;
    const { code, stderr } = await hook('dehydrated', 'clean_challenge', 'example.com', 'f', VALUE);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^dns01: warning: a value stays until dns01 sweep: account panel/m);
    panels.ispconfig.panel.maintenance = false;
    expect((await here.run(['sweep', '--older-than', '0s'])).stdout).toMatch(/^removed\t/);
  });

  it('is tried again for dehydrated before it is given up', async () => {
    await hook('dehydrated', 'deploy_challenge', 'example.com', 'f', VALUE);
    panels.ispconfig.panel.maintenance = true;
    const cleaning = hook('dehydrated', 'clean_challenge', 'example.com', 'f', VALUE);
    const logins = () => panels.ispconfig.server.requests.filter(({ call }) => call === 'login').length;
    const before = logins();
    await until(() => logins() > before);
    panels.ispconfig.panel.maintenance = false;
    expect(await cleaning).toEqual(silent);
    expect(panels.ispconfig.held(NAME)).toEqual([]);
  });

  it('fails for the others, who ignore it', async () => {
    await hook('uacme', 'begin', 'dns-01', 'example.com', 't', VALUE);
    panels.ispconfig.panel.maintenance = true;
    expectFailure(await hook('uacme', 'done', 'dns-01', 'example.com', 't', VALUE), 75, /account panel/);
  });

  it('takes the other names of a chain away all the same', async () => {
    const chain = ['example.com', 'f', VALUE, 'www.example.ee', 'f', VALUE];
    await hook('dehydrated', 'deploy_challenge', ...chain);
    panels.ispconfig.panel.maintenance = true;
    expect((await hook('dehydrated', 'clean_challenge', ...chain)).code).toBe(0);
    expect(panels.zoneid.held('_acme-challenge.www.example.ee')).toEqual([]);
  });
});

describe('what is not ours', () => {
  it.each([
    ['dehydrated', ['startup_hook'], 0],
    ['dehydrated', ['exit_hook', '--help'], 0],
    ['uacme', ['begin', 'http-01', 'example.com', 't', 'ka'], 1],
    ['acmetool', ['live-updated'], 42],
  ])('ends silently, without even a config: %s %j', async (client, args, code) => {
    await here.configure('not: a config');
    expect(await hook(client, ...args)).toEqual({ ...silent, code });
  });
});

describe('dns01-hook', () => {
  const byVerb = (...args: string[]) => here.run(args, { program: 'dns01-hook' });

  it('shows the calls that it knows', async () => {
    const { code, stdout } = await byVerb('--help');
    expect(code).toBe(0);
    expect(stdout).toContain('  lego: dns01-hook present NAME VALUE\n');
  });

  it('knows who calls by what it says', async () => {
    expect(await byVerb('present', `${NAME}.`, DASH)).toEqual(silent);
    expect(panels.ispconfig.held(NAME)).toEqual([DASH]);
    expect(await byVerb('cleanup', `${NAME}.`, DASH)).toEqual(silent);
    expect(await byVerb('deploy_challenge', 'example.com', 'f', VALUE)).toEqual(silent);
    expect(await byVerb('something_new')).toEqual(silent);
    expect(await byVerb('live-updated')).toEqual({ ...silent, code: 42 });
  });

  it('refuses whom it does not know, with the list of those it knows', async () => {
    expectFailure(await byVerb('frobnicate'), 64, /no known client calls its hook with "frobnicate"/, /uacme begin/);
  });
});
