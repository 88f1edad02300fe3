import { join } from 'node:path';
import { pathOf } from '../lab/programs.ts';
import type { AcmeClient } from './acme-client.ts';
import type { Site } from './site.ts';

export const certbot: AcmeClient = {
  title: 'certbot',
  slug: 'certbot',
  looksItself: false,
  oneAfterTheOther: false,
  issue(site, domains, signal) {
    const hooks = [
      '--manual-auth-hook',
      'dns01 hook certbot auth',
      '--manual-cleanup-hook',
      'dns01 hook certbot cleanup',
    ];
    const asked = domains.flatMap((domain) => ['-d', domain]);
    const args = [
      'certonly',
      '--manual',
      '--preferred-challenges',
      'dns',
      ...hooks,
      ...asked,
      ...certbotSettings(site),
    ];
    return site.run(pathOf('certbot'), args, { env: { REQUESTS_CA_BUNDLE: site.acme.caFile }, signal });
  },
  certificateFile: (site, [first = '']) => join(site.dir, 'config', 'live', first, 'fullchain.pem'),
};

/** What stands in cli.ini where certbot is at home. */
export function certbotSettings(site: Site): string[] {
  const where = ['config', 'work', 'logs'].flatMap((part) => [`--${part}-dir`, join(site.dir, part)]);
  return [
    ...where,
    '--server',
    site.acme.directory,
    '--non-interactive',
    '--agree-tos',
    '--register-unsafely-without-email',
  ];
}
