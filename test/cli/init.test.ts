import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { CLOUDFLARE_TOKEN, startCloudflareFake } from '../fakes/cloudflare.ts';
import { expectFailure, openWorkplace, type Workplace } from '../support/cli.ts';
import { openNameserver } from '../support/nameserver.ts';

let here: Workplace;
let target: string;
let token: string;
beforeEach(async () => {
  here = await openWorkplace();
  target = join(here.directory, 'out', 'config.yaml');
  token = await secretFile('token', CLOUDFLARE_TOKEN);
});
afterEach(async () => {
  await here.expectNoSecret(CLOUDFLARE_TOKEN);
  await here.remove();
});

async function secretFile(name: string, text: string): Promise<string> {
  const file = join(here.directory, name);
  await writeFile(file, `${text}\n`, { mode: 0o600 });
  return file;
}

const init = (...args: string[]) => here.run(['init', '--config', target, ...args]);
const cloudflare = (...args: string[]) =>
  init('--provider', 'cloudflare', '--zone', 'example.com', '--token-file', token, ...args);

it('init writes a config from its options, for this user alone, and prints the lines of the client', async () => {
  const { code, stdout, stderr } = await cloudflare('--no-test', '--client', 'certbot');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(parse(await readFile(target, 'utf8'))).toEqual({
    accounts: { cloudflare: { provider: 'cloudflare', token: { file: token } } },
    zones: { 'example.com': 'cloudflare' },
  });
  for (const path of [dirname(target), target]) expect((await stat(path)).mode & 0o077, path).toBe(0);
  expect(stdout).toContain(`
The certificate, with certbot:
  certbot certonly --manual --preferred-challenges dns \\
    --manual-auth-hook 'dns01 hook --config ${target} certbot auth' \\
    --manual-cleanup-hook 'dns01 hook --config ${target} certbot cleanup' \\
    -d example.com -d '*.example.com'
`);
  expect((await here.run(['config', '--config', target])).code).toBe(0);
});

it('init needs no --config: it writes where dns01 looks', async () => {
  const isRoot = process.getuid?.() === 0;
  const file = isRoot ? '/etc/dns01/config.yaml' : join(here.directory, 'dns01', 'config.yaml');
  const env = { DNS01_CONFIG: '', XDG_CONFIG_HOME: here.directory, HOME: here.directory };
  const args = ['--provider', 'cloudflare', '--zone', 'example.com', '--token-file', token, '--client', 'lego'];
  const { stdout } = await here.run(['init', ...args, '--dry-run'], { env });
  if (!existsSync('/etc/dns01/config.yaml')) expect(stdout).toContain(`# ${file}\n`);
});

it('init prints one document with --json', async () => {
  const { stdout } = await cloudflare('--no-test', '--json', '--client', 'acme.sh');
  expect(JSON.parse(stdout)).toEqual({
    ok: true,
    action: 'init',
    written: true,
    config: target,
    text: await readFile(target, 'utf8'),
    secrets: [],
    lines: {
      'acme.sh': [
        'dns01 hook acme.sh --install',
        `DNS01_CONFIG=${target} acme.sh --issue --dns dns_dns01 -d example.com -d '*.example.com'`,
      ],
    },
    findings: [],
  });
});

it('init takes the options of every form', async () => {
  const secret = await secretFile('tsig', 'c2VjcmV0LWh1bnRlcjI=');
  const args = ['--server=192.0.2.1', '--port', '5353', '--tsig-name', 'acme', '--tsig-secret-file', secret];
  expect((await init('--provider', 'rfc2136', '--zone', 'example.com', '--no-test', ...args)).code).toBe(0);
  expect(parse(await readFile(target, 'utf8')).accounts).toEqual({
    rfc2136: { provider: 'rfc2136', server: '192.0.2.1', port: 5353, tsig: { name: 'acme', secret: { file: secret } } },
  });
});

