import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startAcmeDnsFake } from '../../fakes/acme-dns.ts';
import { startCloudflareFake } from '../../fakes/cloudflare.ts';
import { startCpanelFake } from '../../fakes/cpanel.ts';
import { startDesecFake } from '../../fakes/desec.ts';
import { startDigitaloceanFake } from '../../fakes/digitalocean.ts';
import { startDirectadminFake } from '../../fakes/directadmin.ts';
import { requestLine, startUpdateFake } from '../../fakes/dns-update.ts';
import type { FaultServer } from '../../fakes/fault-server.ts';
import { startFroxlorFake } from '../../fakes/froxlor.ts';
import { startGandiFake } from '../../fakes/gandi.ts';
import { startHestiacpFake } from '../../fakes/hestiacp.ts';
import { startHetznerFake } from '../../fakes/hetzner.ts';
import { startHttpreqFake } from '../../fakes/httpreq.ts';
import { startInwxFake } from '../../fakes/inwx.ts';
import { startIonosFake } from '../../fakes/ionos.ts';
import { startIspconfigFake } from '../../fakes/ispconfig.ts';
import { startNamecheapFake } from '../../fakes/namecheap.ts';
import { startNetcupFake } from '../../fakes/netcup.ts';
import { startOlspanelFake } from '../../fakes/olspanel.ts';
import { startOvhFake } from '../../fakes/ovh.ts';
import { type PanelalphaFakeSettings, startPanelalphaFake } from '../../fakes/panelalpha.ts';
import { startPleskFake } from '../../fakes/plesk.ts';
import { startPorkbunFake } from '../../fakes/porkbun.ts';
import { startPoweradminFake } from '../../fakes/poweradmin.ts';
import { startPowerdnsFake } from '../../fakes/powerdns.ts';
import { startRoute53Fake } from '../../fakes/route53.ts';
import type { StandIn } from '../../fakes/stand-in.ts';
import { startTechnitiumFake } from '../../fakes/technitium.ts';
import { startVirtualminFake } from '../../fakes/virtualmin.ts';
import { startZoneidFake, type ZoneidFakeSettings } from '../../fakes/zoneid.ts';
import type { LineOf } from './gate.ts';
import { joinServers } from './joined.ts';

/** A provider with something to lose: a server, and records on it that are nobody's of ours. */
export interface Subject {
  /** Undefined where nothing goes over the network. */
  readonly server: FaultServer | undefined;
  /** The keys of the account, without `provider` and the connection's. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Those that are otherwise for a client without patience; whoever speaks HTTP has a `timeout` for that. */
  readonly hasty?: Readonly<Record<string, unknown>>;
  /** How requests are told that are not HTTP. */
  readonly lineOf?: LineOf;
  readonly secrets: readonly string[];
  /** The calls that add and remove, where their names do not tell. */
  readonly writes?: { readonly add: string; readonly remove: string };
  /** Every value that is served at the name; one that stands there twice is there twice. */
  held(name: string): Promise<string[]>;
  /** Everything that is on the server, without what each change of a zone changes. */
  everything(): Promise<string[]>;
  close(): Promise<void>;
}

export interface SubjectKind {
  readonly provider: string;
  /** @param stateDirectory where a provider without a server keeps its records */
  start(stateDirectory: string): Promise<Subject>;
}

export const ZONE = 'example.com';
export const NAME = `_acme-challenge.${ZONE}`;
export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
export const FOREIGN_VALUE = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';

/** What others have put there: at the same name, differing in letter case alone, and the same value beside it. */
export const FOREIGN: readonly (readonly [name: string, value: string])[] = [
  [NAME, FOREIGN_VALUE],
  [NAME, VALUE.toLowerCase()],
  [`_acme-challenge.www.${ZONE}`, VALUE],
  [ZONE, 'v=spf1 -all'],
];

const HASTY_RFC2136 = new URL('hasty-rfc2136.ts', import.meta.url).pathname;

export const SUBJECTS = {
  ispconfig: { provider: 'ispconfig', start: ispconfig },
  zoneid: { provider: 'zoneid', start: () => zoneid() },
  panelalpha: { provider: 'panelalpha', start: () => panelalpha() },
  'panelalpha with line numbers': {
    provider: 'panelalpha',
    start: () => panelalpha({ lineKind: 'number', nameIn: 'zone file', duplicates: 'accepted', quoting: 'chunks' }),
  },
  powerdns: { provider: 'powerdns', start: powerdns },
  olspanel: { provider: 'olspanel', start: olspanel },
  poweradmin: standIn('poweradmin', startPoweradminFake),
  technitium: standIn('technitium', startTechnitiumFake),
  virtualmin: standIn('virtualmin', startVirtualminFake),
  froxlor: standIn('froxlor', startFroxlorFake),
  rfc2136: { provider: 'rfc2136', start: rfc2136 },
  'acme-dns': { provider: 'acme-dns', start: acmeDns },
  embedded: { provider: 'embedded', start: embedded },
  cloudflare: standIn('cloudflare', startCloudflareFake),
  desec: standIn('desec', startDesecFake),
  gandi: standIn('gandi', startGandiFake),
  hetzner: standIn('hetzner', startHetznerFake),
  httpreq: standIn('httpreq', startHttpreqFake),
  ionos: standIn('ionos', startIonosFake),
  ovh: standIn('ovh', startOvhFake),
  netcup: standIn('netcup', startNetcupFake),
  namecheap: standIn('namecheap', startNamecheapFake),
  route53: standIn('route53', startRoute53Fake),
  digitalocean: standIn('digitalocean', startDigitaloceanFake),
  porkbun: standIn('porkbun', startPorkbunFake),
  inwx: standIn('inwx', startInwxFake),
  cpanel: standIn('cpanel', startCpanelFake),
  directadmin: standIn('directadmin', startDirectadminFake),
  hestiacp: standIn('hestiacp', startHestiacpFake),
  plesk: standIn('plesk', startPleskFake),
} as const satisfies Record<string, SubjectKind>;

