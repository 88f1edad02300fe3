import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openWorkplace, type Workplace } from '../../support/cli.ts';
import { PANEL_PASSWORD, type Panels, startPanels, ZONE_KEY } from '../../support/panels.ts';
import type { Lab } from '../lab/lab.ts';
import { type Outcome, run } from '../lab/processes.ts';
import { PROGRAM_PATH } from '../lab/programs.ts';
import { type InstalledPrograms, installPrograms } from './hook-calls.ts';

/** As written by somebody whose records must be left alone. */
export const FOREIGN = 'not-from-here';

export interface SiteOptions {
  readonly zones: readonly string[];
  /** Those of them that CNAMEs lead to, and that may hold other names than those of challenges. */
  readonly delegated?: readonly string[];
  /** Those of them that are at a panel, which can go into maintenance; the others are at ZoneID. */
  readonly atPanel?: readonly string[];
  /** The CA; the laboratory's own, unless another is given. */
  readonly acme?: Lab['acme'];
  /** Of the records at the provider, in seconds. */
  readonly ttl?: number | undefined;
}

/** A machine with dns01 and an ACME client, and two accounts at providers whose changes go into the laboratory's DNS. */
export interface Site extends InstalledPrograms {
  readonly lab: Lab;
  readonly acme: Lab['acme'];
  readonly panels: Panels;
  readonly zones: readonly string[];
  /** What the client may keep. */
  readonly dir: string;
  readonly here: Workplace;
  /** Every value that dns01 has published so far, in order. */
  readonly published: PublishedValue[];
  /** Adds to the config. */
  configure(more: object): Promise<void>;
  /** Runs a program of the client, in a group of its own, with this machine's dns01 in its PATH. */
  run(command: string, args: readonly string[], settings?: SiteRunSettings): Promise<Outcome>;
  /** Puts a value of somebody else at a name, at the provider and into DNS. */
  plant(name: string, value: string): Promise<void>;
  /** Fails unless the provider and the primary hold exactly these values. */
  expectHeld(name: string, values: readonly string[]): Promise<void>;
  /** What dns01 remembers as not withdrawn: `published`, or only the `intent` to publish. */
  journal(): Promise<string[]>;
  whenClosed(close: () => Promise<void>): void;
}

export interface PublishedValue {
  readonly name: string;
  readonly value: string;
  /** When it came to be, in seconds of the clock that the hook calls go by. */
  readonly at: number;
}

export interface SiteRunSettings {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Does the task at a new site, of which nothing is left afterwards. */
export async function atSite<Result>(
  lab: Lab,
  options: SiteOptions,
  task: (site: Site) => Promise<Result>,
): Promise<Result> {
  const closers: Array<() => Promise<void>> = [];
  try {
    return await task(await openSite(lab, options, closers));
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function openSite(lab: Lab, options: SiteOptions, closers: Array<() => Promise<void>>): Promise<Site> {
  const { zones, atPanel = [], acme = lab.acme, ttl } = options;
  const here = await openWorkplace();
  closers.push(here.remove);
  const published: Site['published'] = [];
  const standing = new Map<string, () => Promise<void>>();
  closers.push(async () => {
    for (const withdraw of standing.values()) await withdraw();
  });

  async function follow(zone: string, name: string, value: string, change: 'added' | 'removed'): Promise<void> {
    if (change === 'added') {
      standing.set(`${name} ${value}`, () => lab.withdraw(zone, name, value));
      await lab.publish(zone, name, value, ttl);
      published.push({ name, value, at: Date.now() / 1000 });
    } else {
      standing.delete(`${name} ${value}`);
      await lab.withdraw(zone, name, value);
    }
  }
  const panels = await startPanels({
    ispconfig: {
      zones: atPanel.map((name) => ({ name })),
      onChange: (zone, name, _type, value, change) => follow(zone, name, value, change),
    },
    zoneid: { zones: zones.filter((zone) => !atPanel.includes(zone)), onChange: follow },
  });
  closers.push(panels.close);

  const config = configOf(lab, panels, options);
  const file = await here.configure(JSON.stringify(config));
  const programs = await installPrograms(here.directory, {
    DNS01_CONFIG: file,
    DNS01_STATE_DIR: here.stateDirectory,
  });
  const ending = new AbortController();
  closers.push(async () => ending.abort());

  return {
    ...programs,
    lab,
    acme,
    panels,
    zones,
    dir: await mkdtemp(join(here.directory, 'client-')),
    here,
    published,
    async configure(more) {
      await here.configure(JSON.stringify({ ...config, ...more }));
    },
    run(command, args, { env, signal, ...settings } = {}) {
      return run(command, [...args], {
        env: { HOME: here.directory, PATH: `${programs.bin}:${PROGRAM_PATH}`, ...env },
        cwd: here.directory,
        timeoutSeconds: 90,
        signal: AbortSignal.any([ending.signal, ...(signal ? [signal] : [])]),
        ...settings,
      });
    },
    async plant(name, value) {
      const zone = panels.ispconfig.zones.find(({ origin }) => `${name}.`.endsWith(`.${origin}`));
      if (zone === undefined) {
        await panels.zoneid.plant(name, value);
      } else {
        panels.ispconfig.plant({ zone: zone.id, name: `${name}.`, data: value });
        await follow(zone.origin.slice(0, -1), name, value, 'added');
      }
      published.length = 0;
    },
    async expectHeld(name, values) {
      const expected = [...values].sort();
      const atProvider = [...panels.ispconfig.held(name), ...panels.zoneid.held(name)].sort();
      expect(atProvider, `${name} at the provider`).toEqual(expected);
      expect(await lab.txt('primary', name), `${name} at the primary`).toEqual(expected);
    },
    async journal() {
      const directory = join(here.stateDirectory, 'journal');
      const files = (await readdir(directory).catch(() => [])).filter((name) => name.endsWith('.json'));
      // One may be closed in this moment.
      const entries = await Promise.all(files.map((file) => readFile(join(directory, file), 'utf8').catch(() => '')));
      return entries.filter(Boolean).map((text) => /"state":"(\w+)"/.exec(text)?.[1] ?? text);
    },
    whenClosed: (close) => void closers.push(close),
  };
}

function configOf(
  { resolvers, nameservers }: Lab,
  { ispconfig, zoneid }: Panels,
  { zones, delegated = [], atPanel = [] }: SiteOptions,
): object {
  const routeOf = (zone: string) => {
    const account = atPanel.includes(zone) ? 'panel' : 'zone-eu';
    return delegated.includes(zone) ? { account, delegated: true } : account;
  };
  return {
    accounts: {
      panel: { provider: 'ispconfig', url: ispconfig.url, username: ispconfig.username, password: PANEL_PASSWORD },
      'zone-eu': { provider: 'zoneid', url: zoneid.url, username: zoneid.username, apiKey: ZONE_KEY },
    },
    zones: Object.fromEntries(zones.map((zone) => [zone, routeOf(zone)])),
    dns: { resolvers, allowNetworks: ['127.0.0.0/8'], nameservers },
    propagation: { timeout: 30, interval: 0.2 },
  };
}
