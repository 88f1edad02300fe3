import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { expectFailure, openWorkplace, type Workplace } from '../support/cli.ts';
import { bundle } from '../support/paths.ts';

const TOKEN = 'cf-token-hunter2';

let here: Workplace;
let home: string;
let target: string;
beforeEach(async () => {
  here = await openWorkplace();
  home = join(here.directory, 'acme');
  target = join(here.directory, 'out', 'config.yaml');
});
afterEach(() => here.remove());

async function secretFile(name: string, text: string): Promise<void> {
  await writeFile(join(here.directory, name), text, { mode: 0o600 });
}

async function store(name: string, text: string, mode = 0o600): Promise<void> {
  await mkdir(dirname(join(home, name)), { recursive: true });
  await writeFile(join(home, name), text);
  await chmod(join(home, name), mode);
}

const run = (...args: string[]) => here.run(['import', 'acme.sh', '--from', home, '--config', target, ...args]);
const cloudflare = (mode?: number) =>
  store(
    'account.conf',
    `LOG_FILE='x'\nSAVED_CF_Token='${TOKEN}'\n$(touch ${home}/evil)\nUSER_PATH='$(touch ${home}/evil)'\n`,
    mode,
  );
const certificate = (name: string, script: string, alt = 'no') =>
  store(`${name}_ecc/${name}.conf`, `Le_Domain='${name}'\nLe_Alt='${alt}'\nLe_Webroot='${script}'\n`);

it('import shows what it would write, and writes it with --yes', async () => {
  await cloudflare();
  await certificate('example.com', 'dns_cf', '*.example.com');
  const shown = await run();
  expect(shown).toMatchObject({ code: 0, stderr: 'dns01: nothing was written; add --yes to write it\n' });
  expect(parse(shown.stdout)).toEqual({
    accounts: { cloudflare: { provider: 'cloudflare', token: { file: `${dirname(target)}/cloudflare.token` } } },
  });
  expect(existsSync(dirname(target))).toBe(false);
  expect((await run('--yes', '--dry-run')).code).toBe(0);
  expect(existsSync(dirname(target))).toBe(false);

  const written = await run('--yes');
  expect(written).toMatchObject({ code: 0, stderr: '' });
  expect(written.stdout).toContain(
    `DNS01_CONFIG=${target} acme.sh --issue --force --dns dns_dns01 -d example.com -d '*.example.com'\n`,
  );
  expect((await readdir(dirname(target))).sort()).toEqual(['cloudflare.token', 'config.yaml']);
  expect(await readFile(join(dirname(target), 'cloudflare.token'), 'utf8')).toBe(`${TOKEN}\n`);
  for (const path of [dirname(target), target, join(dirname(target), 'cloudflare.token')])
    expect((await stat(path)).mode & 0o077, path).toBe(0);
  expect((await here.run(['config', '--config', target])).code).toBe(0);
  expect(existsSync(join(home, 'evil'))).toBe(false);
  expect(existsSync(`${home}/evil`)).toBe(false);
  await here.expectNoSecret(TOKEN);
});

it('import writes one document with --json', async () => {
  await cloudflare(0o644);
  const { stdout } = await run('--json', '--yes');
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    action: 'import',
    written: true,
    config: target,
    secrets: [{ file: `${dirname(target)}/cloudflare.token`, from: `${home}/account.conf` }],
    warnings: [expect.stringMatching(/every user of this machine can read .*account\.conf/)],
  });
  await here.expectNoSecret(TOKEN);
});

