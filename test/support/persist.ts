/** For the tests of dns-persist-01: providers, each with a zone that a DNS server shows. */
import { unquoteTxt } from '../../src/provider.ts';
import { CLOUDFLARE_TOKEN, startCloudflareFake } from '../fakes/cloudflare.ts';
import { startFakeDns } from '../fakes/dns-server.ts';
import { startUpdateFake } from '../fakes/dns-update.ts';
import { startPowerdnsFake } from '../fakes/powerdns.ts';

export const PERSIST_NAME = '_validation-persist.example.com';
export const CA = 'authority.example';
export const ACCOUNT = 'https://ca.example/acct/123';
export const WHO = ['--issuer', CA, '--account-uri', ACCOUNT];

/** A record without end, in the form that dns01 writes. */
export const recordFor = (account = ACCOUNT, more = ''): string => `${CA}; accounturi=${account}${more}`;

export interface Hoster {
  /** One account, named `it`, that holds example.com. */
  readonly accounts: string;
  readonly secrets: readonly string[];
  held(name: string): string[];
  plant(name: string, value: string): void;
  close(): Promise<void>;
}

const accountOf = (provider: string, options: object): string =>
  `accounts:\n  it: ${JSON.stringify({ provider, ...options })}\nzones:\n  example.com: it\n`;

const strings = (value: string): string[] => value.match(/.{1,255}/gs) ?? [];

export const HOSTERS: Readonly<Record<string, () => Promise<Hoster>>> = {
  async rfc2136() {
    const fake = await startUpdateFake();
    const { server, key } = fake;
    return {
      accounts: accountOf('rfc2136', { server: server.origin, tsig: key }),
      secrets: [key.secret],
      held: fake.held,
      plant: (name, value) => fake.plant(name, ...strings(value)),
      close: fake.close,
    };
  },
  async powerdns() {
    const fake = await startPowerdnsFake({ apiKey: 'an-api-key-f00d' });
    return {
      accounts: accountOf('powerdns', { url: fake.url, apiKey: fake.apiKey }),
      secrets: [fake.apiKey],
      held: (name) => fake.held(name).map(unquoteTxt),
      plant: (name, value) =>
        fake.plant(
          name,
          strings(value)
            .map((each) => `"${each}"`)
            .join(' '),
        ),
      close: fake.close,
    };
  },
  async cloudflare() {
    const fake = await startCloudflareFake();
    const { held, plant, close } = fake;
    return { accounts: accountOf('cloudflare', fake.options), secrets: [CLOUDFLARE_TOKEN], held, plant, close };
  },
};

/** A DNS server that shows what the hoster holds at the name. */
export async function openDnsOf(hoster: Hoster) {
  const dns = await startFakeDns({ zones: [{ name: 'example.com' }] });
  dns.show(PERSIST_NAME, () => hoster.held(PERSIST_NAME));
  const config = `dns: { nameservers: { example.com: ["${dns.at}"] } }\npropagation: { timeout: 3, interval: 0.1 }\n`;
  return { dns, config: `${hoster.accounts}${config}` };
}