describe('without a terminal, init writes nothing and says what is wrong', () => {
  const zone = ['--zone', 'example.com'];
  it.each([
    ['no zone', [], 64, /needs --zone ZONE/, /--zone example\.com/],
    ['no options', [...zone, '--provider', 'ovh'], 64, /needs --application-key VALUE, --application-secret-file FILE/],
    ['an unknown provider', [...zone, '--provider', 'cloudfare'], 64, /no provider/, /did you mean cloudflare/],
    [
      'a misspelt option, whose value may be a secret',
      [...zone, '--provider', 'cloudflare', `--tokn-file=${CLOUDFLARE_TOKEN}`],
      64,
      /cloudflare has no option "--tokn-file"/,
      /did you mean --token-file\?/,
    ],
    [
      'a secret on the command line',
      [...zone, '--provider', 'cloudflare', '--token', CLOUDFLARE_TOKEN],
      64,
      /--token is a secret/,
      /--token-file FILE/,
    ],
    ['a word', [...zone, '--provider', 'cloudflare', CLOUDFLARE_TOKEN], 64, /takes no names/],
    ['no value', [...zone, '--provider', 'cloudflare', '--token-file'], 64, /--token-file needs a value/],
    ['a zone that is none', ['--zone', 'ex ample'], 64, /is not a domain name/],
    [
      'a secret file that is not there',
      [...zone, '--provider', 'cloudflare', '--token-file', '/nowhere'],
      78,
      /\/nowhere is not there/,
    ],
    [
      'a value that the provider does not take',
      [...zone, '--provider', 'plesk', '--url', 'ftp://x'],
      78,
      /url of plesk: expected/,
    ],
  ])('%s', async (_, args, code, message, hint?: RegExp) => {
    expectFailure(await init(...args), code, message, hint);
    expect(existsSync(dirname(target))).toBe(false);
  });

  it('a secret file that others can write', async () => {
    await chmod(token, 0o666);
    expectFailure(await cloudflare(), 78, /other users can write this file/);
    expect(existsSync(dirname(target))).toBe(false);
  });
});

describe('a config that is there', () => {
  const write = async (text: string) => {
    await mkdir(dirname(target), { mode: 0o700, recursive: true });
    await writeFile(target, text, { mode: 0o600 });
  };
  const other = 'accounts:\n  cloudflare: { provider: embedded, zones: [example.org] } # keep\n';

  it('gets an account more with --yes alone, under a name that is free', async () => {
    await write(`${other}zones: { example.org: cloudflare }\n`);
    expectFailure(await cloudflare('--no-test'), 64, /is there already, so nothing was written/, /--yes/);
    expect((await cloudflare('--no-test', '--yes')).code).toBe(0);
    const text = await readFile(target, 'utf8');
    expect(text).toContain('# keep');
    expect(parse(text).zones).toEqual({ 'example.org': 'cloudflare', 'example.com': 'cloudflare-2' });
    const again = await cloudflare('--no-test', '--yes');
    expectFailure(again, 78, /says already that the account cloudflare-2 holds example\.com/, /doctor --write/);
  });

  it('keeps its accounts', async () => {
    await write(other);
    expectFailure(await cloudflare('--yes'), 78, /does not say which account holds which zone/);
    await write(`${other}zones: { example.org: cloudflare }\n`);
    expectFailure(await cloudflare('--yes', '--account', 'cloudflare'), 78, /has an account "cloudflare" already/);
    expect(await readdir(dirname(target))).toEqual(['config.yaml']);
  });

  it('is tested with a write, and stays where the test fails', async () => {
    const dns = await openNameserver(['example.com']);
    const api = await startCloudflareFake({ onChange: (_, name, value, change) => dns.change(name, value, change) });
    onTestFinished(async () => void (await Promise.all([dns.close(), api.close()])));
    const network = `${dns.config}  resolvers: ["127.0.0.1:9"]\n  roots: ["127.0.0.1:9"]\n  doh: false\npropagation: { timeout: 2, interval: 0.1 }\n`;
    const begin = () => write(`${other}zones: { example.org: cloudflare }\n${network}`);
    await begin();
    const good = await cloudflare('--yes', '--url', String(api.options['url']));
    expect(good.stdout).toMatch(/^ok +name example\.com: write: withdrawn/m);
    expect(good.code).toBe(0);

    await begin();
    await writeFile(token, 'cf-token-that-is-wrong\n');
    const bad = await cloudflare('--yes', '--url', String(api.options['url']));
    expectFailure(bad, 65, /the API token was refused/);
    expect(bad.stderr).toContain(
      `dns01: the files stay. Correct what is bad, then run: dns01 doctor --config ${target} --write example.com\n`,
    );
    expect(bad.stdout).not.toContain('certbot');
    expect(parse(await readFile(target, 'utf8')).zones).toHaveProperty(['example.com']);
  });
});
