import { expect, it } from 'vitest';
import definition from '../../providers/poweradmin/index.ts';
import { type ContractHarness, describeContract } from '../contract.ts';
import { openOn } from '../support/stand-in-contract.ts';
import { type PoweradminUser, startPoweradmin, whyNoPoweradmin } from './labs/poweradmin/panel.ts';
import { FOREIGN, ZONES } from './support/panel-steps.ts';
import { describePanel } from './support/real-panel.ts';

const EDITOR: PoweradminUser = { name: 'dns01', template: 'Editor', key: 'pwa_editor-0123456789abcdef', zones: ZONES };
const VIEWER: PoweradminUser = { ...EDITOR, name: 'viewer', template: 'Viewer', key: 'pwa_viewer-0123456789abcdef' };
const STRANGER: PoweradminUser = {
  ...{ name: 'stranger', template: 'Zone Manager', key: 'pwa_stranger-0123456789' },
  zones: ['contract.example', 'example.net'],
};

describePanel({
  title: 'Poweradmin',
  obstacle: await whyNoPoweradmin(),
  async start(dir) {
    const panel = await startPoweradmin({ dir, foreign: FOREIGN, users: [EDITOR, VIEWER, STRANGER] });
    return { ...panel, login: { provider: 'poweradmin', url: panel.url, apiKey: EDITOR.key }, secret: EDITOR.key };
  },
  refusals: [
    { what: 'a wrong key', login: { apiKey: 'pwa_wrong' }, code: 77, text: /the API key was refused.*page API Keys/s },
    {
      what: 'the key of a user who may only read',
      ...{ login: { apiKey: VIEWER.key }, code: 77, text: /zone_content_edit_own_as_client/ },
    },
    { what: 'a zone of another user', zone: 'example.net', code: 68, text: /sees no zone example\.net/ },
  ],
  more(panel) {
    it.each([
      [EDITOR, true],
      [VIEWER, false],
    ])('is asked which zones the user may change', async ({ key }, held) => {
      const { provider, close } = openOn(definition, { options: { url: panel().url, apiKey: key } });
      const rights = await provider.checkRights?.();
      expect(rights).toMatchObject(ZONES.map((zone) => ({ right: `change the records of ${zone}`, held })));
      await close();
    });

    describeContract('the real Poweradmin', async () => harnessOf(panel()), { faults: false });
  },
});

function harnessOf(panel: Awaited<ReturnType<typeof startPoweradmin>>): ContractHarness {
  const zone = 'contract.example';
  const sql = (statements: string) => panel.database.sql(`use pdns; ${statements}`);
  return {
    zone,
    async open(requestTimeout) {
      const options = { url: panel.url, apiKey: STRANGER.key };
      const { provider, context } = openOn(definition, { options }, { requestTimeout });
      return { provider, close: () => context.http.close() };
    },
    async held(name) {
      const rows = await sql(
        `select content from records where name = '${name}' and type = 'TXT' and content not like '%${FOREIGN}%';`,
      );
      return rows
        .split('\n')
        .slice(1, -1)
        .map((row) => row.slice(1, -1).replaceAll('" "', ''))
        .sort();
    },
    async plant(name, value) {
      await sql(
        `insert into records (domain_id, name, type, content, ttl, prio)
         select id, '${name}', 'TXT', '"${value}"', 60, 0 from domains where name = '${zone}';`,
      );
    },
    close: async () => {
      await sql(`delete from records where name like '%${zone}' and type = 'TXT';`);
    },
  };
}
