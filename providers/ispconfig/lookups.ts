/** Reads zones and the rows at a name, and refuses what the panel cannot store. Its own searches ignore letter case. */
import { domainToUnicode } from 'node:url';
import { Dns01Error, isDns01Error } from '../../src/errors.ts';
import {
  absoluteName,
  type Fqdn,
  isWithin,
  parseName,
  relativeName,
  type TxtRecord,
  type ZoneInfo,
} from '../../src/provider.ts';
import type { Panel } from './client.ts';
import type { Row, Zone } from './schema.ts';

/** A zone of the panel, and when it was read, which its serial needs. */
export interface HeldZone {
  readonly zone: Zone;
  readonly name: Fqdn;
  /** A snapshot of `panel.writes`. */
  readonly snapshot: number;
}

/**
 * The zone with exactly this name. `dns_zone_get_id` is not used, because it takes `example.co` for `example.co.uk`.
 * @throws E_ZONE it is missing, exists several times, or is inactive
 */
export async function readZone(panel: Panel, name: Fqdn): Promise<HeldZone> {
  const snapshot = panel.writes.snapshot();
  const [zone, ...others] = await zonesNamed(panel, name);
  if (!zone) {
    throw new Dns01Error('E_ZONE', `the panel has no zone ${name}`, {
      hint: 'make the zone in the panel under DNS, or use an account that may see it; a customer (clientLogin) sees only his own',
    });
  }
  // Writing to the parent of such a zone would not help, because no resolver looks there.
  if (others.length > 0) {
    const ids = [zone, ...others].map(({ id }) => id).join(', ');
    const hint = 'delete the zones that are not served, in the panel under DNS';
    const what = `the panel has the zone ${name} ${others.length + 1} times (ids ${ids})`;
    throw new Dns01Error('E_ZONE', what, { hint, tryNextZone: false });
  }
  if (!isActive(zone)) {
    throw new Dns01Error('E_ZONE', `the zone ${name} is switched off in the panel: nothing in it is published`, {
      hint: `tick "Active" in the settings of the zone ${name}, in the panel under DNS`,
      tryNextZone: false,
    });
  }
  return { zone, name, snapshot };
}

async function zonesNamed(panel: Panel, name: Fqdn): Promise<Zone[]> {
  const { zones } = await panel.zones({ origin: absoluteName(name) });
  return zones.filter(({ origin }) => origin.toLowerCase() === absoluteName(name));
}

const isActive = (zone: Zone): boolean => zone.active.toUpperCase() === 'Y';

/** The panel sends whole rendered zone files with its zones: the first page shows how large they are. */
const FIRST_PAGE = 25;
const MAX_PAGE = 1000;

/** The intended size of one page, in bytes of its answer. */
const PAGE_BYTES = 4_000_000;

/** Every zone that the user may see. An object as a filter respects the user's rights; `-1` would show all zones. */
export async function* listZones(panel: Panel): AsyncIterable<ZoneInfo> {
  const seen = new Set<string>();
  let limit = FIRST_PAGE;
  for (let offset = 0; ; ) {
    const page = () => panel.zones({ '#OFFSET#': offset, '#LIMIT#': limit });
    const { zones, bytes } = await page().catch((failure: unknown) => {
      if (limit <= FIRST_PAGE || !isDns01Error(failure) || failure.code === 'E_AUTH') throw failure;
      // The next zones may be much larger than the last ones: too large for the panel, or for us.
      limit = FIRST_PAGE;
      return page();
    });
    const fresh = zones.filter(({ id }) => !seen.has(id));
    for (const zone of fresh) {
      seen.add(zone.id);
      const name = parseName(zone.origin);
      if (name !== undefined) yield { name, active: isActive(zone) };
    }
    // This also ends for a panel without paging that returns the same zones again and again.
    if (zones.length < limit || fresh.length === 0) return;
    offset += zones.length;
    limit = Math.max(1, Math.min(MAX_PAGE, Math.floor(PAGE_BYTES / (bytes / zones.length))));
  }
}

/** The zone's own NS rows, without those of delegations below it. */
export async function nameServers(panel: Panel, zone: Fqdn): Promise<string[]> {
  const names: string[] = [];
  for (const { id } of await zonesNamed(panel, zone)) {
    const rows = await panel.rows({ zone: id, name: absoluteName(zone), type: 'NS' });
    names.push(...rows.filter(isServed).map(({ data }) => fullName(data, zone)));
  }
  return names;
}

