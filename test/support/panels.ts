import { type IspconfigFake, type IspconfigFakeSettings, startIspconfigFake } from '../fakes/ispconfig.ts';
import { startZoneidFake, type ZoneidFake, type ZoneidFakeSettings } from '../fakes/zoneid.ts';

export const PANEL_PASSWORD = 'Panel+Pass/wörd "42"';
export const ZONE_KEY = 'zone-key-0123456789abcdef';

export interface Panels {
  readonly ispconfig: IspconfigFake;
  readonly zoneid: ZoneidFake;
  /** The two accounts and their zones: example.com at the panel, example.ee at ZoneID. */
  readonly accounts: string;
  /** The same as a whole config, for tests without DNS. */
  readonly config: string;
  close(): Promise<void>;
}

export interface PanelSettings {
  readonly ispconfig?: IspconfigFakeSettings;
  readonly zoneid?: ZoneidFakeSettings;
  /** Seconds for one request. */
  readonly timeout?: number;
}

/** One ISPConfig and one ZoneID, for a user with both. */
export async function startPanels(settings: PanelSettings = {}): Promise<Panels> {
  const { timeout = 10 } = settings;
  const ispconfig = await startIspconfigFake({ password: PANEL_PASSWORD, ...settings.ispconfig });
  const zoneid = await startZoneidFake({ apiKey: ZONE_KEY, zones: ['example.ee'], ...settings.zoneid });
  const accounts = `accounts:
  panel:
    provider: ispconfig
    url: ${ispconfig.url}
    username: ${ispconfig.username}
    password: ${JSON.stringify(PANEL_PASSWORD)}
    timeout: ${timeout}
  zone-eu:
    provider: zoneid
    url: ${zoneid.url}
    username: ${zoneid.username}
    apiKey: ${ZONE_KEY}
    timeout: ${timeout}
zones:
  example.com: panel
  example.ee: zone-eu
`;
  return {
    ispconfig,
    zoneid,
    accounts,
    config: `${accounts}dns: { followCnames: false }\n`,
    async close() {
      await Promise.all([ispconfig.close(), zoneid.close()]);
    },
  };
}
