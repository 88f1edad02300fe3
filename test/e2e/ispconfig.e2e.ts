import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { type Pebble, startPebble } from './lab/pebble.ts';
import { missingPrograms } from './lab/programs.ts';
import { txtValues } from './lab/records.ts';
import { type RealPanel, startPanel, whyNoPanel } from './labs/ispconfig/panel.ts';
import { expectSuccess } from './support/outcome.ts';
import { expectServed, FOREIGN, getCertificate, panelConfig, ZONES } from './support/panel-steps.ts';

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
    await here.configure(panelConfig({ provider: 'ispconfig', url: panel.url, username: name, password }, panel.dns));
  }
  const served = (name: string, values: readonly string[]) => expectServed(panel.dns, name, values);

  async function expectNothingLeft(): Promise<void> {
    for (const zone of ZONES) await served(`_acme-challenge.${zone}`, [FOREIGN]);
    expectSuccess(await here.run(['sweep']));
  }

  it('gets a certificate for an apex, its wildcard and a name of a deeper zone', async () => {
    await getCertificate({ dir, pebble, here, ending: ending.signal });
    await served('_acme-challenge.www.sub.example.com', []);
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
    for (const name of names.slice(0, -1)) await served(name, []);
    await expectNothingLeft();
  });

  it('adds the same value once, and removes what is not there', async () => {
    const name = '_acme-challenge.twice.example.com';
    for (const changed of [true, false]) {
      const { code, stdout, stderr } = await here.run(['add-txt', '--json', name, VALUE]);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ zone: 'example.com', changed });
    }
    await served(name, [VALUE]);
    for (const changed of [true, false]) {
      const { code, stdout, stderr } = await here.run(['remove-txt', '--json', name, VALUE]);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ changed });
    }
    await served(name, []);
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
    await served('_acme-challenge.example.com', [FOREIGN]);
  });
});