export type SubjectName = keyof typeof SUBJECTS;

/** A provider with a stand-in of the common shape. */
export function standIn(provider: string, start: () => Promise<StandIn>): SubjectKind {
  return {
    provider,
    async start() {
      const it = await start();
      for (const [name, value] of FOREIGN) it.plant(name, value);
      it.plant(`www.${ZONE}`, '192.0.2.1', 'A');
      return {
        server: it.server,
        options: it.options,
        secrets: it.secrets,
        writes: it.calls,
        held: async (name) => it.held(name),
        everything: async () => it.everything(),
        close: () => it.close(),
      };
    },
  };
}

async function ispconfig(): Promise<Subject> {
  const password = 'Panel+Pass/wörd "42"';
  const fake = await startIspconfigFake({ password });
  for (const [name, data] of FOREIGN) fake.plant({ name: `${name}.`, data });
  fake.plant({ name: `www.${ZONE}.`, type: 'A', data: '192.0.2.1' });
  return {
    server: fake.server,
    options: { url: fake.url, username: fake.username, password },
    secrets: [password],
    held: async (name) => fake.held(name),
    everything: async () => fake.rows.map((row) => JSON.stringify(row)),
    close: () => fake.close(),
  };
}

export async function zoneid(settings: ZoneidFakeSettings = {}): Promise<Subject> {
  const apiKey = 'zone-key-0123456789abcdef';
  const fake = await startZoneidFake({ apiKey, ...settings });
  for (const [name, value] of FOREIGN) await fake.plant(name, value);
  return {
    server: fake.server,
    options: { url: fake.url, username: fake.username, apiKey },
    secrets: [apiKey, Buffer.from(`${fake.username}:${apiKey}`).toString('base64')],
    held: async (name) => fake.held(name),
    everything: async () => [...fake.zones.values()].flat().map((record) => JSON.stringify(record)),
    close: () => fake.close(),
  };
}

async function panelalpha(settings: PanelalphaFakeSettings = {}): Promise<Subject> {
  const fake = await startPanelalphaFake(settings);
  for (const [name, value] of FOREIGN) fake.plant(name, value);
  return {
    server: fake.server,
    options: { url: fake.url, token: fake.token },
    secrets: [fake.token],
    held: async (name) => fake.held(name),
    everything: async () => fake.records.map((record) => JSON.stringify(record)),
    close: () => fake.close(),
  };
}

async function powerdns(): Promise<Subject> {
  const fake = await startPowerdnsFake();
  for (const [name, value] of FOREIGN) fake.plant(name, `"${value}"`);
  // Not served, not shown with the others, and lost with the next change unless it is written again.
  fake.plant(NAME, '"somebody switched this off"', { disabled: true });
  return {
    server: fake.server,
    options: { url: fake.url, apiKey: fake.apiKey },
    secrets: [fake.apiKey],
    held: async (name) => fake.held(name).map((content) => content.replaceAll('"', '')),
    everything: async () => fake.rows.map((row) => JSON.stringify(row)),
    close: () => fake.close(),
  };
}

/** The panel and its PowerDNS, behind one address. */
async function olspanel(): Promise<Subject> {
  const [panel, dns] = [await startOlspanelFake(), await powerdns()];
  const server = await joinServers([dns.server?.origin ?? '', '/api/v1/'], [panel.url, '/api/']);
  const powerdnsOptions = { ...dns.options, url: server.origin };
  return {
    ...dns,
    server,
    options: { url: server.origin, username: panel.username, password: panel.password, powerdns: powerdnsOptions },
    secrets: [panel.password, ...dns.secrets],
    async close() {
      await Promise.all([server.close(), panel.close(), dns.close()]);
    },
  };
}

/** What differs in letter case alone is another value, also to a name server. */
async function rfc2136(): Promise<Subject> {
  const fake = await startUpdateFake();
  for (const [name, value] of FOREIGN) fake.plant(name, value);
  return {
    server: fake.server,
    options: { server: fake.server.origin, tsig: fake.key },
    hasty: { provider: HASTY_RFC2136 },
    lineOf: requestLine,
    secrets: [fake.key.secret],
    held: async (name) => fake.held(name),
    everything: async () => fake.everything(),
    close: () => fake.close(),
  };
}

/** What is at its registration is of dns01 alone: the values of others are at another one. */
async function acmeDns(): Promise<Subject> {
  const fake = await startAcmeDnsFake();
  const { url, username, password, subdomain } = fake;
  return {
    server: fake.server,
    options: { url, username, password, subdomain },
    secrets: [password],
    held: async () => fake.held(),
    everything: async () => fake.heldByNeighbour(),
    close: () => fake.close(),
  };
}

/** Its server is a directory of files. What dns01 has not written there is written as another program would. */
async function embedded(stateDirectory: string): Promise<Subject> {
  const { openRecords } = await import('../../../src/state/files/records.ts');
  const { mkdir } = await import('node:fs/promises');
  const directory = join(stateDirectory, 'accounts', 'it');
  await mkdir(directory, { recursive: true });
  const records = openRecords(directory);
  for (const [name, value] of FOREIGN) await records.add({ name, value, ttl: 60 });
  return {
    server: undefined,
    options: { zones: [ZONE] },
    secrets: [],
    held: async (name) => (await records.at(name)).map(({ value }) => value),
    async everything() {
      const files = (await readdir(directory)).filter((file) => file.endsWith('.json'));
      return Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')));
    },
    close: async () => {},
  };
}
