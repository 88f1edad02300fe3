import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import definition from '../../providers/poweradmin/index.ts';
import { type ContractHarness, describeContract } from '../contract.ts';
import { OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { openOn } from '../support/stand-in-contract.ts';
import { liveCertificate, runCertbot } from './lab/certbot.ts';
import { certificateNames } from './lab/certificate.ts';
import { type Pebble, startPebble } from './lab/pebble.ts';
import { missingPrograms } from './lab/programs.ts';
import { txtValues } from './lab/records.ts';
import { holdsWithin } from './lab/until.ts';
import { type PoweradminUser, type RealPoweradmin, startPoweradmin, whyNoPoweradmin } from './labs/poweradmin/panel.ts';
import { OUR_HOOKS } from './support/hooks.ts';
import { expectSuccess } from './support/outcome.ts';

const ZONES = ['example.com', 'sub.example.com'];
const FOREIGN = 'a value of somebody else';
const EDITOR: PoweradminUser = { name: 'dns01', template: 'Editor', key: 'pwa_editor-0123456789abcdef', zones: ZONES };
const VIEWER: PoweradminUser = { ...EDITOR, name: 'viewer', template: 'Viewer', key: 'pwa_viewer-0123456789abcdef' };
const STRANGER: PoweradminUser = {
  ...{ name: 'stranger', template: 'Zone Manager', key: 'pwa_stranger-0123456789' },
  zones: ['contract.example', 'example.net'],
};

const missing = missingPrograms();
const obstacle = missing.length > 0 ? `missing programs: ${missing.join(', ')}` : await whyNoPoweradmin();
if (obstacle) console.warn(`Poweradmin itself: skipped, ${obstacle}`);

describe.skipIf(obstacle)(`Poweradmin itself${obstacle ? ` (cannot run, ${obstacle})` : ''}`, () => {
  const ending = new AbortController();
  let dir: string;
  let panel: RealPoweradmin;
  let pebble: Pebble;
  let here: Workplace;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'dns01-pa-'));
    panel = await startPoweradmin({ dir, foreign: FOREIGN, users: [EDITOR, VIEWER, STRANGER] });
    pebble = await startPebble({ dir, dnsServer: panel.dns });
  });
  afterAll(async () => {
    ending.abort();
    await pebble?.close();
    await panel?.close();
    if (panel && process.env['DNS01_E2E_KEEP'] === undefined) await rm(dir, { recursive: true, maxRetries: 5 });
  });

  beforeEach(async () => {
    here = await openWorkplace();
    await configure(EDITOR.key);
  });
  afterEach(async () => {
    await here.expectNoSecret(EDITOR.key);
    await here.remove();
  });

  async function configure(apiKey: string, zones: readonly string[] = ZONES): Promise<void> {
    const server = `${panel.dns.host}:${panel.dns.port}`;
    await here.configure(
      JSON.stringify({
        accounts: { panel: { provider: 'poweradmin', url: panel.url, apiKey } },
        zones: Object.fromEntries(zones.map((zone) => [zone, 'panel'])),
        dns: {
          resolvers: [server],
          allowNetworks: ['127.0.0.0/8'],
          nameservers: Object.fromEntries(zones.map((zone) => [zone, [server]])),
        },
        propagation: { timeout: 120, interval: 0.5 },
      }),
    );
  }

  /** PowerDNS keeps answers for a second here. */
  async function expectServed(name: string, values: readonly string[]): Promise<void> {
    const expected = [...values].sort();
    await holdsWithin(20, async () => String(await txtValues(panel.dns, name)) === String(expected));
    expect(await txtValues(panel.dns, name)).toEqual(expected);
  }

  async function expectNothingLeft(): Promise<void> {
    for (const zone of ZONES) await expectServed(`_acme-challenge.${zone}`, [FOREIGN]);
    expect(await panel.rowsWith(VALUE)).toEqual([]);
    expectSuccess(await here.run(['sweep']));
  }

  it('gets a certificate for an apex, its wildcard and a name of a deeper zone', async () => {
    const domains = ['example.com', '*.example.com', 'www.sub.example.com'];
    const hooks = ['--manual-auth-hook', OUR_HOOKS.auth, '--manual-cleanup-hook', OUR_HOOKS.cleanup];
    const env = { DNS01_CONFIG: join(here.directory, 'dns01.yaml'), DNS01_STATE_DIR: here.stateDirectory };
    const asked = domains.flatMap((domain) => ['-d', domain]);
    expectSuccess(await runCertbot(['certonly', ...hooks, ...asked], { dir, pebble, ending: ending.signal, env }));
    expect(await certificateNames(liveCertificate(dir, 'example.com'))).toEqual([...domains].sort());
    await expectServed('_acme-challenge.www.sub.example.com', []);
    await expectNothingLeft();
  });

  const manyNames = Array.from({ length: 40 }, (_, index) => `_acme-challenge.n${index}.${ZONES[index % 2]}`);
  const linesOf = (action: string, value = VALUE) =>
    manyNames.map((name) => `${JSON.stringify({ action, name, value })}\n`).join('');

  it('adds and removes many values at once', async () => {
    for (const action of ['add', 'remove']) {
      const outcome = await here.run(['batch'], { input: linesOf(action) });
      expectSuccess(outcome);
      expect(outcome.stdout.match(/"changed":true/g)).toHaveLength(manyNames.length);
      await expectServed(manyNames[0] ?? '', action === 'add' ? [VALUE] : []);
    }
    await expectNothingLeft();
  });

  it('neither loses nor doubles a value when its web server is killed and comes back', async () => {
    const names = manyNames.slice(0, 12);
    const running = names.map((name) => here.run(['add-txt', '--no-wait', '--verbose', name, OTHER_VALUE]));
    const killing = (async () => {
      for (let times = 0; times < 3; times++) {
        await holdsWithin(5, async () => (await panel.rowsWith(OTHER_VALUE)).length > times * 3);
        await panel.stopWeb();
        await panel.startWeb();
      }
    })();
    const outcomes = await Promise.all(running);
    await killing;
    expect(outcomes.map(({ stderr }) => stderr).join('')).toMatch(/ECONN/);
    const held = (await panel.rowsWith(OTHER_VALUE)).map((row) => row.split('\t')[0]);
    expect(new Set(held).size).toBe(held.length);
    for (const [index, { code, stderr }] of outcomes.entries()) {
      expect([0, 75], stderr).toContain(code);
      if (code === 0) expect(held).toContain(names[index]);
    }
    expectSuccess(await here.run(['batch'], { input: linesOf('remove', OTHER_VALUE) }));
    expect(await panel.rowsWith(OTHER_VALUE)).toEqual([]);
    await expectNothingLeft();
  });

  it.each([
    ['a wrong key', 'pwa_wrong', ZONES, 77, /the API key was refused.*page API Keys/s],
    ['the key of a user who may only read', VIEWER.key, ZONES, 77, /zone_content_edit_own_as_client/],
    ['a zone of another user', EDITOR.key, ['example.net'], 68, /sees no zone example\.net/],
  ] as const)('says what is wrong with %s', async (_, key, zones, code, text) => {
    await configure(key, zones);
    const outcome = await here.run(['add-txt', '--no-wait', `_acme-challenge.${zones[0]}`, VALUE]);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toMatch(text);
    await expectServed(`_acme-challenge.${zones[0]}`, [FOREIGN]);
  });

  it('doctor shows which zones the user may change', async () => {
    await configure(VIEWER.key);
    const { stdout } = await here.run(['doctor']);
    expect(stdout).toMatch(/change the records of example\.com/);
  });

  const contractHarness = async (): Promise<ContractHarness> => {
    const zone = 'contract.example';
    const sql = (statements: string) => panel.database.sql(`use pdns; ${statements}`);
    await sql(`delete from records where name like '%${zone}' and type = 'TXT';`);
    return {
      zone,
      async open(requestTimeout) {
        const options = { url: panel.url, apiKey: STRANGER.key };
        const { provider, context } = openOn(definition, { options }, { requestTimeout });
        return { provider, close: () => context.http.close() };
      },
      async held(name) {
        const rows = await sql(`select content from records where name = '${name}' and type = 'TXT';`);
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
      close: async () => {},
    };
  };
  describeContract('the real Poweradmin', contractHarness, { faults: false });
});
