import { startAcmeDnsFake } from '../../test/fakes/acme-dns.ts';
import { startUpdateFake } from '../../test/fakes/dns-update.ts';
import { startIspconfigFake } from '../../test/fakes/ispconfig.ts';
import { startOlspanelFake } from '../../test/fakes/olspanel.ts';
import { startPanelalphaFake } from '../../test/fakes/panelalpha.ts';
import { startPowerdnsFake } from '../../test/fakes/powerdns.ts';
import { startZoneidFake } from '../../test/fakes/zoneid.ts';

export const ZONE = 'example.com';

/** An account at a fake, with one zone. */
export interface ApiAccount {
  /** The account's options in the config. */
  readonly login: Readonly<Record<string, unknown>>;
  /** The number of requests since the last call. */
  takeRequests(): number;
  /** Stores a TXT record without the API. */
  plant?(name: string, value: string): unknown;
  close(): Promise<void>;
}

export const ACCOUNTS = {
  ispconfig: async (): Promise<ApiAccount> => {
    const fake = await startIspconfigFake({ zones: [{ name: ZONE }] });
    const { url, username, password } = fake;
    return {
      login: { provider: 'ispconfig', url, username, password },
      takeRequests: () => fake.server.takeCalls().length,
      plant: (name, data) => fake.plant({ name: `${name}.`, data }),
      close: fake.close,
    };
  },
  zoneid: async (): Promise<ApiAccount> => {
    const fake = await startZoneidFake({ zones: [ZONE] });
    const { url, username, apiKey } = fake;
    return {
      login: { provider: 'zoneid', url, username, apiKey },
      takeRequests: () => fake.server.takeCalls().length,
      plant: (name, value) => fake.plant(name, value),
      close: fake.close,
    };
  },
  panelalpha: async (): Promise<ApiAccount> => {
    const fake = await startPanelalphaFake({ accounts: { '12': [ZONE] } });
    return {
      login: { provider: 'panelalpha', url: fake.url, token: fake.token, accountId: '12' },
      takeRequests: () => fake.server.takeCalls().length,
      plant: (name, value) => fake.plant(name, value),
      close: fake.close,
    };
  },
  powerdns: async (): Promise<ApiAccount> => {
    const fake = await startPowerdnsFake({ zones: { [ZONE]: {} } });
    return {
      login: { provider: 'powerdns', url: fake.url, apiKey: fake.apiKey },
      takeRequests: () => fake.server.takeCalls().length,
      plant: (name, value) => fake.plant(name, `"${value}"`),
      close: fake.close,
    };
  },
  olspanel: async (): Promise<ApiAccount> => {
    const panel = await startOlspanelFake({ domains: [ZONE] });
    const records = await startPowerdnsFake({ zones: { [ZONE]: {} } });
    const { url, username, password } = panel;
    return {
      login: { provider: 'olspanel', url, username, password, powerdns: { url: records.url, apiKey: records.apiKey } },
      takeRequests: () => panel.server.takeCalls().length + records.server.takeCalls().length,
      async close() {
        await Promise.all([panel.close(), records.close()]);
      },
    };
  },
  'acme-dns': async (): Promise<ApiAccount> => {
    const fake = await startAcmeDnsFake();
    const { url, username, password, subdomain } = fake;
    return {
      login: { provider: 'acme-dns', url, username, password, subdomain },
      takeRequests: () => fake.server.takeCalls().length,
      close: fake.close,
    };
  },
  rfc2136: async (): Promise<ApiAccount> => {
    const fake = await startUpdateFake({ zones: [ZONE] });
    return {
      login: { provider: 'rfc2136', server: '127.0.0.1', port: fake.port, tsig: fake.key },
      takeRequests: () => fake.server.takeCalls().length,
      close: fake.close,
    };
  },
} as const;

export type AccountName = keyof typeof ACCOUNTS;

/** A config with one account for the zone, which queries no DNS. */
export const configOf = (login: object): object => ({
  accounts: { it: login },
  zones: { [ZONE]: 'it' },
  dns: { followCnames: false },
});
