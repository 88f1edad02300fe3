import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { type Pebble, startPebble } from './lab/pebble.ts';
import { missingPrograms } from './lab/programs.ts';
import { txtValues } from './lab/records.ts';
import { holdsWithin } from './lab/until.ts';
import { type AccessKey, type RealPanel, startPanel, whyNoPanel } from './labs/hestiacp/panel.ts';
import { expectSuccess } from './support/outcome.ts';
import { expectServed, FOREIGN, getCertificate, panelConfig, ZONES } from './support/panel-steps.ts';

const USER = 'it';
const NAME = '_acme-challenge.example.com';
const COMMANDS = ['v-list-dns-records', 'v-add-dns-record', 'v-delete-dns-record', 'v-list-dns-domains'];

/** Each command takes a second or more, and each change of a zone some tenths of a second for each of its records. */
const LONG_MS = 300_000;

const missing = missingPrograms();
const obstacle = missing.length > 0 ? `missing programs: ${missing.join(', ')}` : whyNoPanel();
if (obstacle) console.warn(`HestiaCP itself: skipped, ${obstacle}`);

describe.skipIf(obstacle)(`HestiaCP itself${obstacle ? ` (cannot run, ${obstacle})` : ''}`, () => {
  const ending = new AbortController();
  let dir: string;
  let panel: RealPanel;
  let pebble: Pebble;
  let here: Workplace;
  let key: AccessKey;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'dns01-hst-'));
    panel = await startPanel({
      dir,
      zones: { [USER]: ZONES, neighbour: ['example.net'] },
      foreign: FOREIGN,
      // The second is the role that the panel brings with it.
      roles: { dns01: COMMANDS, 'update-dns-records': ['v-list-dns-records', 'v-change-dns-record'] },
    });
    pebble = await startPebble({ dir, dnsServer: panel.dns });
    key = await panel.keyFor(USER, 'dns01');
  });
  afterAll(async () => {
    ending.abort();
    await pebble?.close();
    await panel?.close();
    if (panel && process.env['DNS01_E2E_KEEP'] === undefined) await rm(dir, { recursive: true, maxRetries: 5 });
  });

  beforeEach(async () => {
    here = await openWorkplace();
    await configure(key);
  });
  afterEach(async () => {
    await here.expectNoSecret(key.secretKey);
    await here.remove();
    for (const zone of ZONES) expect(await txtValues(panel.dns, `_acme-challenge.${zone}`)).toEqual([FOREIGN]);
  });

  async function configure({ accessKey, secretKey }: AccessKey, zones: readonly string[] = ZONES): Promise<void> {
    await here.configure(
      panelConfig({ provider: 'hestiacp', url: panel.url, user: USER, accessKey, secretKey }, panel.dns, zones),
    );
  }
  const served = (name: string, values: readonly string[]) => expectServed(panel.dns, name, values);

  it('gets a certificate for an apex, its wildcard and a name of a deeper zone', async () => {
    await getCertificate({ dir, pebble, here, ending: ending.signal });
    await served('_acme-challenge.www.sub.example.com', []);
  });

  it('adds the same value once, and removes what is not there', async () => {
    for (const changed of [true, false]) {
      const { code, stdout, stderr } = await here.run(['add-txt', '--json', NAME, VALUE]);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ zone: 'example.com', changed });
    }
    await served(NAME, [FOREIGN, VALUE]);
    for (const changed of [true, false]) {
      const { code, stdout, stderr } = await here.run(['remove-txt', '--json', NAME, VALUE]);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ changed });
    }
    await served(NAME, [FOREIGN]);
  });

  it.each([
    ['with blanks, semicolons and equals signs', 'ca.example; accounturi=https://ca.example/acme/1; policy=wildcard'],
    ['of 400 octets', `ca.example; accounturi=https://ca.example/acme/${'x'.repeat(353)}`],
    ['of 700 octets without blanks', 'y'.repeat(700)],
  ])('serves a value %s as it is', async (_what, value) => {
    const name = '_acme-challenge.long.example.com';
    expectSuccess(await here.run(['add-txt', name, value]));
    await served(name, [value]);
    expectSuccess(await here.run(['remove-txt', name, value]));
    await served(name, []);
  });

  it(
    'does what two processes want at the same time',
    async () => {
      const names = ZONES.map((zone) => `_acme-challenge.both.${zone}`);
      const batch = async (action: string, value: string) => {
        const input = names.map((name) => `${JSON.stringify({ action, name, value })}\n`).join('');
        const outcome = await here.run(['batch', '--no-wait'], { input });
        expectSuccess(outcome);
        expect(outcome.stdout.match(/"changed":true/g)).toHaveLength(names.length);
      };
      await Promise.all([batch('add', VALUE), batch('add', OTHER_VALUE)]);
      for (const name of names) await served(name, [VALUE, OTHER_VALUE]);
      await Promise.all([batch('remove', VALUE), batch('remove', OTHER_VALUE)]);
      for (const name of names) await served(name, []);
    },
    LONG_MS,
  );

  it(
    'loses nothing when the web server of the panel ends in the middle',
    async () => {
      const names = Array.from({ length: 4 }, (_, index) => `_acme-challenge.s${index}.example.com`);
      const lines = (action: string) =>
        names.map((name) => `${JSON.stringify({ action, name, value: VALUE })}\n`).join('');
      const running = here.run(['batch', '--no-wait'], { input: lines('add') });
      await holdsWithin(60, async () => (await txtValues(panel.dns, names[0] ?? '')).length > 0);
      await panel.stopWeb();
      const { code, stdout, stderr } = await running;
      await panel.startWeb();
      expect(code, stderr).toBe(75);
      for (const line of stdout.split('\n').filter((each) => each.includes('"ok":true'))) {
        await served(JSON.parse(line).name, [VALUE]);
      }
      expectSuccess(await here.run(['batch', '--no-wait'], { input: lines('remove') }));
      for (const name of names) await served(name, []);
      expectSuccess(await here.run(['sweep']));
    },
    LONG_MS,
  );

  it('says that the secret key is wrong', async () => {
    await configure({ ...key, secretKey: `${key.secretKey.slice(0, -4)}0000` });
    const { code, stderr } = await here.run(['add-txt', '--no-wait', NAME, VALUE]);
    expect(code, stderr).toBe(77);
    expect(stderr).toMatch(/login was refused/);
  });

  it('says which commands the role of the key lacks, and that it was the role', async () => {
    const right = await here.run(['doctor']);
    for (const name of COMMANDS.slice(0, 3)) expect(right.stdout).toMatch(new RegExp(`^ok .*${name}`, 'm'));
    await configure(await panel.keyFor(USER, 'update-dns-records'));
    const { code, stdout } = await here.run(['doctor']);
    expect(code).toBe(65);
    expect(stdout).toMatch(/BAD.*v-list-dns-domains: the access key may not run this command/);
    const added = await here.run(['add-txt', '--no-wait', NAME, VALUE]);
    expect(added.code, added.stderr).toBe(77);
    expect(added.stderr).toMatch(/v-add-dns-record: the access key may not run this command/);
  });

  it('leaves the zone of another customer alone', async () => {
    await configure(key, ['example.net']);
    const { code, stderr } = await here.run(['add-txt', '--no-wait', '_acme-challenge.example.net', VALUE]);
    expect(code, stderr).toBe(68);
    expect(await txtValues(panel.dns, '_acme-challenge.example.net')).toEqual([FOREIGN]);
  });

  it('says that the package allows no more records', async () => {
    await panel.limitRecords(USER, 4);
    const { code, stderr } = await here.run(['add-txt', '--no-wait', NAME, VALUE]);
    await panel.limitRecords(USER, 'unlimited');
    expect(code, stderr).toBe(65);
    expect(stderr).toMatch(/no more DNS records/);
  });
});
