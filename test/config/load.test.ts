import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findConfig } from '../../src/config/find.ts';
import { loadConfig } from '../../src/config/load.ts';
import { expectFailure, openWorkplace, VALUE } from '../support/cli.ts';

/** As a promise, so that a refusal is one too. */
const load = async (file: string) => loadConfig(file);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dns01-config-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function file(text: string, name = 'config.yaml', mode = 0o600): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

const GOOD = `accounts:
  panel: { provider: ispconfig, url: https://panel.example.com:8080/remote/json.php, username: acme, password: x }
zones:
  Example.COM.: panel
`;

describe('a config', () => {
  it('is read from YAML and from JSON alike', async () => {
    const expected = { zones: [{ zone: 'example.com', account: 'panel', delegated: false }], ttl: 60 };
    expect(await load(await file(GOOD))).toMatchObject(expected);
    const json = { accounts: { panel: { provider: 'ispconfig' } }, zones: { 'example.com': 'panel' } };
    expect(await load(await file(JSON.stringify(json), 'config.json'))).toMatchObject(expected);
  });

  it('has defaults for everything but the accounts', async () => {
    const config = await load(await file('accounts: { here: { provider: embedded } }'));
    expect(config).toMatchObject({ propagation: { timeout: 300, interval: 2, settle: 2 }, ttl: 60, resolvers: [] });
    expect(config.doh).toBeUndefined();
  });

  it.each([
    [
      '["https://9.9.9.9/dns-query", "http://127.0.0.1:8053/dns-query"]',
      ['https://9.9.9.9/dns-query', 'http://127.0.0.1:8053/dns-query'],
    ],
    ['false', []],
  ])('names resolvers over HTTPS, or none: %s', async (text, doh) => {
    expect(await load(await file(`${GOOD}dns: { doh: ${text} }\n`))).toMatchObject({ doh });
  });

  it.each([
    ['a key that is not known', `${GOOD}propagatoin: { timeout: 3 }\n`, /:5: propagatoin: is not a known key$/],
    ['a nested key that is not known', `${GOOD}dns:\n  resolver: []\n`, /:6: dns\.resolver: is not a known key$/],
    ['a wrong type', `${GOOD}ttl: soon\n`, /:5: ttl: expected a number$/],
    [
      'a number out of range',
      `${GOOD}propagation:\n  settle: 0\n`,
      /:6: propagation\.settle: is too small, at least 1$/,
    ],
    ['no provider', 'accounts:\n  panel:\n    url: x\n', /:2: accounts\.panel\.provider: is missing, expected text$/],
    ['no accounts', 'zones: {}\n', /:1: accounts: is missing, expected a block of keys$/],
    ['empty accounts', 'accounts: {}\n', /:1: accounts: expected at least one account$/],
    ['nothing at all', '', /:1: accounts: is missing/],
    [
      'a zone of an account that is not there',
      `${GOOD}  example.org: pannel\n`,
      /:5: zones\.example\.org: there is no account "pannel"/,
    ],
    ['a zone that is no name', `${GOOD}  "exa mple": panel\n`, /:5: zones\.exa mple: not a domain name/],
    [
      'a resolver over HTTP without TLS',
      `${GOOD}dns: { doh: ["http://192.0.2.1/dns-query"] }\n`,
      /:5: dns\.doh\.0: expected an https:\/\/ URL$/,
    ],
    [
      'a resolver that is no address',
      `${GOOD}dns: { resolvers: [dns.google] }\n`,
      /:5: dns\.resolvers\.0: expected an IP address/,
    ],
    ['broken YAML', 'accounts:\n  panel: { provider: "ispconfig\n', /:\d: not valid YAML: /],
    ['an import', '$import: other.yaml\n', /\$import is not supported/],
  ])('with %s is refused at file, line and key', async (_, text, message) => {
    await expect(load(await file(text))).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringMatching(message),
    });
  });

  it('that is broken shows none of the lines around the mistake: a password may stand there', async () => {
    const text = 'accounts:\n  panel:\n    password: "hunter2-secret\n    username: [\n';
    const failure = await load(await file(text)).catch((error: Error) => error);
    expect(String(failure)).not.toContain('hunter2');
  });

  it('is never code', async () => {
    await expect(load(await file('module.exports = {}', 'config.js'))).rejects.toMatchObject({
      code: 'E_CONFIG',
    });
    await expect(load(await file('export default {}', 'config.ts'))).rejects.toMatchObject({
      code: 'E_CONFIG',
    });
  });

  it.each([0o622, 0o606 | 0o002, 0o620])('that others can write (mode %o) is refused', async (mode) => {
    await expect(load(await file(GOOD, 'config.yaml', mode))).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringContaining('other users can write this file'),
      hint: expect.stringContaining('chmod go-w'),
    });
  });
});

