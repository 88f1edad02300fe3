import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openedForApache, startApache } from './clients/mod-md.ts';
import { pasted } from './clients/pages.ts';
import { atSite, FOREIGN, type Site } from './clients/site.ts';
import { certificateNames } from './lab/certificate.ts';
import { describeLab } from './lab/describe-lab.ts';
import { type Lab, startLab } from './lab/lab.ts';
import { missingOf } from './lab/programs.ts';
import { holdsWithin } from './lab/until.ts';

const VERSIONS = [1, 2] as const;
const zoneOf = (version: number | string) => `version-${version}.mod-md.test`;

const missing = missingOf(['apache2']);
const obstacle =
  missing.length > 0 ? `missing programs: ${missing.join(', ')}` : process.getuid?.() === 0 ? undefined : 'needs root';

describeLab('mod_md, in a real Apache', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ zones: [...VERSIONS.map(zoneOf), zoneOf('none')], lagSeconds: 1 });
  });
  afterAll(() => lab?.close());

  describe.concurrent('as www-data, with the lines of the page', () => {
    it.for(VERSIONS)('gets a domain and its wildcard with MDChallengeDns01Version %i', async (version, { skip }) => {
      skip(obstacle !== undefined, obstacle);
      const zone = zoneOf(version);
      const name = `_acme-challenge.${zone}`;
      await atSite(lab, { zones: [zone] }, async (site) => {
        await site.plant(name, FOREIGN);
        await openedForApache(site);
        const apache = await startApache(site, await directives(site, version));
        const log = () => readFile(apache.logFile, 'utf8');
        await holdsWithin(60, async () => /has been setup|md:error/.test(await log()));
        expect(await log()).toContain('has been setup');
        await apache.reload();
        expect(await holdsWithin(10, async () => (await namesIn(apache.certificateFile)).length > 0)).toBe(true);
        expect(await namesIn(apache.certificateFile)).toEqual([`*.${zone}`, zone]);

        expect((await stat(join(site.here.stateDirectory, 'journal'))).uid).toBe(33);
        expect(site.published.map((one) => one.name)).toEqual([name, name]);
        expect(await site.journal()).toEqual([]);
        await site.expectHeld(name, [FOREIGN]);
        const lines = (await site.calls()).map(({ line }) => line.split(' '));
        const words = lines.filter(([, , verb]) => verb === 'teardown').map((line) => line.length - '..'.length);
        expect(words).toEqual([version + 1, version + 1]);
      });
    });
  });

  it('shows why a setup fails in the log of Apache, and leaves nothing behind', async ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const zone = zoneOf('none');
    await atSite(lab, { zones: [zone], atPanel: [zone] }, async (site) => {
      site.panels.ispconfig.panel.maintenance = true;
      await openedForApache(site);
      const apache = await startApache(site, await directives(site, 2));
      const log = () => readFile(apache.logFile, 'utf8');
      expect(await holdsWithin(30, async () => /dns-01 setup command returns 75/.test(await log()))).toBe(true);
      expect(await log()).toMatch(/stderr: dns01: error: account panel .*maintenance/);
      expect(await site.journal()).toEqual([]);
      expect((await site.calls()).map(({ line }) => line.split(' ')[2])).not.toContain('teardown');
    });
  });

  /** The lines of the page, with this version. */
  async function directives(site: Site, version: number): Promise<string[]> {
    const [lines = ''] = await pasted(site, 'mod_md.md', 'apache');
    return lines.replace(/(MDChallengeDns01Version) 2/, `$1 ${version}`).split('\n');
  }
});

const namesIn = (file: string): Promise<string[]> => certificateNames(file).catch(() => []);
