import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Outcome } from '../lab/processes.ts';
import { pathOf } from '../lab/programs.ts';
import type { AcmeClient } from './acme-client.ts';
import type { Site } from './site.ts';

export const dehydrated = withChain('no', 'dehydrated', 'dehydrated');
export const dehydratedChain = withChain('yes', 'dehydrated HOOK_CHAIN', 'dehydrated-chain');

function withChain(chain: 'yes' | 'no', title: string, slug: string): AcmeClient {
  return {
    title,
    slug,
    looksItself: false,
    oneAfterTheOther: false,
    async prepare(site) {
      const hook = ['CHALLENGETYPE="dns-01"', `HOOK=${join(site.bin, 'dns01-hook')}`, `HOOK_CHAIN="${chain}"`];
      await writeDehydratedConfig(site, hook);
      await registerDehydrated(site);
    },
    issue: runDehydrated,
    certificateFile: (site, [first = '']) => join(site.dir, 'certs', first, 'fullchain.pem'),
  };
}

export function runDehydrated(site: Site, domains: readonly string[], signal?: AbortSignal): Promise<Outcome> {
  const asked = domains.flatMap((domain) => ['-d', domain]);
  return site.run(pathOf('dehydrated'), ['-c', '-f', configFile(site), ...asked], { signal });
}

/** The lines of the page, after what the laboratory needs. */
export async function writeDehydratedConfig(site: Site, lines: readonly string[]): Promise<void> {
  const own = [
    `BASEDIR="${site.dir}"`,
    `CA="${site.acme.directory}"`,
    `CURL_OPTS="--cacert ${site.acme.caFile}"`,
    'KEYSIZE="2048"',
    'KEY_ALGO="prime256v1"',
  ];
  await writeFile(configFile(site), [...own, ...lines, ''].join('\n'));
}

export async function registerDehydrated(site: Site): Promise<void> {
  const args = ['--register', '--accept-terms', '-f', configFile(site)];
  const { code, stdout, stderr } = await site.run(pathOf('dehydrated'), args);
  if (code !== 0) throw new Error(`dehydrated --register exited with ${code}\n${stdout}\n${stderr}`);
}

const configFile = (site: Site): string => join(site.dir, 'config');
