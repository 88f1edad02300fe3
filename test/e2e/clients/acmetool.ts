import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Outcome } from '../lab/processes.ts';
import { pathOf } from '../lab/programs.ts';
import type { AcmeClient } from './acme-client.ts';
import { writeProgram } from './hook-calls.ts';
import { inPrivateMounts } from './private-mounts.ts';
import type { Site } from './site.ts';

export const acmetool: AcmeClient = {
  title: 'acmetool',
  slug: 'acmetool',
  looksItself: false,
  oneAfterTheOther: false,
  async prepare(site) {
    await setUpAcmetool(site);
    await writeProgram(join(hooksOf(site), 'dns01'), [`exec '${join(site.bin, 'dns01')}' hook acmetool "$@"`]);
  },
  issue: (site, domains, signal) => runAcmetool(site, ['want', ...domains], signal),
  certificateFile: (site, [first = '']) => join(site.dir, 'live', first, 'fullchain'),
};

/** Outside of the state directory, where acmetool takes the right to be executed from every file. */
export const hooksOf = (site: Site): string => join(site.here.directory, 'acme-hooks');

/** What `acmetool quickstart` asks for. */
export async function setUpAcmetool(site: Site): Promise<void> {
  const conf = join(site.dir, 'conf');
  await Promise.all([mkdir(conf), mkdir(hooksOf(site))]);
  await writeFile(
    join(conf, 'target'),
    JSON.stringify({
      request: {
        provider: site.acme.directory,
        key: { type: 'ecdsa' },
        // It tries http-01 as well, and would put files into /run.
        challenge: { 'webroot-paths': [join(site.dir, 'webroot')] },
      },
    }),
  );
  await writeFile(
    join(conf, 'responses'),
    '"acme-enter-email": "you@example.com"\n"acme-agreement:data:text/plain,Do%20what%20thou%20wilt": true\n',
  );
}

async function runAcmetool(site: Site, args: readonly string[], signal?: AbortSignal): Promise<Outcome> {
  const [command, commandArgs] = await inPrivateMounts(site, [pathOf('acmetool'), ...acmetoolSettings(site), ...args]);
  return site.run(command, commandArgs, { signal });
}

/** What the laboratory adds to a line of acmetool. */
export const acmetoolSettings = (site: Site): string[] => [
  '--state',
  site.dir,
  '--hooks',
  hooksOf(site),
  '--batch',
  '--xlog.stderr',
];
