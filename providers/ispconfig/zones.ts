/** Finding the zone of a name. `dns_zone_get_id` is not used: it takes `example.co` for the zone `example.co.uk`. */
import { Dns01Error } from '../../src/errors.ts';
import { type Fqdn, isWithin, type TxtRecord, type ZoneInfo, zoneCandidates } from '../../src/provider.ts';
import type { Panel } from './client.ts';
import type { Zone } from './schema.ts';

/** The panel sends whole rendered zone files along with its zones, so few are asked for at a time. */
const ZONES_PER_REQUEST = 25;

/** How ISPConfig spells a full name; without the dot it would be taken as relative to the zone. */
export const dotted = (name: Fqdn): string => `${name}.`;

const isActive = (zone: Zone): boolean => zone.active.toUpperCase() === 'Y';

/**
 * The zone that a record belongs to: the one the user has named, else the longest that the panel has.
 * @throws E_ZONE there is none, or several, or it is switched off
 */
export async function findZone(panel: Panel, { name, zone, likelyZone }: TxtRecord): Promise<Zone> {
  if (zone !== undefined && !isWithin(name, zone)) {
    throw new Dns01Error('E_ZONE', `${name} does not lie in the zone ${zone}`);
  }
  const candidates = zone === undefined ? zoneCandidates(name, likelyZone) : [zone];
  for (const candidate of candidates) {
    const found = await zonesNamed(panel, candidate);
    if (found.length > 0) return theUsableOne(found, candidate);
  }
  throw new Dns01Error('E_ZONE', `the panel has no zone for ${name} (looked for ${candidates.join(', ')})`, {
    hint: 'make the zone in the panel under DNS, or use an account that may see it; a customer (clientLogin) sees only his own',
  });
}

/** The zone as it is now. */
export async function zonesNamed(panel: Panel, name: Fqdn): Promise<Zone[]> {
  const found = await panel.zones({ origin: dotted(name) });
  return found.filter(({ origin }) => origin.toLowerCase() === dotted(name));
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
  for (let offset = 0; ; offset += ZONES_PER_REQUEST) {
    const page = await panel.zones({ '#OFFSET#': offset, '#LIMIT#': ZONES_PER_REQUEST });
    const fresh = page.filter(({ id }) => !seen.has(id));
    for (const zone of fresh) {
      seen.add(zone.id);
      yield { name: zone.origin.replace(/\.$/, '').toLowerCase(), active: isActive(zone) };
    }
    // Also the end for a panel that does not page, and gives the same zones again and again.
    if (page.length < ZONES_PER_REQUEST || fresh.length === 0) return;
  }
}