it('import says which account holds which zone, where there are several', async () => {
  await store(
    'account.conf',
    `SAVED_CF_Token='${TOKEN}'\nSAVED_DO_API_KEY='do-token-hunter3'\nSAVED_GD_Key='gd-key-hunter4'\n`,
  );
  await store('dnsapi/dns_gd.sh', 'GD_Key=$(_readaccountconf_mutable GD_Key)\n');
  await certificate('example.com', 'dns_cf', 'www.example.com,*.example.com');
  await certificate('example.net', 'dns_gd');
  await certificate('evil.example $(touch x)', 'dns_cf');
  const { code, stdout, stderr } = await run('--yes');
  expect(code).toBe(0);
  expect(stderr).toMatch(/warning: no certificate uses the account digitalocean/);
  expect(stdout).not.toContain('touch');
  const config = parse(await readFile(target, 'utf8'));
  expect(config.zones).toEqual({ 'example.com': 'cloudflare', 'example.net': 'acmesh' });
  expect(config).toMatchObject({
    accounts: {
      cloudflare: { provider: 'cloudflare' },
      digitalocean: { provider: 'digitalocean' },
      acmesh: {
        provider: 'acmesh',
        script: 'dns_gd',
        home,
        env: { GD_Key: { file: `${dirname(target)}/acmesh.env.GD_Key` } },
      },
    },
  });
  await here.expectNoSecret(TOKEN, 'do-token-hunter3', 'gd-key-hunter4');
});

it('import adds to a config, keeps its comments, and refuses what would change its accounts', async () => {
  await cloudflare();
  await certificate('example.com', 'dns_cf');
  await mkdir(dirname(target), { mode: 0o700 });
  const config = (zones: string) =>
    writeFile(target, `# mine\naccounts:\n  old: { provider: embedded, zones: [example.org] } # keep\n${zones}`, {
      mode: 0o600,
    });
  await config('');
  expectFailure(
    await run('--yes'),
    78,
    /does not say which account holds which zone/,
    /zones: \{ example\.com: old \}/,
  );
  await config('zones: { example.org: old }\n');
  expect((await run('--yes')).code).toBe(0);
  const text = await readFile(target, 'utf8');
  expect(text).toMatch(/^# mine\n[\s\S]*# keep\n/);
  expect(parse(text)).toMatchObject({
    accounts: { old: { provider: 'embedded' }, cloudflare: { provider: 'cloudflare' } },
    zones: { 'example.org': 'old', 'example.com': 'cloudflare' },
  });
  expectFailure(await run('--yes'), 78, /has an account "cloudflare" already/, /--config FILE/);
});

it('import replaces no file, and leaves nothing behind where it fails', async () => {
  await store('account.conf', `SAVED_CF_Token='${TOKEN}'\nSAVED_DO_API_KEY='do-token-hunter3'\n`);
  await mkdir(dirname(target), { mode: 0o700 });
  await writeFile(join(dirname(target), 'digitalocean.token'), 'mine');
  expectFailure(await run('--yes'), 78, /digitalocean\.token is there already, so nothing was written/);
  expect(await readdir(dirname(target))).toEqual(['digitalocean.token']);
});

it('import leaves no part of a secret where the disk is full', async () => {
  await cloudflare();
  await mkdir(dirname(target), { mode: 0o700 });
  const command = `ulimit -f 0; exec "$0" "$@"`;
  const args = [process.execPath, bundle, 'import', 'acme.sh', '--from', home, '--config', target, '--yes'];
  const outcome = spawnSync('sh', ['-c', command, ...args], { encoding: 'utf8', env: {} });
  expect(outcome.stderr).toMatch(/^dns01: error: nothing was written: EFBIG/m);
  expect(outcome.status).toBe(78);
  expect(await readdir(dirname(target))).toEqual([]);
});

it('import writes the file that a config links to, also on another file system', async () => {
  await cloudflare();
  await mkdir(dirname(target), { mode: 0o700 });
  // On Linux, this is not the file system of other temporary files.
  const elsewhere = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'dns01-test-'));
  try {
    const real = join(elsewhere, 'config.yaml');
    await writeFile(real, 'accounts: { old: { provider: embedded } }\nzones: { example.org: old }\n', { mode: 0o600 });
    await symlink(real, target);
    const { code, stderr } = await run('--yes');
    expect(code, stderr).toBe(0);
    expect(Object.keys(parse(await readFile(real, 'utf8')).accounts)).toEqual(['old', 'cloudflare']);
    expect((await lstat(target)).isSymbolicLink()).toBe(true);
    expect([await readdir(elsewhere), (await readdir(dirname(target))).sort()]).toEqual([
      ['config.yaml'],
      ['cloudflare.token', 'config.yaml'],
    ]);
  } finally {
    await rm(elsewhere, { recursive: true });
  }
});

