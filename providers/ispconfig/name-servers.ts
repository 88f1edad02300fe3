import type { Fqdn } from '../../src/provider.ts';
import type { Panel } from './client.ts';
import { isServed } from './rows.ts';
import { dotted, isNamed } from './zone-book.ts';

/**
 * The NS rows of the zone, and not those by which the zone above it may delegate it. `dns_txt_get` knows records of
 * every type.
 */
export async function nameServers(panel: Panel, zone: Fqdn): Promise<string[]> {
  const names: string[] = [];
  const zones = await panel.zones({ origin: dotted(zone) });
  for (const { id } of zones.filter((each) => isNamed(each, zone))) {
    const rows = await panel.rows({ zone: id, name: dotted(zone), type: 'NS' });
    names.push(...rows.filter(isServed).map(({ data }) => fullName(data.toLowerCase(), zone)));
  }
  return names;
}

/** Data go into the zone file as they are: without a dot at the end they are relative to the zone. */
const fullName = (data: string, zone: Fqdn): Fqdn => (data.endsWith('.') ? data.slice(0, -1) : `${data}.${zone}`);
