import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startCloudflareFake } from '../fakes/cloudflare.ts';
import { startDesecFake } from '../fakes/desec.ts';
import { startNamecheapFake } from '../fakes/namecheap.ts';
import { startRoute53Fake } from '../fakes/route53.ts';
import { startResolvingCa } from './clients/resolving-ca.ts';
import type { Endpoint } from './lab/addresses.ts';
import { describeLab } from './lab/describe-lab.ts';
import { type Lab, startLab } from './lab/lab.ts';
import { type Pebble, startPebble } from './lab/pebble.ts';
import type { Account } from './support/account.ts';
import { openKnot } from './support/knot-primary.ts';
import {
  bindAccount,
  ispconfigAccount,
  lexiconAccount,
  panelalphaAccount,
  standInAccount,
  zoneidAccount,
} from './support/lab-accounts.ts';
import { openMachine } from './support/machine.ts';
import { expectSuccess } from './support/outcome.ts';
import { openPowerdns } from './support/pdns.ts';

/** As written by somebody whose records must be left alone. */
const FOREIGN = 'not-from-here';

const BIND = 'bind.test';
const PANELALPHA = 'panelalpha.test';
const ISPCONFIG = 'ispconfig.test';
const ZONEID = 'zoneid.test';
/** lexicon cuts zones by the list of public suffixes, so this one has to be below a real one. */
const LEXICON = 'example.com';
/** No account holds it: what proves it is in another zone. */
const DELEGATED = 'delegated.test';
const TARGET = `delegated.${ZONEID}`;
/** Stand-ins of APIs with records, change batches, record sets and whole zones. */
const STAND_INS = {
  cloudflare: startCloudflareFake,
  route53: startRoute53Fake,
  desec: startDesecFake,
  namecheap: startNamecheapFake,
};
const zoneAt = (provider: string) => `${provider}.test`;
const LAB_ZONES = [...[BIND, PANELALPHA, ISPCONFIG, ZONEID, LEXICON, DELEGATED], ...Object.keys(STAND_INS).map(zoneAt)];

const challengeName = (domain: string) => `_acme-challenge.${domain}`;

const OPEN: Readonly<Record<string, (lab: Lab) => Promise<Account>>> = {
  PowerDNS: () => openPowerdns('powerdns.test'),
  'rfc2136 and BIND': async (lab) => bindAccount(lab, BIND),
  'rfc2136 and Knot': () => openKnot('knot.test'),
  'lexicon and BIND': (lab) => lexiconAccount(lab, LEXICON),
  PanelAlpha: (lab) => panelalphaAccount(lab, PANELALPHA),
  ...Object.fromEntries(
    Object.entries(STAND_INS).map(([provider, start]) => [
      provider,
      (lab: Lab) => standInAccount(lab, zoneAt(provider), provider, start),
    ]),
  ),
};

describeLab('certbot through the providers', () => {
  let lab: Lab;
  /** Looks at the laboratory's secondary, where each change shows a second late, and follows CNAMEs. */
  let labCa: Pebble;
  let closers: Array<() => Promise<void>> = [];

  beforeAll(async () => {
    const aliases = { [challengeName(DELEGATED)]: TARGET };
    lab = await startLab({ zones: LAB_ZONES, aliases, lagSeconds: 1 });
    labCa = await startResolvingCa(lab, { name: 'ca-resolver', zones: LAB_ZONES, caches: false });
  });
  afterAll(async () => {
    await labCa?.close();
    await lab?.close();
  });
  afterEach(async () => {
    for (const close of closers.reverse()) await close();
    closers = [];
  });

  it.for(Object.entries(OPEN))('gets a name and its wildcard through %s', async ([title, open], { skip }) => {
    const noPort53 = Object.keys(lab.nameservers).length > 0;
    skip(title.startsWith('lexicon') && noPort53, 'its ddns knows no port but 53, which cannot be had');
    const account = await opened(open(lab));
    const { zone, nameserver } = account;
    const ca = nameserver ? await opened(startCaBefore(nameserver)) : labCa;
    await issue({ domains: [zone, `*.${zone}`], written: [challengeName(zone)], accounts: [account], ca });
  });

  it('gets names at four providers at once, one of them by CNAME', async () => {
    const fakes = [
      await opened(ispconfigAccount(lab, ISPCONFIG)),
      await opened(panelalphaAccount(lab, PANELALPHA)),
      await opened(zoneidAccount(lab, ZONEID)),
    ];
    await issue({
      domains: [ISPCONFIG, BIND, `*.${BIND}`, PANELALPHA, DELEGATED],
      written: [...[ISPCONFIG, BIND, PANELALPHA].map(challengeName), TARGET],
      accounts: [...fakes, bindAccount(lab, BIND)],
      delegated: [ZONEID],
      ca: labCa,
    });
    const writes = fakes.map(({ server }) =>
      server.takeCalls().filter((call) => /_add|POST|DELETE|_delete/.test(call)),
    );
    expect(writes).toEqual([
      ['dns_txt_add', 'dns_txt_delete'],
      ['POST record', 'DELETE record'],
      ['POST txt', 'DELETE txt'],
    ]);
  });

  async function issue({ domains, written, ...setting }: Order): Promise<void> {
    const { accounts } = setting;
    const machine = await opened(openMachine({ lab, ...setting }));
    for (const { zone, plant } of accounts) {
      for (const name of written.filter((each) => each.endsWith(`.${zone}`))) await plant(name, FOREIGN);
    }
    const contents = () => Promise.all(accounts.map((account) => account.contents()));
    const before = await contents();
    for (const records of before) expect(records).toContainEqual(expect.stringContaining(FOREIGN));

    expectSuccess(await machine.certonly(domains));
    expect(await machine.certificateNames(domains[0] ?? '')).toEqual([...domains].sort());
    expect(await contents()).toEqual(before);
    await machine.expectNoSecret();
  }

  /** A CA that asks this server alone, and at once. */
  async function startCaBefore(dnsServer: Endpoint): Promise<Pebble> {
    return startPebble({ dir: await mkdtemp(join(lab.dir, 'ca-')), dnsServer });
  }

  /** Closed after the test. */
  async function opened<Thing extends { close(): Promise<void> }>(opening: Promise<Thing>): Promise<Thing> {
    const thing = await opening;
    closers.push(() => thing.close());
    return thing;
  }
});

interface Order {
  readonly domains: readonly string[];
  /** The names at which the values are to be. */
  readonly written: readonly string[];
  readonly accounts: readonly Account[];
  readonly delegated?: readonly string[];
  readonly ca: Pebble;
}
