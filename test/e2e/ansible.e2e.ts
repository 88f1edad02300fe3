import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pasted } from './clients/pages.ts';
import { atSite, FOREIGN } from './clients/site.ts';
import { certificateNames } from './lab/certificate.ts';
import { describeLab } from './lab/describe-lab.ts';
import { type Lab, startLab } from './lab/lab.ts';
import { pathTo } from './lab/programs.ts';
import { expectSuccess } from './support/outcome.ts';

const ZONE = 'ansible.docs.test';
const NAME = `_acme-challenge.${ZONE}`;

describeLab('Ansible', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ zones: [ZONE], lagSeconds: 1 });
  });
  afterAll(() => lab?.close());

  it('gets a domain and its wildcard with the playbook of the page, once', async ({ skip }) => {
    skip(pathTo('ansible-playbook') === undefined, 'ansible-playbook is missing: apt-get install ansible');
    await atSite(lab, { zones: [ZONE] }, async (site) => {
      await site.plant(NAME, FOREIGN);
      const folder = join(site.here.directory, 'etc', 'acme');
      await mkdir(folder, { recursive: true });
      const [playbook = ''] = await pasted(site, 'ansible.md', 'yaml');
      const file = join(site.dir, 'playbook.yml');
      await writeFile(file, playbook.replace(/https:\S+directory/, site.acme.directory));
      const play = () =>
        site.run('ansible-playbook', [file], { env: { SSL_CERT_FILE: site.acme.caFile, ANSIBLE_HOME: site.dir } });

      expectSuccess(await play());
      expect(await certificateNames(join(folder, `${ZONE}.pem`))).toEqual([`*.${ZONE}`, ZONE]);
      expect(site.published.map(({ name }) => name)).toEqual([NAME, NAME]);
      await site.expectHeld(NAME, [FOREIGN]);
      expect(await site.journal()).toEqual([]);

      expectSuccess(await play());
      expect(site.published).toHaveLength(2);
    });
  });
});