/** The largest number of rows in one answer: about 4 MB. */
const MAX_ROWS = 10_000;

/**
 * The rows of every type at these names of a zone, by full name. Names with the same first label share one search. The
 * panel has names in full (with a dot at the end) and relative to the zone; both begin alike.
 */
export async function rowsAt(panel: Panel, held: HeldZone, names: readonly Fqdn[]): Promise<Map<string, Row[]>> {
  const zone = held.zone.id;
  /** A LIKE, in which `_` is any character. Undefined for too many rows. */
  async function search(prefix: string): Promise<Row[] | undefined> {
    const rows = await panel.rows({ zone, name: `${prefix}%`, '#OFFSET#': 0, '#LIMIT#': MAX_ROWS });
    return rows.length < MAX_ROWS ? rows : undefined;
  }
  async function searchOne(name: Fqdn): Promise<Row[]> {
    const relative = relativeName(name, held.name, '');
    const found = relative === '' ? undefined : await search(relative);
    if (found) return found;
    const inFull = await panel.rows({ zone, name: absoluteName(name) });
    return relative === '' ? inFull : [...inFull, ...(await panel.rows({ zone, name: relative }))];
  }

  const groups = new Map<string, Fqdn[]>();
  for (const name of new Set(names)) pushTo(groups, name.split('.')[0] ?? '', name);
  const byName = new Map<string, Row[]>();
  const keep = (rows: readonly Row[], wanted: readonly Fqdn[]) => {
    const isWanted = new Set<string>(wanted);
    for (const row of rows) {
      const name = fullName(row.name, held.name);
      if (isWanted.has(name)) pushTo(byName, name, row);
    }
  };
  for (const [label, group] of groups) {
    const shared = group.length > 1 ? await search(label) : undefined;
    if (shared) keep(shared, group);
    else for (const name of group) keep(await searchOne(name), [name]);
  }
  return byName;
}

function pushTo<Item>(lists: Map<string, Item[]>, key: string, item: Item): void {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}

/** The full name of a row: without a dot at its end it is relative to the zone. */
export function fullName(text: string, zone: Fqdn): string {
  const name = text.toLowerCase();
  if (name.endsWith('.')) return name.slice(0, -1);
  return name === '' ? zone : `${name}.${zone}`;
}

/** True for a TXT row with exactly this value, served or not. */
export const holds = (row: Row, value: string): boolean => row.type === 'TXT' && row.data === value;

/** Inactive rows stay in the panel and never reach the name server. */
export const isServed = (row: Row): boolean => row.active.toUpperCase() === 'Y';

/** @throws E_REJECTED for a CNAME at the name: the name server would refuse the whole zone, and the API would not show it */
export function refuseBesideCname(rows: readonly Row[], name: Fqdn): void {
  const cname = rows.find((row) => row.type === 'CNAME' && isServed(row));
  if (!cname) return;
  const target = cname.data.replace(/\.$/, '');
  throw new Dns01Error('E_REJECTED', `${name} is a CNAME to ${target}, and a CNAME allows no other record`, {
    hint: `delete this CNAME in the panel under DNS, or have the value published at ${target}`,
  });
}

/**
 * Refuses what ISPConfig would accept with an `ok` and store as something else.
 * @throws E_REJECTED; E_ZONE where the name is outside the zone
 */
export function refuseUnstorable({ name, value, zone }: TxtRecord): void {
  if (!isWithin(name, zone)) throw new Dns01Error('E_ZONE', `${name} is not in the zone ${zone}`);
  const label = name.split('.').find(isBrokenPunycode);
  if (label !== undefined) {
    throw new Dns01Error('E_REJECTED', `the label "${label}" of ${name} cannot be stored by ISPConfig`, {
      hint: 'it would store the record at the top of the zone instead: delegate the name with a CNAME to another name',
    });
  }
  if (/[^ -~]|["\\]/.test(value)) {
    throw new Dns01Error('E_REJECTED', 'the value holds quotes, backslashes or characters other than printable ASCII', {
      hint: 'the nameserver of the panel would refuse the whole zone with it',
    });
  }
}

/** Labels that ISPConfig reads as broken Punycode are stored as an empty name, which is the top of the zone. */
function isBrokenPunycode(label: string): boolean {
  // Node before 24 decodes a broken label to nothing; later versions return it unchanged.
  return label.startsWith('xn--') && ['', label].includes(domainToUnicode(label));
}