it('of several imports into one config at the same time, each is whole or writes nothing', async () => {
  await mkdir(dirname(target), { mode: 0o700 });
  await writeFile(target, 'accounts: { old: { provider: embedded } }\nzones: { example.org: old }\n', { mode: 0o600 });
  const names = Array.from({ length: 6 }, (_, index) => `t${index}`);
  for (const name of names) await secretFile(`${name}.ini`, `dns_desec_token = ${TOKEN}-${name}\n`);
  const outcomes = await Promise.all(
    names.map((name) =>
      here.run([...'import certbot --yes --config'.split(' '), target, '--from', join(here.directory, `${name}.ini`)]),
    ),
  );
  const refused = outcomes.filter(({ code }) => code !== 0);
  for (const outcome of refused)
    expectFailure(outcome, 78, /is there already|has changed|has an account "desec" already/);
  expect(refused).toHaveLength(names.length - 1);
  const { accounts } = parse(await readFile(target, 'utf8'));
  expect(Object.keys(accounts)).toEqual(['old', 'desec']);
  expect((await readdir(dirname(target))).sort()).toEqual(['config.yaml', 'desec.token']);
  const winner = names[outcomes.findIndex(({ code }) => code === 0)];
  expect(await readFile(join(dirname(target), 'desec.token'), 'utf8')).toBe(`${TOKEN}-${winner}\n`);
});

it('import does not trust files that others can write', async () => {
  await cloudflare(0o666);
  expectFailure(
    await run('--yes'),
    78,
    /account\.conf: other users can write this file/,
    /as the user who owns the file/,
  );
});

it.each([
  [
    'a directory that is not there',
    ['import', 'acme.sh', '--from', '/nowhere'],
    78,
    /\/nowhere: there is no such file/,
  ],
  ['nothing to find', ['import', 'lego'], 78, /no credentials of lego were found/],
  ['another tool', ['import', 'acmesh'], 64, /Allowed choices are acme\.sh, lego, certbot, lexicon/],
])('import is refused with %s', async (_, args, code, message) => {
  expectFailure(await here.run(args, { env: { DNS01_CONFIG: target } }), code, message);
});

it('import reads the environment of lego and lexicon, and the renewal configs of certbot', async () => {
  const env = { DNS01_CONFIG: target, DESEC_TOKEN: TOKEN, LEXICON_DESEC_AUTH_TOKEN: TOKEN };
  for (const tool of ['lego', 'lexicon']) {
    const { stdout } = await here.run(['import', tool], { env });
    expect(parse(stdout).accounts).toEqual({
      desec: { provider: 'desec', token: { file: `${dirname(target)}/desec.token` } },
    });
  }
  await store('desec.ini', `dns_desec_token = ${TOKEN}\n`);
  await store(
    'renewal/example.com-0001.conf',
    `[renewalparams]\nauthenticator = dns-desec\ndns_desec_credentials = ${home}/desec.ini\n`,
  );
  const { code, stdout } = await here.run(['import', 'certbot', '--from', home, '--yes'], { env });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ {4}--cert-name example\.com-0001$/m);
  // Renewals do not have the environment of this shell.
  expect(stdout).toContain(`--manual-auth-hook 'dns01 hook --config ${target} certbot auth'`);
  await here.expectNoSecret(TOKEN);
});
