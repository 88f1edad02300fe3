import { join } from 'node:path';
import type { Outcome } from '../lab/processes.ts';
import { pathOf } from '../lab/programs.ts';
import type { AcmeClient } from './acme-client.ts';
import { inPrivateMounts } from './private-mounts.ts';
import type { Site } from './site.ts';

export const uacme: AcmeClient = {
  title: 'uacme',
  slug: 'uacme',
  looksItself: false,
  oneAfterTheOther: true,
  async prepare(site) {
    const { code, stdout, stderr } = await runUacme(site, ['new']);
    if (code !== 0) throw new Error(`uacme new exited with ${code}\n${stdout}\n${stderr}`);
  },
  issue: (site, domains, signal) => runUacme(site, ['-h', join(site.bin, 'dns01-hook'), 'issue', ...domains], signal),
  certificateFile: (site, [first = '']) => join(site.dir, first, 'cert.pem'),
};

async function runUacme(site: Site, args: readonly string[], signal?: AbortSignal): Promise<Outcome> {
  const [command, commandArgs] = await inPrivateMounts(site, [pathOf('uacme'), ...uacmeSettings(site), ...args]);
  return site.run(command, commandArgs, { signal });
}

/** What the laboratory adds to a line of uacme. */
export const uacmeSettings = (site: Site): string[] => ['-a', site.acme.directory, '-c', site.dir, '-y', '-t', 'EC'];
