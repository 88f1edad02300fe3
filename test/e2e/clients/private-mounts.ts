import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { pathOf } from '../lab/programs.ts';
import type { AcmeClient } from './acme-client.ts';
import type { Site } from './site.ts';

/**
 * Some programs cannot be told which CA to trust (uacme) or which resolver to ask (lego for the addresses of name servers,
 * acmetool when it tries http-01 first). In a mount namespace of their own they find the laboratory's where the system's files are.
 */
export async function inPrivateMounts(site: Site, command: readonly string[]): Promise<[string, string[]]> {
  const resolvConf = join(site.dir, 'resolv.conf');
  const [resolver = ''] = site.lab.resolvers;
  await writeFile(resolvConf, `nameserver ${resolver.replace(/:53$/, '')}\noptions timeout:2 attempts:2\n`);
  const script =
    'mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/ssl/certs/ca-certificates.crt && shift 2 && exec "$@"';
  return [pathOf('unshare'), ['--mount', 'sh', '-c', script, 'sh', resolvConf, site.acme.caFile, ...command]];
}

/** Why a client cannot be run on this machine; undefined where it can. */
export function whyNotRunnable({ slug }: AcmeClient, { nameservers }: Lab): string | undefined {
  const needsMounts = /^(lego|uacme|acmetool)/.test(slug);
  if (needsMounts && process.getuid?.() !== 0) return 'its own view of /etc (a mount namespace) needs root';
  const needsPort53 = slug.startsWith('lego');
  if (needsPort53 && Object.keys(nameservers).length > 0)
    return 'it asks the name servers at port 53, which is not free';
  return undefined;
}