describe('the config that is used', () => {
  it('is the one that was named, then DNS01_CONFIG, then that of the user', async () => {
    const own = join(directory, 'dns01', 'config.yaml');
    await mkdir(join(directory, 'dns01'));
    await writeFile(own, GOOD);
    const env = { XDG_CONFIG_HOME: directory, DNS01_CONFIG: '/etc/other.yaml' };
    expect(findConfig('/tmp/named.yaml', env)).toBe('/tmp/named.yaml');
    expect(findConfig(undefined, env)).toBe('/etc/other.yaml');
    expect(findConfig(undefined, { XDG_CONFIG_HOME: directory })).toBe(own);
  });

  it('is missed with the places that were looked at', () => {
    expect(() => findConfig(undefined, { XDG_CONFIG_HOME: directory })).toThrow(
      `no config found (looked at ${directory}/dns01/config.yaml, /etc/dns01/config.yaml)`,
    );
  });
});

describe('a process in a directory with a .config/config.js', () => {
  it('does not run it', async () => {
    const here = await openWorkplace();
    const proof = join(here.directory, 'proof');
    await mkdir(join(here.directory, '.config'));
    await writeFile(
      join(here.directory, '.config', 'config.js'),
      `require('fs').writeFileSync(${JSON.stringify(proof)}, '')`,
    );
    await writeFile(join(here.directory, 'package.json'), '{"cosmiconfig":{"loaders":{}}}');
    await here.configure(
      '{ accounts: { here: { provider: embedded, zones: [example.com] } }, dns: { followCnames: false } }',
    );
    const { code } = await here.run(['list-txt', '_acme-challenge.example.com'], { cwd: here.directory });
    expect(code).toBe(0);
    const { existsSync } = await import('node:fs');
    expect(existsSync(proof)).toBe(false);
    await here.remove();
  });
});

describe('an account', () => {
  const account = (password: string) => `accounts:
  panel:
    provider: ispconfig
    url: http://127.0.0.1:9/remote/json.php
    username: acme
    password: ${password}
  other:
    provider: zoneid
    username: x
    apiKey: { env: NOT_SET_FOR_OTHER }
zones: { example.com: panel }
dns: { followCnames: false }
`;

  async function addWith(yaml: string, env: Record<string, string> = {}) {
    const here = await openWorkplace();
    await here.configure(yaml);
    const outcome = await here.run(['add-txt', '--no-wait', '_acme-challenge.example.com', VALUE], { env });
    await here.remove();
    return outcome;
  }

  it.each([
    [
      'an option that is missing',
      account('x').replace(/ {4}username: acme\n/, ''),
      /:2: accounts\.panel\.username: is missing, expected text/,
    ],
    [
      'an option that is not known',
      account('x').replace('username: acme', 'user: acme'),
      /accounts\.panel\.(user|username):? is/,
    ],
    [
      'a provider that is not there',
      account('x').replace('ispconfig', 'ispconfg'),
      /:3: accounts\.panel\.provider: there is no provider "ispconfg"$/m,
    ],
    ['a password of a wrong form', account('[1]'), /:6: accounts\.panel\.password: expected text/],
    [
      'a secret that is not in the environment',
      account('{ env: NOT_SET }'),
      /:6: accounts\.panel\.password: the environment variable NOT_SET is not set/,
    ],
    [
      'a secret file that is not there',
      account('{ file: /nowhere/pw }'),
      /:6: accounts\.panel\.password: the file \/nowhere\/pw is not there/,
    ],
    [
      'a credential without systemd',
      account('{ credential: pw }'),
      /:6: accounts\.panel\.password: the systemd credential pw is not there/,
    ],
    [
      'a ca file that is no certificate',
      `${account('x').replace('username: acme', 'username: acme\n    ca: /dev/null')}`,
      /:6: accounts\.panel\.ca: \/dev\/null cannot be used/,
    ],
  ])('with %s is refused at file, line and key', async (_, yaml, message) => {
    expectFailure(await addWith(yaml), 78, message);
  });

  it('takes its secret from the environment, a file or a credential, and only its own', async () => {
    const reachesTheServer = /refuses connections/;
    const secret = await file('from-a-file-1234\n', 'secret');
    expectFailure(await addWith(account('{ env: PANEL_PW }'), { PANEL_PW: 'from-env-1234' }), 75, reachesTheServer);
    expectFailure(await addWith(account(`{ file: ${secret} }`)), 75, reachesTheServer);
    expectFailure(
      await addWith(account('{ credential: secret }'), { CREDENTIALS_DIRECTORY: directory }),
      75,
      reachesTheServer,
    );
  });

  it('refuses a secret file that others can write, and warns of one that all can read', async () => {
    const writable = await file('from-a-file-1234\n', 'writable', 0o622);
    expectFailure(await addWith(account(`{ file: ${writable} }`)), 78, /other users can write this file/, /chmod go-w/);
    const readable = await file('from-a-file-1234\n', 'readable', 0o644);
    const { stderr } = await addWith(account(`{ file: ${readable} }`));
    expect(stderr).toMatch(/^dns01: warning: .*readable holds a secret and every user can read it/m);
  });

  it('warns of a config with a password in it that all can read', async () => {
    const here = await openWorkplace();
    const config = await here.configure(account('hunter22'));
    await chmod(config, 0o644);
    const { stderr } = await here.run(['add-txt', '--no-wait', '_acme-challenge.example.com', VALUE]);
    expect(stderr).toMatch(/^dns01: warning: .*every user can read it/m);
    await here.remove();
  });
});
