import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../../support/cli.ts';
import type { Endpoint } from '../lab/addresses.ts';
import { type Pebble, startPebble } from '../lab/pebble.ts';
import { missingPrograms } from '../lab/programs.ts';
import { holdsWithin } from '../lab/until.ts';
import { expectSuccess } from './outcome.ts';
import { expectServed, FOREIGN, getCertificate, panelConfig, ZONES } from './panel-steps.ts';

type Login = Readonly<Record<string, unknown>>;

/** A panel of the laboratory with the zones of ZONES and a foreign value at the challenge name of each. */
export interface StartedPanel {
  readonly dns: Endpoint;
  /** The account of a user with these zones, as it stands in the config. */
  readonly login: Login;
  /** What of the login no output may show. */
  readonly secret: string;
  /** The name, or the part before the zone, of every record with this value; twice where it is there twice. */
  namesWith(value: string): Promise<string[]>;
  /** Kills the panel's web server, with all that it is doing. */
  stopWeb(): Promise<void>;
  startWeb(): Promise<void>;
  close(): Promise<void>;
}

export interface PanelRefusal {
  readonly what: string;
  /** What is different in the account. */
  readonly login?: Login;
  readonly zone?: string;
  readonly code: number;
  readonly text: RegExp;
}

export interface PanelSuite<Panel extends StartedPanel> {
  readonly title: string;
  /** Why it cannot run here. */
  readonly obstacle: string | undefined;
  start(dir: string): Promise<Panel>;
  readonly refusals: readonly PanelRefusal[];
  /** More tests of this panel. */
  more?(panel: () => Panel): void;
}

/** Certificates, many values at once, a web server that is killed, and refusals, at a real panel. */
export function describePanel<Panel extends StartedPanel>(suite: PanelSuite<Panel>): void {
  const missing = missingPrograms();
  const obstacle = missing.length > 0 ? `missing programs: ${missing.join(', ')}` : suite.obstacle;
  const title = `${suite.title} itself`;
  if (obstacle) console.warn(`${title}: skipped, ${obstacle}`);
  describe.skipIf(obstacle)(`${title}${obstacle ? ` (cannot run, ${obstacle})` : ''}`, () => {
    const ending = new AbortController();
    let dir: string;
    let panel: Panel;
    let pebble: Pebble;
    let here: Workplace;

    beforeAll(async () => {
      // A socket's path holds 107 bytes.
      dir = await mkdtemp(join(tmpdir(), 'dns01-lab-'));
      panel = await suite.start(dir);
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
      await configure({}, ZONES);
    });
    afterEach(async () => {
      await here.expectNoSecret(panel.secret);
      await here.remove();
    });

    async function configure(login: Login, zones: readonly string[]): Promise<void> {
      await here.configure(panelConfig({ ...panel.login, ...login }, panel.dns, zones));
    }
    const served = (name: string, values: readonly string[]) => expectServed(panel.dns, name, values);

    async function expectNothingLeft(): Promise<void> {
      for (const zone of ZONES) await served(`_acme-challenge.${zone}`, [FOREIGN]);
      expect(await panel.namesWith(VALUE)).toEqual([]);
      expectSuccess(await here.run(['sweep']));
    }

    it('gets a certificate for an apex, its wildcard and a name of a deeper zone', async () => {
      await getCertificate({ dir, pebble, here, ending: ending.signal });
      await served('_acme-challenge.www.sub.example.com', []);
      await expectNothingLeft();
    });

    const names = Array.from({ length: 40 }, (_, index) => `_acme-challenge.n${index}.${ZONES[index % 2]}`);
    const linesOf = (action: string, value = VALUE) =>
      names.map((name) => `${JSON.stringify({ action, name, value })}\n`).join('');

    it('adds and removes many values at once', async () => {
      for (const action of ['add', 'remove']) {
        const outcome = await here.run(['batch'], { input: linesOf(action) });
        expectSuccess(outcome);
        expect(outcome.stdout.match(/"changed":true/g)).toHaveLength(names.length);
        await served(names[0] ?? '', action === 'add' ? [VALUE] : []);
      }
      await expectNothingLeft();
    });

    it('neither loses nor doubles a value when its web server is killed and comes back', async () => {
      const some = names.slice(0, 12);
      const running = some.map((name) => here.run(['add-txt', '--no-wait', '--verbose', name, OTHER_VALUE]));
      const killing = (async () => {
        for (let times = 0; times < 3; times++) {
          await holdsWithin(5, async () => (await panel.namesWith(OTHER_VALUE)).length > times * 3);
          await panel.stopWeb();
          await panel.startWeb();
        }
      })();
      const outcomes = await Promise.all(running);
      await killing;
      expect(outcomes.map(({ stderr }) => stderr).join('')).toMatch(/ECONN|closed/);
      const held = await panel.namesWith(OTHER_VALUE);
      expect(new Set(held).size).toBe(held.length);
      for (const { code, stderr } of outcomes) expect([0, 75], stderr).toContain(code);
      expect(held.length).toBeGreaterThanOrEqual(outcomes.filter(({ code }) => code === 0).length);
      expectSuccess(await here.run(['batch'], { input: linesOf('remove', OTHER_VALUE) }));
      expect(await panel.namesWith(OTHER_VALUE)).toEqual([]);
      await expectNothingLeft();
    });

    it.each(suite.refusals)(
      'says what is wrong with $what',
      async ({ login = {}, zone = 'example.com', code, text }) => {
        await configure(login, [zone]);
        const outcome = await here.run(['add-txt', '--no-wait', `_acme-challenge.${zone}`, VALUE]);
        expect(outcome.code).toBe(code);
        expect(outcome.stderr).toMatch(text);
        expect(await panel.namesWith(VALUE)).toEqual([]);
      },
    );

    suite.more?.(() => panel);
  });
}
