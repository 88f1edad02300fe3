import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { expectFailure, openWorkplace, type Workplace } from '../support/cli.ts';
import { root } from '../support/paths.ts';

let here: Workplace;
beforeEach(async () => {
  here = await openWorkplace();
});
afterEach(() => here.remove());

it('config shows the file and what it says, with defaults and without secrets', async () => {
  const file = await here.configure(`accounts:
  pork:
    provider: porkbun
    apiKey: pk1_hunter2
    secretApiKey: { file: /etc/dns01/key }
    proxy: http://user:hunter3@proxy.example.com:3128
zones:
  Example.COM: pork
serve:
  users: { web1: { hash: "scrypt$1024$8$1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", names: [example.com] } }
`);
  const { code, stdout, stderr } = await here.run(['config']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.split('\n')[0]).toBe(`# ${file}`);
  const shown = {
    accounts: {
      pork: {
        provider: 'porkbun',
        apiKey: '(hidden)',
        secretApiKey: { file: '/etc/dns01/key' },
        proxy: 'http://(hidden)@proxy.example.com:3128',
      },
    },
    zones: { 'example.com': { account: 'pork', delegated: false } },
    dns: { followCnames: true },
    propagation: { timeout: 300 },
    ttl: 60,
    serve: { listen: '127.0.0.1:8053', lease: 3600, users: { web1: { hash: '(hidden)', names: ['example.com'] } } },
  };
  expect(parse(stdout)).toMatchObject(shown);
  await here.expectNoSecret('hunter2', 'hunter3', 'AAAAAAAAAA');
  const document = JSON.parse((await here.run(['config', '--json'])).stdout);
  expect(document).toMatchObject({ ok: true, action: 'config', file, config: shown });
});

it('config refuses a directory in the words of the other refusals', async () => {
  const outcome = await here.run(['config', '--config', here.directory]);
  expectFailure(outcome, 78, /: it is not a regular file$/m);
  expect(outcome.stderr).not.toContain('EISDIR');
});

it('config shows a config that is a config again', async () => {
  await here.configure(await readFile(`${root}config.example.yaml`, 'utf8'));
  const { stdout } = await here.run(['config']);
  // Only what is hidden has to be filled in.
  const hash = `scrypt$1024$8$1$${'c'.repeat(22)}$${'A'.repeat(43)}`;
  await here.configure(stdout.replaceAll('(hidden)', hash));
  expect(await here.run(['config'])).toMatchObject({ code: 0, stdout });
});

it('config refuses a mistake in any account at file, line and key', async () => {
  await here.configure(
    'accounts:\n  one: { provider: embedded, zones: [example.com] }\n  two:\n    provider: porkbun\n    apiKey: x\n',
  );
  expectFailure(await here.run(['config']), 78, /dns01\.yaml:3: accounts\.two\.secretApiKey: is missing/);
});

it('config shows the account of the environment', async () => {
  const env = {
    DNS01_CONFIG: '',
    XDG_CONFIG_HOME: here.directory,
    DNS01_PROVIDER: 'cloudflare',
    DNS01_TOKEN: 'hunter2',
  };
  const { stdout } = await here.run(['config'], { env });
  expect(stdout).toMatch(/^# the environment\n/);
  expect(parse(stdout).accounts).toMatchObject({ env: { provider: 'cloudflare', token: { env: 'DNS01_TOKEN' } } });
});
