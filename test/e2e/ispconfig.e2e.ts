import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { liveCertificate, runCertbot } from './lab/certbot.ts';
import { certificateNames } from './lab/certificate.ts';
import { type Pebble, startPebble } from './lab/pebble.ts';
import { missingPrograms } from './lab/programs.ts';
import { txtValues } from './lab/records.ts';
import { holdsWithin } from './lab/until.ts';
import { type RealPanel, startPanel, whyNoPanel } from './labs/ispconfig/panel.ts';
import { OUR_HOOKS } from './support/hooks.ts';
import { expectSuccess } from './support/outcome.ts';

const ZONES = ['example.com', 'sub.example.com'];
const FOREIGN = 'a value of somebody else';
const FUNCTIONS = ['dns_zone_get', 'dns_zone_update', 'dns_txt_get', 'dns_txt_add', 'dns_txt_delete'];
const USER = { name: 'dns01', password: 'Panel+Pass/wörd "42"', functions: FUNCTIONS };
const LACKING = { ...USER, name: 'lacking', functions: FUNCTIONS.filter((name) => name !== 'dns_zone_update') };

const missing = missingPrograms();
const obstacle = missing.length > 0 ? `missing programs: ${missing.join(', ')}` : await whyNoPanel();
if (obstacle) console.warn(`ISPConfig itself: skipped, ${obstacle}`);

describe.skipIf(obstacle)(`ISPConfig itself${obstacle ? ` (cannot run, ${obstacle})` : ''}`, () => {
  const ending = new AbortController();
  let dir: string;
  let panel: RealPanel;
  let pebble: Pebble;
  let here: Workplace;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'dns01-isp-'));
    panel = await startPanel({ dir, zones: ZONES, foreign: FOREIGN, users: [USER, LACKING] });
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
    await configure(USER);
  });
  afterEach(async () => {
    await here.expectNoSecret(USER.password);
    await here.remove();
  });

  async function configure({ name, password }: { readonly name: string; readonly password: string }): Promise<void> {
    const server = `${panel.dns.host}:${panel.dns.port}`;
    await here.configure(
      JSON.stringify({
        accounts: { panel: { provider: 'ispconfig', url: panel.url, username: name, password } },
        zones: Object.fromEntries(ZONES.map((zone) => [zone, 'panel'])),
        dns: {
          resolvers: [server],
          allowNetworks: ['127.0.0.0/8'],
          nameservers: Object.fromEntries(ZONES.map((zone) => [zone, [server]])),
        },
        propagation: { timeout: 120, interval: 0.5 },
      }),
    );
  }

  /** The panel's script takes a moment to write what the panel has stored. */
  async function expectServed(name: string, values: readonly string[]): Promise<void> {
    const expected = [...values].sort();
    await holdsWithin(20, async () => String(await txtValues(panel.dns, name)) === String(expected));
    expect(await txtValues(panel.dns, name)).toEqual(expected);
  }

  async function expectNothingLeft(): Promise<void> {
    for (const zone of ZONES) await expectServed(`_acme-challenge.${zone}`, [FOREIGN]);
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

  it('adds and removes many values in one login each', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `_acme-challenge.n${index}.${ZONES[index % 2]}`);
    names.push('_acme-challenge.example.com');
    const batch = async (action: string) => {
      const input = names.map((name) => `${JSON.stringify({ action, name, value: VALUE })}\n`).join('');
      const outcome = await here.run(['batch'], { input });
      expectSuccess(outcome);
      expect(outcome.stdout.match(/"changed":true/g)).toHaveLength(names.length);
    };
    await batch('add');
    // They have been seen there.
    for (const name of names) expect(await txtValues(panel.dns, name)).toContain(VALUE);
    expect(await txtValues(panel.dns, '_acme-challenge.example.com')).toEqual([VALUE, FOREIGN].sort());
    await batch('remove');
    for (const name of names.slice(0, -1)) await expectServed(name, []);
    await expectNothingLeft();
  });

  it('adds the same value once, and removes what is not there', async () => {
    const name = '_acme-challenge.twice.example.com';
    for (const changed of [true, false]) {
      const { code, stdout, stderr } = await here.run(['add-txt', '--json', name, VALUE]);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ zone: 'example.com', changed });
    }
    await expectServed(name, [VALUE]);
    for (const changed of [true, false]) {
      const { code, stdout, stderr } = await here.run(['remove-txt', '--json', name, VALUE]);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ changed });
    }
    await expectServed(name, []);
  });

  it('neither loses nor doubles a value when its sessions end', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `_acme-challenge.s${index}.example.com`);
    const lines = (action: string) =>
      names.map((name) => `${JSON.stringify({ action, name, value: OTHER_VALUE })}\n`).join('');
    let isRunning = true;
    const running = here.run(['batch', '--no-wait'], { input: lines('add') }).finally(() => {
      isRunning = false;
    });
    // As soon as some rows are there, and again for as long as that takes.
    for (let times = 0; isRunning && times < 3; ) {
      const before = (await panel.namesWith(OTHER_VALUE)).length;
      if (before <= times * 3) continue;
      await panel.endSessions();
      times++;
    }
    const { code, stdout, stderr } = await running;
    expect([0, 75], stderr).toContain(code);
    const done = stdout.split('\n').filter((line) => line.includes('"ok":true'));
    const held = await panel.namesWith(OTHER_VALUE);
    expect(new Set(held).size).toBe(held.length);
    for (const line of done) expect(held).toContain(`${JSON.parse(line).name}.`);

    expectSuccess(await here.run(['batch'], { input: lines('remove') }));
    expect(await panel.namesWith(OTHER_VALUE)).toEqual([]);
    await expectNothingLeft();
  });

  it('is told which right is missing', async () => {
    await configure(LACKING);
    const { code, stdout } = await here.run(['doctor']);
    expect(code).toBe(65);
    expect(stdout).toMatch(/BAD.*dns_zone_update/i);
  });

  it('is told that the password is wrong', async () => {
    await configure({ ...USER, password: 'something else' });
    const { code, stderr } = await here.run(['add-txt', '--no-wait', '_acme-challenge.example.com', VALUE]);
    expect(code).toBe(77);
    expect(stderr).toMatch(/wrong user name or password/);
    await expectServed('_acme-challenge.example.com', [FOREIGN]);
  });
});
