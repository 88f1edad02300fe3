import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { CLOUDFLARE_TOKEN, startCloudflareFake } from '../fakes/cloudflare.ts';
import { openWorkplace, type Workplace } from '../support/cli.ts';
import { bundleOf, root } from '../support/paths.ts';
import { KEYS, openTerminal } from '../support/typing.ts';
import { writeProgram } from './clients/hook-calls.ts';
import { startResolvingCa } from './clients/resolving-ca.ts';
import { liveCertificate } from './lab/certbot.ts';
import { certificateNames } from './lab/certificate.ts';
import { describeLab } from './lab/describe-lab.ts';
import { type Lab, startLab } from './lab/lab.ts';
import type { Pebble } from './lab/pebble.ts';
import { run } from './lab/processes.ts';
import { PROGRAM_PATH, pathOf } from './lab/programs.ts';
import type { Account } from './support/account.ts';
import { standInAccount } from './support/lab-accounts.ts';
import { expectSuccess } from './support/outcome.ts';

const ZONE = 'example.test';

describeLab('from nothing to a certificate', () => {
  let lab: Lab;
  let ca: Pebble;
  let account: Account;
  let here: Workplace;
  let bin: string;
  beforeAll(async () => {
    lab = await startLab({ zones: [ZONE], lagSeconds: 0 });
    [ca, account, here] = await Promise.all([
      startResolvingCa(lab, { name: 'ca-init', zones: [ZONE], caches: false }),
      standInAccount(lab, ZONE, 'cloudflare', startCloudflareFake),
      openWorkplace(),
    ]);
    bin = join(here.directory, 'bin');
    await mkdir(bin);
    for (const program of ['dns01', 'dns01-hook'] as const) await symlink(bundleOf(program), join(bin, program));
    const where = ['config', 'work', 'logs'].map((part) => `--${part}-dir '${join(here.directory, 'certbot', part)}'`);
    const consent = '--non-interactive --agree-tos --register-unsafely-without-email';
    await writeProgram(join(bin, 'certbot'), [
      `exec '${pathOf('certbot')}' "$@" --server '${ca.directory}' ${consent} ${where.join(' ')}`,
    ]);
  });
  afterAll(async () => {
    await here?.remove();
    await account?.close();
    await ca?.close();
    await lab?.close();
  });

  it('init asks four things, and the line that it prints gets a name and its wildcard', async () => {
    const started = Date.now();
    // Only this laboratory needs a config before: its DNS is private.
    const config = join(here.directory, '.config', 'dns01', 'config.yaml');
    await mkdir(join(config, '..'), { recursive: true, mode: 0o700 });
    const dns = { resolvers: lab.resolvers, allowNetworks: ['127.0.0.0/8'], nameservers: lab.nameservers, doh: false };
    const accounts = { other: { provider: 'embedded', zones: ['other.test'] } };
    const network = { accounts, zones: { 'other.test': 'other' }, dns, propagation: { timeout: 30, interval: 0.2 } };
    await writeFile(config, stringify(network), { mode: 0o600 });

    const env = { PATH: `${bin}:${PROGRAM_PATH}`, HOME: here.directory, DNS01_STATE_DIR: here.stateDirectory };
    const terminal = openTerminal(['init', '--yes', '--url', String(account.login['url'])], env);
    await terminal.answer('Which domain', `${ZONE}${KEYS.enter}`);
    await terminal.answer('Who holds the zone?', `cloudflare${KEYS.enter}`);
    await terminal.answer('API token', `${CLOUDFLARE_TOKEN}${KEYS.enter}`);
    await terminal.answer('Which ACME client', KEYS.enter);
    expect(await terminal.ended, terminal.screen()).toBe(0);
    expect(terminal.shown()).not.toContain(CLOUDFLARE_TOKEN);

    const [, lines = ''] = /with certbot:\n((?: {2}.*\n)+)/.exec(terminal.screen()) ?? [];
    const issued = await run('sh', ['-e', '-c', lines], {
      env: { ...env, REQUESTS_CA_BUNDLE: ca.caFile },
      cwd: here.directory,
      timeoutSeconds: 90,
    });
    expectSuccess(issued);
    expect(await certificateNames(liveCertificate(here.directory, ZONE))).toEqual([`*.${ZONE}`, ZONE]);
    expect(Date.now() - started).toBeLessThan(120_000);
    console.log(`${Date.now() - started} ms from the first question to the certificate`);
    await expectRecorded(terminal.screen());
  });

  /** The page shows this session. DNS01_RECORD=1 writes it there. */
  async function expectRecorded(screen: string): Promise<void> {
    const page = await readFile(PAGE, 'utf8');
    const session = `$ dns01 init\n${withoutLab(screen.replaceAll(here.directory, '/home/you'))}`;
    const current = page.replace(FENCE, (_, before) => `${before}${session}\n\`\`\`\n`);
    if (process.env['DNS01_RECORD']) await writeFile(PAGE, current);
    else expect(page, `${PAGE} is out of date: run this test with DNS01_RECORD=1`).toBe(current);
  }
});

const PAGE = `${root}docs/first-certificate.md`;
const FENCE = /(```console\n).*?^```\n/ms;

/** Of the test, only the write: the rest is about the laboratory's private DNS. Without what differs from run to run. */
function withoutLab(screen: string): string {
  const [, before = '', test = '', after = ''] = /^(.*^The test: .*?\n)(.*?)\n\n(.*)$/ms.exec(screen) ?? [];
  // Long lines go on in indented ones.
  const writes = (test.match(/^\S.*(\n .*)*/gm) ?? []).filter((finding) => finding.includes(' write: '));
  return `${before}…\n${writes.join('\n')}\n\n${after}`
    .replace(/[\w-]{43}(?= at\b)/, 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ')
    .replace(/after \d+\.\d s/g, 'after 0.1 s')
    .trim();
}
