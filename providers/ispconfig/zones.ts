/** Finding the zone of a name. `dns_zone_get_id` is not used: it takes `example.co` for the zone `example.co.uk`. */
import { Dns01Error, isDns01Error } from '../../src/errors.ts';
import { type Fqdn, isWithin, type TxtRecord, type ZoneInfo, zoneCandidates } from '../../src/provider.ts';
import type { Panel } from './client.ts';
import type { Zone } from './schema.ts';
import type { WriteMark } from './writes.ts';
import type { ZoneBook } from './zone-book.ts';

/** The panel sends whole rendered zone files along with its zones: the first page shows how large they are. */
const FIRST_PAGE = 25;
const LARGEST_PAGE = 1000;

/** What one page should weigh, in bytes of its answer. */
const PAGE_WEIGHT = 4_000_000;

const isActive = (zone: Zone): boolean => zone.active.toUpperCase() === 'Y';

/** The zone to write to, and when it was read. */
export interface SeenZone {
  readonly zone: Zone;
  readonly mark: WriteMark;
}

/**
 * The zone that a record belongs to: the one the user has named, else the likely one, else the longest that the panel
 * has.
 * @throws E_ZONE there is none, or several, or it is switched off
 */
export async function findZone(book: ZoneBook, { name, zone, likelyZone }: TxtRecord): Promise<SeenZone> {
  if (zone !== undefined && !isWithin(name, zone)) {
    throw new Dns01Error('E_ZONE', `${name} does not lie in the zone ${zone}`);
  }
  const candidates = zone === undefined ? zoneCandidates(name, likelyZone) : [zone];
  const known = zone ?? likelyZone;
  const found =
    (await book.firstOf(candidates.filter((candidate) => candidate === known))) ??
    (await book.firstOf(candidates.filter((candidate) => candidate !== known)));
  if (found) return { zone: theUsableOne(found.zones, found.name), mark: found.mark };
  throw new Dns01Error('E_ZONE', `the panel has no zone for ${name} (looked for ${candidates.join(', ')})`, {
    hint: 'make the zone in the panel under DNS, or use an account that may see it; a customer (clientLogin) sees only his own',
  });
}

/** Going on to the parent of a zone that is switched off would write where nobody asks. */
function theUsableOne(found: readonly Zone[], name: Fqdn): Zone {
  const [zone, ...others] = found;
  if (!zone || others.length > 0) {
    const ids = found.map(({ id }) => id).join(', ');
    throw new Dns01Error('E_ZONE', `the panel has the zone ${name} ${found.length} times (ids ${ids})`, {
      hint: 'delete the zones that are not served, in the panel under DNS',
    });
  }
  if (!isActive(zone)) {
    throw new Dns01Error('E_ZONE', `the zone ${name} is switched off in the panel: nothing in it is published`, {
      hint: `tick "Active" in the settings of the zone ${name}, in the panel under DNS`,
    });
  }
  return zone;
}

/** Every zone that the user may see. An object as a filter keeps to the user's rights; `-1` would show everybody's. */
export async function* listZones(panel: Panel): AsyncIterable<ZoneInfo> {
  const seen = new Set<string>();
  let limit = FIRST_PAGE;
  for (let offset = 0; ; ) {
    const { zones, bytes } = await panel.zonePage(offset, limit).catch((failure: unknown) => {
      if (limit <= FIRST_PAGE || !isDns01Error(failure) || failure.code === 'E_AUTH') throw failure;
      // The next zones may be much larger than the last ones: too large for the panel, or for us.
      limit = FIRST_PAGE;
      return panel.zonePage(offset, limit);
    });
    const fresh = zones.filter(({ id }) => !seen.has(id));
    for (const zone of fresh) {
      seen.add(zone.id);
      yield { name: zone.origin.replace(/\.$/, '').toLowerCase(), active: isActive(zone) };
    }
    // Also the end for a panel that does not page, and gives the same zones again and again.
    if (zones.length < limit || fresh.length === 0) return;
    offset += zones.length;
    limit = Math.max(1, Math.min(LARGEST_PAGE, Math.floor(PAGE_WEIGHT / (bytes / zones.length))));
  }
}
