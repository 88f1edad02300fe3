import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { Places, View } from './places.ts';
import type { ZoneFiles } from './servers.ts';
import { fileNameOf, makeKeys, type SignedZone, sign, textOf } from './signing.ts';
import { delegationOf, SERIAL, serversOf, zoneLines } from './zone-lines.ts';
import type { LabZone, Signing } from './zones.ts';

const CONCURRENCY = 4;
const DAY = 86_400;
const EXPIRED: Signing = { from: -30 * DAY, until: -DAY };

/** The top-level domains. */
const TOP: Readonly<Record<string, Signing | undefined>> = {
  com: { denial: 'NSEC' },
  net: { denial: 'opt-out' },
  org: undefined,
};

export interface WrittenZones {
  readonly views: Readonly<Record<View, ZoneFiles>>;
  readonly knot: ZoneFiles;
  readonly trustAnchor: string;
}

/** Writes and signs all zones, from below to the root. */
export async function writeZones(dir: string, zones: readonly LabZone[], places: Places): Promise<WrittenZones> {
  const keys = join(dir, 'keys');
  const files = join(dir, 'zones');
  await Promise.all([mkdir(keys), mkdir(files)]);
  const views = { root: new Map(), tld: new Map(), leaf: new Map(), old: new Map(), lame: new Map() };
  const knot = new Map<string, string>();
  /** For each zone what its parent says of it. */
  const delegations = new Map<string, readonly string[]>();
  const limit = pLimit(CONCURRENCY);

  const below = (zone: string) =>
    [...delegations].filter(([child]) => child.split('.').slice(1).join('.') === zone).flatMap(([, lines]) => lines);
  async function finished(name: string, lines: readonly string[], signing?: Signing): Promise<SignedZone> {
    if (!signing) return { lines, ds: [] };
    await makeKeys(keys, name, signing);
    return sign(keys, name, lines, signing);
  }
  async function write(zone: string, lines: readonly string[], version = 'now'): Promise<string> {
    const file = join(files, `${fileNameOf(zone)}.${version}`);
    await writeFile(file, textOf(lines));
    return file;
  }

  async function writeLeaf(zone: LabZone): Promise<void> {
    const {
      zone: name,
      signed,
      spoil = (lines) => lines,
      ds: dsOf = (right) => right,
      old,
      delegatedTo,
      hostsIn,
    } = zone;
    const { lines, ds } = await finished(name, [...zoneLines(zone, places), ...below(name)], signed);
    const file = await write(name, spoil(lines));
    views.leaf.set(name, file);
    if ([...serversOf(zone), ...(delegatedTo ?? [])].includes('knot') || hostsIn) knot.set(name, file);
    delegations.set(name, [...delegationOf(zone, places), ...dsOf(ds).map((each) => `${name}. ${each}`)]);
    if (!old) return;
    const before = old === 'expired' ? EXPIRED : signed;
    const oldLines = zoneLines(zone, places, old === 'expired' ? SERIAL : SERIAL - 1);
    views.old.set(name, await write(name, (await sign(keys, name, oldLines, before)).lines, 'old'));
  }
  async function writeTop(name: string, signing: Signing | undefined): Promise<void> {
    const host = `ns.${name}.`;
    const { lines, ds } = await finished(name, [...apex(name, host, places.tld), ...below(name)], signing);
    views.tld.set(name, await write(name, lines));
    delegations.set(name, [`${name}. NS ${host}`, `${host} A ${places.tld}`, ...ds.map((each) => `${name}. ${each}`)]);
  }

  // What lies below has to be there before what lies above is signed.
  const isDeep = ({ zone }: LabZone) => zone.split('.').length > 2;
  for (const some of [zones.filter(isDeep), zones.filter((zone) => !isDeep(zone))]) {
    await Promise.all(some.map((zone) => limit(() => writeLeaf(zone))));
  }
  await Promise.all(Object.entries(TOP).map(([name, signing]) => writeTop(name, signing)));
  const { lines } = await finished('', [...apex('', 'a.root-servers.net.', places.root), ...below('')], {});
  views.root.set('', await write('', lines));
  return { views, knot, trustAnchor: lines.find((line) => /\sDNSKEY\s+257/.test(line)) ?? '' };
}

function apex(zone: string, host: string, address: string): string[] {
  return [
    `$ORIGIN ${zone}.`,
    '$TTL 60',
    `@ SOA ${host} hostmaster.${host} 1 86400 86400 864000 60`,
    `@ NS ${host}`,
    `${host} A ${address}`,
  ];
}
