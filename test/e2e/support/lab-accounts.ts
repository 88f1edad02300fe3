import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FaultServer } from '../../fakes/fault-server.ts';
import { startIspconfigFake } from '../../fakes/ispconfig.ts';
import { startPanelalphaFake } from '../../fakes/panelalpha.ts';
import type { StandIn, StandInSettings } from '../../fakes/stand-in.ts';
import { startZoneidFake } from '../../fakes/zoneid.ts';
import type { Lab } from '../lab/lab.ts';
import { type Account, zoneContents } from './account.ts';

/** An account at a fake: what it holds is carried into the laboratory's BIND. */
export interface FakeAccount extends Account {
  readonly server: FaultServer;
}

const nothingToClose = async () => {};

/** The laboratory's BIND itself, by signed updates. */
export function bindAccount(lab: Lab, zone: string): Account {
  return {
    zone,
    login: { provider: 'rfc2136', server: lab.primary.host, port: lab.primary.port, tsig: lab.tsig },
    secrets: [lab.tsig.secret],
    plant: (name, value) => lab.publish(zone, name, value),
    contents: () => zoneContents(lab.primary, zone),
    close: nothingToClose,
  };
}

/** The same BIND by way of lexicon, whose provider ddns knows no port but 53: that of the laboratory's resolver. */
export async function lexiconAccount(lab: Lab, zone: string): Promise<Account> {
  const { algorithm, name, secret } = lab.tsig;
  const suffixes = join(lab.dir, 'suffixes');
  await mkdir(suffixes);
  const env = {
    LEXICON_DDNS_AUTH_TOKEN: [algorithm, name, secret].join(':'),
    LEXICON_DDNS_DDNS_SERVER: lab.resolvers[0]?.replace(/:53$/, '') ?? '',
    TLDEXTRACT_CACHE_PATH: suffixes,
  };
  const login = { provider: 'lexicon', service: 'ddns', command: '/usr/bin/lexicon', env };
  return { ...bindAccount(lab, zone), login, secrets: [secret] };
}

export async function ispconfigAccount(lab: Lab, zone: string): Promise<FakeAccount> {
  const fake = await startIspconfigFake({
    zones: [{ name: zone }],
    onChange: (_zone, name, _type, value, change) => carry(lab, { zone, name, value, change }),
  });
  const { url, username, password, server } = fake;
  return {
    zone,
    login: { provider: 'ispconfig', url, username, password },
    secrets: [password],
    server,
    async plant(name, value) {
      fake.plant({ zone: fake.zones[0]?.id ?? '', name: `${name}.`, data: value });
      await lab.publish(zone, name, value);
    },
    async contents() {
      const atFake = fake.rows.map(({ name, type, data }) => `${name} ${type} ${data}`);
      return [...atFake, ...(await zoneContents(lab.primary, zone))];
    },
    close: () => fake.close(),
  };
}

/** A stand-in of the common shape. */
export async function standInAccount(
  lab: Lab,
  zone: string,
  provider: string,
  start: (settings: StandInSettings) => Promise<StandIn>,
): Promise<FakeAccount> {
  const standIn = await start({
    zones: [zone],
    onChange: (_zone, name, value, change) => carry(lab, { zone, name, value, change }),
  });
  return {
    zone,
    login: { provider, ...standIn.options },
    secrets: standIn.secrets,
    server: standIn.server,
    async plant(name, value) {
      standIn.plant(name, value);
      await lab.publish(zone, name, value);
    },
    contents: async () => [...standIn.everything(), ...(await zoneContents(lab.primary, zone))],
    close: () => standIn.close(),
  };
}

export async function zoneidAccount(lab: Lab, zone: string): Promise<FakeAccount> {
  const fake = await startZoneidFake({
    zones: [zone],
    onChange: (_zone, name, value, change) => carry(lab, { zone, name, value, change }),
  });
  const { url, username, apiKey, server } = fake;
  return {
    zone,
    login: { provider: 'zoneid', url, username, apiKey },
    secrets: [apiKey, Buffer.from(`${username}:${apiKey}`).toString('base64')],
    server,
    async plant(name, value) {
      await fake.plant(name, value);
    },
    async contents() {
      const atFake = (fake.zones.get(zone) ?? []).map(({ name, destination }) => `${name} TXT ${destination}`);
      return [...atFake, ...(await zoneContents(lab.primary, zone))];
    },
    close: () => fake.close(),
  };
}

/** This fake does not wait for the DNS: as with a real panel, a change shows there some time after the answer. */
export async function panelalphaAccount(lab: Lab, zone: string): Promise<FakeAccount> {
  const accountId = '12';
  const fake = await startPanelalphaFake({ accounts: { [accountId]: [zone] }, afterCall: () => follow() });
  const { url, token, server } = fake;
  const txtRecords = () => new Map(fake.records.filter(({ type }) => type === 'TXT').map((each) => [each.id, each]));
  let followed = txtRecords();
  let carried = Promise.resolve();

  function follow(): void {
    const held = txtRecords();
    for (const [id, record] of held) if (!followed.has(id)) carryNext({ ...record, change: 'added' });
    for (const [id, record] of followed) if (!held.has(id)) carryNext({ ...record, change: 'removed' });
    followed = held;
  }
  function carryNext(change: Change): void {
    carried = carried.then(() => carry(lab, change));
  }

  return {
    zone,
    login: { provider: 'panelalpha', url, token, accountId },
    secrets: [token],
    server,
    async plant(name, value) {
      fake.plant(name, value);
      follow();
      await carried;
    },
    async contents() {
      await carried;
      const atFake = fake.records.map(({ name, type, value }) => `${name} ${type} ${value}`);
      return [...atFake, ...(await zoneContents(lab.primary, zone))];
    },
    close: () => fake.close(),
  };
}

interface Change {
  readonly zone: string;
  readonly name: string;
  readonly value: string;
  readonly change: 'added' | 'removed';
}

function carry(lab: Lab, { zone, name, value, change }: Change): Promise<void> {
  return change === 'added' ? lab.publish(zone, name, value) : lab.withdraw(zone, name, value);
}
