import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectFailure, OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { type Panels, startPanels } from '../support/panels.ts';
import { bundle } from '../support/paths.ts';

const NAME = '_acme-challenge.example.com';
const DASH = `-n${VALUE.slice(2)}`;

let panels: Panels;
let here: Workplace;
let home: string;
beforeEach(async () => {
  [panels, here] = await Promise.all([startPanels(), openWorkplace()]);
  home = join(here.directory, 'acme home');
  await mkdir(join(home, 'dnsapi'), { recursive: true });
  await here.configure(panels.config);
});
afterEach(() => Promise.all([panels.close(), here.remove()]));

/** What acme.sh promises a dnsapi file of its functions, in a few lines: the settings are kept in a file. */
const ACME_SH = `
_err() { printf '%s\\n' "$@" >&2; }
_info() { :; }
_debug() { :; }
_saveaccountconf_mutable() { printf "SAVED_%s='%s'\\n" "$1" "$2" >>"$ACCOUNT_CONF"; }
_readaccountconf_mutable() { [ -f "$ACCOUNT_CONF" ] && sed -n "s/^SAVED_$1='\\\\(.*\\\\)'$/\\\\1/p" "$ACCOUNT_CONF" | tail -n 1; }
`;
/** Proxmox and OPNsense bring less. */
const BARE = `_err() { printf '%s\\n' "$@" >&2; }\n`;

interface Called {
  readonly code: number;
  readonly stderr: string;
}

function call(shell: string, functions: string, line: string, env: Record<string, string> = {}): Promise<Called> {
  const file = join(home, 'dnsapi', 'dns_dns01.sh');
  const script = `${functions}\n. "$DNSAPI_FILE"\n${line}\n`;
  const settings = {
    PATH: '/usr/bin:/bin',
    DNSAPI_FILE: file,
    ACCOUNT_CONF: join(home, 'account.conf'),
    DNS01_STATE_DIR: here.stateDirectory,
    ...env,
  };
  return new Promise((resolve) => {
    const child = spawn(shell, ['-c', script], { env: settings, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('close', (code) => resolve({ code: code ?? -1, stderr }));
  });
}

const shells = ['/bin/dash', '/bin/bash'].filter((shell) => existsSync(shell));
const config = () => ({ DNS01_CONFIG: join(here.directory, 'dns01.yaml') });

/** A stand-in for the executable: the tests' node need not be the one that a \`#!\` line finds. */
async function command(): Promise<string> {
  const path = join(here.directory, 'run dns01');
  await writeFile(path, `#!/bin/sh\nexec "${process.execPath}" "${bundle}" "$@"\n`, { mode: 0o755 });
  return path;
}

describe('hook acme.sh --install', () => {
  it('puts the file into the dnsapi folder of acme.sh', async () => {
    const { code, stdout } = await here.run(['hook', 'acme.sh', '--install'], { env: { LE_WORKING_DIR: home } });
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${home}/dnsapi/dns_dns01.sh\n` });
    expect((await stat(`${home}/dnsapi/dns_dns01.sh`)).mode & 0o777).toBe(0o755);
    expect(await readFile(`${home}/dnsapi/dns_dns01.sh`, 'utf8')).toContain(bundle);
  });

  it('or into the folder that is named, and says where acme.sh is not', async () => {
    const folder = join(here.directory, 'new', 'folder');
    expect((await here.run(['hook', 'acme.sh', '--install', folder])).stdout).toBe(`${folder}/dns_dns01.sh\n`);
    const missing = { env: { LE_WORKING_DIR: '/nowhere' } };
    expectFailure(
      await here.run(['hook', 'acme.sh', '--install'], missing),
      64,
      /acme\.sh is not installed in \/nowhere/,
    );
  });
});

describe.each(shells)('the dnsapi file under %s', (shell) => {
  beforeEach(async () => {
    await here.run(['hook', 'acme.sh', '--install', join(home, 'dnsapi')]);
  });

  it.each([
    ['all of acme.sh', ACME_SH],
    ['its error function alone', BARE],
  ])('publishes and withdraws exactly its value, with %s', async (_, functions) => {
    panels.ispconfig.plant({ name: `${NAME}.`, data: OTHER_VALUE });
    const env = { ...config(), DNS01_PROGRAM: await command() };
    expect(await call(shell, functions, `dns_dns01_add ${NAME} ${DASH}`, env)).toEqual({ code: 0, stderr: '' });
    expect(panels.ispconfig.held(NAME).sort()).toEqual([DASH, OTHER_VALUE].sort());
    expect(await call(shell, functions, `dns_dns01_rm ${NAME} ${DASH}`, env)).toEqual({ code: 0, stderr: '' });
    expect(panels.ispconfig.held(NAME)).toEqual([OTHER_VALUE]);
  });

  it('finds its settings again at a renewal, which cron starts without them', async () => {
    await call(shell, ACME_SH, `dns_dns01_add ${NAME} ${VALUE}`, { ...config(), DNS01_PROGRAM: await command() });
    expect(await call(shell, ACME_SH, `dns_dns01_rm ${NAME} ${VALUE}`)).toEqual({ code: 0, stderr: '' });
    expect(panels.ispconfig.held(NAME)).toEqual([]);
  });

  it('fails with the message of dns01', async () => {
    panels.ispconfig.panel.maintenance = true;
    const env = { ...config(), DNS01_PROGRAM: await command() };
    const { code, stderr } = await call(shell, ACME_SH, `dns_dns01_add ${NAME} ${VALUE}`, env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^dns01: error: account panel/m);
    expect(stderr).toContain(`dns01 failed for ${NAME}`);
  });

  it('works where every error ends the shell', async () => {
    const env = { ...config(), DNS01_PROGRAM: await command() };
    expect(await call(shell, `set -eu\n${ACME_SH}`, `dns_dns01_add ${NAME} ${VALUE}`, env)).toMatchObject({ code: 0 });
  });
});
