import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { openWorkplace, type Workplace } from '../../support/cli.ts';
import { PANEL_PASSWORD, type Panels, startPanels, ZONE_KEY } from '../../support/panels.ts';
import { certificateNames } from '../lab/certificate.ts';
import { type Lab, startLab } from '../lab/lab.ts';
import type { Outcome } from '../lab/processes.ts';
import { holdsWithin } from '../lab/until.ts';
import { type Hooks, OUR_HOOKS } from './hooks.ts';
import { expectNoSecretIn, textsBelow } from './secrets.ts';
import type { Timeline } from './timeline.ts';

const LAG = 2;
const PANEL_ZONES = ['example.com', 'example.org'];
const ZONEID_ZONES = ['example.ee', 'sub.example.ee'];

export interface WatchedLab extends Lab {
  readonly timeline: Timeline;
}

/** A laboratory with the zones of two providers, and the memory of what happens in it. */
export async function startWatchedLab(): Promise<WatchedLab> {
  const timeline: Timeline = [];
  const lab = await startLab({
    zones: [...PANEL_ZONES, ...ZONEID_ZONES],
    lagSeconds: LAG,
    asked: (server, question) => timeline.push({ kind: 'asked', server, ...question }),
  });
  return { ...lab, timeline };
}

export interface World extends Panels {
  readonly lab: WatchedLab;
  readonly here: Workplace;
  /** Writes the config anew; what is not said stays as it was at the start. */
  configure(settings: ConfigSettings): Promise<void>;
  /** Asks for a certificate named after the first domain. */
  certonly(domains: readonly string[], settings?: { hooks?: Hooks; signal?: AbortSignal }): Promise<Outcome>;
  certbot(args: readonly string[], settings?: { signal?: AbortSignal }): Promise<Outcome>;
  /** The names on the certificate that certbot keeps under this name. */
  certificateNames(certName: string): Promise<string[]>;
  certificateFile(certName: string): string;
  /** Puts a value of somebody else at a name, at the provider and into DNS. */
  plant(name: string, value: string): Promise<void>;
  /** Fails unless the provider, the primary and (when it had its time) the secondary hold exactly these values. */
  expectHeld(name: string, values: readonly string[]): Promise<void>;
  /** How many values dns01 remembers as published and not withdrawn. */
  journalled(): Promise<number>;
  /** Fails where a secret of the config stands in an output, in certbot's logs, or in a file of the state directory. */
  expectNoSecret(...more: string[]): Promise<void>;
}

interface ConfigSettings {
  readonly panelPassword?: string;
  readonly zones?: Readonly<Record<string, string>>;
}

/** Two providers whose changes go into the laboratory's DNS, a config for them, and a certbot of its own. */
export async function openWorld(lab: WatchedLab): Promise<World> {
  const here = await openWorkplace();
  const home = `certbot-${basename(here.directory)}`;
  const outputs: string[] = [];
  const standing = new Map<string, () => Promise<void>>();

  async function follow(zone: string, name: string, value: string, change: 'added' | 'removed'): Promise<void> {
    if (change === 'added') {
      standing.set(`${name} ${value}`, () => lab.withdraw(zone, name, value));
      await lab.publish(zone, name, value);
    } else {
      standing.delete(`${name} ${value}`);
      await lab.withdraw(zone, name, value);
    }
    lab.timeline.push({ kind: change === 'added' ? 'published' : 'withdrawn', name, value });
  }

  const panels = await startPanels({
    ispconfig: {
      zones: PANEL_ZONES.map((name) => ({ name })),
      onChange: (zone, name, _type, value, change) => follow(zone, name, value, change),
    },
    zoneid: { zones: ZONEID_ZONES, onChange: follow },
  });

  const world: World = {
    ...panels,
    lab,
    here,
    async configure(settings) {
      await here.configure(JSON.stringify(configOf(lab, panels, settings)));
    },
    certonly(domains, { hooks = OUR_HOOKS, ...settings } = {}) {
      const asked = domains.flatMap((domain) => ['-d', domain]);
      const called = ['--manual-auth-hook', hooks.auth, '--manual-cleanup-hook', hooks.cleanup];
      return world.certbot(['certonly', '--cert-name', domains[0] ?? '', ...called, ...asked], settings);
    },
    async certbot(args, settings) {
      const env = { DNS01_CONFIG: join(here.directory, 'dns01.yaml'), DNS01_STATE_DIR: here.stateDirectory };
      const outcome = await lab.certbot([...args], { env, home, ...settings });
      outputs.push(outcome.stdout, outcome.stderr);
      return outcome;
    },
    certificateNames: (certName) => certificateNames(world.certificateFile(certName)),
    certificateFile: (certName) => lab.certificateFile(certName, home),
    async plant(name, value) {
      const panelZone = panels.ispconfig.zones.find(({ origin }) => `${name}.`.endsWith(`.${origin}`));
      if (panelZone === undefined) {
        await panels.zoneid.plant(name, value);
      } else {
        panels.ispconfig.plant({ zone: panelZone.id, name: `${name}.`, data: value });
        await follow(panelZone.origin.slice(0, -1), name, value, 'added');
      }
    },
    async expectHeld(name, values) {
      const expected = [...values].sort();
      const atProvider = [...panels.ispconfig.held(name), ...panels.zoneid.held(name)].sort();
      expect(atProvider, `${name} at the provider`).toEqual(expected);
      expect(await lab.txt('primary', name), `${name} at the primary`).toEqual(expected);
      const caughtUp = async () => String(await lab.txt('secondary', name)) === String(expected);
      await holdsWithin(LAG + 5, caughtUp);
      expect(await lab.txt('secondary', name), `${name} at the secondary`).toEqual(expected);
    },
    journalled: async () => (await readdir(join(here.stateDirectory, 'journal')).catch(() => [])).length,
    async expectNoSecret(...more) {
      const secrets = [PANEL_PASSWORD, ZONE_KEY, ...more];
      await here.expectNoSecret(...secrets);
      const kept = await Promise.all([join(lab.dir, home), here.stateDirectory].map(textsBelow));
      expectNoSecretIn([...outputs, ...kept.flat()], secrets);
    },
    async close() {
      await panels.close();
      for (const withdraw of standing.values()) await withdraw();
      await here.remove();
    },
  };
  await world.configure({});
  lab.timeline.length = 0;
  return world;
}

const accountOf = (account: string, zones: readonly string[]) =>
  Object.fromEntries(zones.map((zone) => [zone, account]));

function configOf(
  { resolvers, nameservers }: Lab,
  { ispconfig, zoneid }: Panels,
  {
    panelPassword = PANEL_PASSWORD,
    zones = { ...accountOf('panel', PANEL_ZONES), ...accountOf('zone-eu', ZONEID_ZONES) },
  }: ConfigSettings,
): object {
  return {
    accounts: {
      panel: { provider: 'ispconfig', url: ispconfig.url, username: ispconfig.username, password: panelPassword },
      'zone-eu': { provider: 'zoneid', url: zoneid.url, username: zoneid.username, apiKey: ZONE_KEY },
    },
    zones,
    dns: { resolvers, allowNetworks: ['127.0.0.0/8'], nameservers },
    propagation: { timeout: 30, interval: 0.2 },
  };
}
