/**
 * What the panel holds, zones and the rows at a name, and what it cannot hold. Its own searches do not regard letter case.
 */
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

/** A zone of the panel, and when it was read: its serial is worth nothing without that. */
export interface HeldZone {
  readonly zone: Zone;
  readonly name: Fqdn;
  /** Of `panel.writes`. */
  readonly mark: number;
}

/**
 * The zone with exactly this name. `dns_zone_get_id` is not used: it takes `example.co` for the zone `example.co.uk`.
 * @throws E_ZONE it is not there, or there several times, or switched off
 */
export async function readZone(panel: Panel, name: Fqdn): Promise<HeldZone> {
  const mark = panel.writes.mark();
  const [zone, ...others] = await zonesNamed(panel, name);
  if (!zone) {
    throw new Dns01Error('E_ZONE', `the panel has no zone ${name}`, {
      hint: 'make the zone in the panel under DNS, or use an account that may see it; a customer (clientLogin) sees only his own',
    });
  }
  // Going on to the parent of such a zone would write where nobody asks.
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
  return { zone, name, mark };
}

async function zonesNamed(panel: Panel, name: Fqdn): Promise<Zone[]> {
  const { zones } = await panel.zones({ origin: absoluteName(name) });
  return zones.filter(({ origin }) => origin.toLowerCase() === absoluteName(name));
}

const isActive = (zone: Zone): boolean => zone.active.toUpperCase() === 'Y';

/** The panel sends whole rendered zone files along with its zones: the first page shows how large they are. */
const FIRST_PAGE = 25;
const MAX_PAGE = 1000;

/** What one page should weigh, in bytes of its answer. */
const PAGE_BYTES = 4_000_000;

/** Every zone that the user may see. An object as a filter keeps to the user's rights; `-1` would show everybody's. */
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
    // Also the end for a panel that does not page, and gives the same zones again and again.
    if (zones.length < limit || fresh.length === 0) return;
    offset += zones.length;
    limit = Math.max(1, Math.min(MAX_PAGE, Math.floor(PAGE_BYTES / (bytes / zones.length))));
  }
}

/** The NS rows of the zone itself, without those by which the zone above delegates it. */
export async function nameServers(panel: Panel, zone: Fqdn): Promise<string[]> {
  const names: string[] = [];
  for (const { id } of await zonesNamed(panel, zone)) {
    const rows = await panel.rows({ zone: id, name: absoluteName(zone), type: 'NS' });
    names.push(...rows.filter(isServed).map(({ data }) => fullName(data, zone)));
  }
  return names;
}

/** No more rows are taken in one answer: they are some 4 MB. */
const MAX_ROWS = 10_000;

/**
 * The rows of every type at these names of a zone, by full name. One search for all names with the same first label.
 * The panel knows a name in full (with a dot at its end) and relative to the zone; both begin alike.
 */
export async function rowsAt(panel: Panel, held: HeldZone, names: readonly Fqdn[]): Promise<Map<string, Row[]>> {
  const zone = held.zone.id;
  /** A LIKE, in which `_` is any character. Undefined where there are too many. */
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

/** What a name in a row stands for: without a dot at its end it is relative to the zone. */
export function fullName(text: string, zone: Fqdn): string {
  const name = text.toLowerCase();
  if (name.endsWith('.')) return name.slice(0, -1);
  return name === '' ? zone : `${name}.${zone}`;
}

/** True where the row is a TXT with exactly this value, whether it is served or not. */
export const holds = (row: Row, value: string): boolean => row.type === 'TXT' && row.data === value;

/** Rows that are switched off stay in the panel and never reach the nameserver. */
export const isServed = (row: Row): boolean => row.active.toUpperCase() === 'Y';

/** @throws E_REJECTED where a CNAME is at the name: the nameserver would refuse the whole zone, unnoticed by the API */
export function refuseBesideCname(rows: readonly Row[], name: Fqdn): void {
  const cname = rows.find((row) => row.type === 'CNAME' && isServed(row));
  if (!cname) return;
  const target = cname.data.replace(/\.$/, '');
  throw new Dns01Error('E_REJECTED', `${name} is a CNAME to ${target}, and nothing can stand beside a CNAME`, {
    hint: `delete this CNAME in the panel under DNS, or have the value published at ${target}`,
  });
}

/**
 * Refuse what ISPConfig would take with an `ok` and store as something else.
 * @throws E_REJECTED, and E_ZONE where the name lies outside of the zone
 */
export function refuseUnstorable({ name, value, zone }: TxtRecord): void {
  if (!isWithin(name, zone)) throw new Dns01Error('E_ZONE', `${name} does not lie in the zone ${zone}`);
  const label = name.split('.').find(isBrokenPunycode);
  if (label !== undefined) {
    throw new Dns01Error('E_REJECTED', `the label "${label}" of ${name} cannot be stored by ISPConfig`, {
      hint: 'it would store the record at the top of the zone instead: delegate the name with a CNAME to another one',
    });
  }
  if (/[^ -~]|["\\]/.test(value)) {
    throw new Dns01Error('E_REJECTED', 'the value holds quotes, backslashes or characters other than printable ASCII', {
      hint: 'the nameserver of the panel would refuse the whole zone with it',
    });
  }
}

/** Labels that ISPConfig takes for broken Punycode are stored as an empty name, which is the top of the zone. */
function isBrokenPunycode(label: string): boolean {
  // Node before 24 reads nothing in a broken label, later ones leave it as it is.
  return label.startsWith('xn--') && ['', label].includes(domainToUnicode(label));
}
