import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { CLOUDFLARE_TOKEN, startCloudflareFake } from '../fakes/cloudflare.ts';
import { openWorkplace, type Workplace } from '../support/cli.ts';
import { bundle } from '../support/paths.ts';
import { startResolvingCa } from './clients/resolving-ca.ts';
import { liveCertificate, runCertbot } from './lab/certbot.ts';
import { certificateNames } from './lab/certificate.ts';
import { describeLab } from './lab/describe-lab.ts';
import { type Lab, startLab } from './lab/lab.ts';
import type { Pebble } from './lab/pebble.ts';
import type { Account } from './support/account.ts';
import { OUR_HOOKS } from './support/hooks.ts';
import { standInAccount } from './support/lab-accounts.ts';
import { expectSuccess } from './support/outcome.ts';

const ZONE = 'imported.test';

describeLab("from acme.sh's files to a certificate", () => {
  let lab: Lab;
  let ca: Pebble;
  let account: Account;
  let here: Workplace;
  beforeAll(async () => {
    lab = await startLab({ zones: [ZONE], lagSeconds: 0 });
    [ca, account, here] = await Promise.all([
      startResolvingCa(lab, { name: 'ca-resolver', zones: [ZONE], caches: false }),
      standInAccount(lab, ZONE, 'cloudflare', startCloudflareFake),
      openWorkplace(),
    ]);
  });
  afterAll(async () => {
    await here?.remove();
    await account?.close();
    await ca?.close();
    await lab?.close();
  });

  it('import asks on a terminal, and what it writes gets a name and its wildcard', async () => {
    const started = Date.now();
    const home = join(here.directory, 'acme');
    await store(home, 'account.conf', `SAVED_CF_Token='${CLOUDFLARE_TOKEN}'\n`);
    await store(home, `${ZONE}_ecc/${ZONE}.conf`, `Le_Domain='${ZONE}'\nLe_Alt='*.${ZONE}'\nLe_Webroot='dns_cf'\n`);
    const config = join(here.directory, 'new', 'config.yaml');
    const command = `import acme.sh --from ${home} --config ${config}`;

    expect(await onTerminal(command, 'n\n')).toContain('nothing was written');
    await expect(readFile(config)).rejects.toThrow('ENOENT');
    const shown = await onTerminal(command, 'y\n');
    expect(shown).toContain('Write these 2 files?');
    expect(shown).toContain(`acme.sh --issue --force --dns dns_dns01 -d ${ZONE} -d '*.${ZONE}'`);
    expect(shown).not.toContain(CLOUDFLARE_TOKEN);

    // Only this laboratory needs more: the stand-in's address and its private DNS.
    const written = parse(await readFile(config, 'utf8'));
    written.accounts.cloudflare.url = account.login['url'];
    const dns = { resolvers: lab.resolvers, allowNetworks: ['127.0.0.0/8'], nameservers: lab.nameservers };
    await writeFile(config, stringify({ ...written, dns, propagation: { timeout: 30, interval: 0.2 } }));
    const hooks = ['--manual-auth-hook', OUR_HOOKS.auth, '--manual-cleanup-hook', OUR_HOOKS.cleanup];
    const env = { DNS01_CONFIG: config, DNS01_STATE_DIR: here.stateDirectory };
    const ending = new AbortController().signal;
    const names = ['--cert-name', ZONE, '-d', ZONE, '-d', `*.${ZONE}`];
    expectSuccess(await runCertbot(['certonly', ...names, ...hooks], { dir: here.directory, env, pebble: ca, ending }));
    expect(await certificateNames(liveCertificate(here.directory, ZONE))).toEqual([`*.${ZONE}`, ZONE]);
    expect(Date.now() - started).toBeLessThan(60_000);
  });

  async function store(home: string, name: string, text: string): Promise<void> {
    const path = join(home, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, text);
    await chmod(path, 0o600);
  }

  /** In a pseudo-terminal, in which somebody types. */
  function onTerminal(command: string, typed: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const program = `${process.execPath} ${bundle} ${command}`;
      const env = { PATH: process.env['PATH'], DNS01_STATE_DIR: here.stateDirectory, TERM: 'xterm' };
      const child = execFile('script', ['-qec', program, '/dev/null'], { env, timeout: 20_000 }, (error, stdout) =>
        error ? reject(new Error(`${error.message}\n${stdout}`)) : resolve(stdout),
      );
      child.stdin?.end(typed);
    });
  }
});
