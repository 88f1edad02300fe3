import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Dns01Error } from '../../src/errors.ts';

export interface AcmeshFiles {
  /** acme.sh itself. */
  readonly acme: string;
  /** The dnsapi file. */
  readonly api: string;
}

/** Where acme.sh itself looks for its dnsapi files. @throws E_CONFIG */
export function findFiles(home: string, script: string): AcmeshFiles {
  const acme = join(home, 'acme.sh');
  if (!existsSync(acme)) {
    throw new Dns01Error('E_CONFIG', `there is no acme.sh in ${home}`, {
      hint: 'install acme.sh, or say in home where it is',
    });
  }
  const places = [join(home, 'dnsapi', `${script}.sh`), join(home, `${script}.sh`)];
  const api = places.find((place) => existsSync(place));
  if (api !== undefined) return { acme, api };
  throw new Dns01Error('E_CONFIG', `acme.sh has no ${script}: looked for ${places.join(' and ')}`, {
    hint: `see the names of its scripts with: ls ${join(home, 'dnsapi')}`,
  });
}
