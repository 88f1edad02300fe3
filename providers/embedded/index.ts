import pLimit from 'p-limit';
import * as z from 'zod/mini';
import { asDns01Error, Dns01Error } from '../../src/errors.ts';
import {
  defineProvider,
  type Fqdn,
  isWithin,
  normaliseName,
  parseName,
  type Records,
  type TxtChange,
  type TxtOutcome,
} from '../../src/provider.ts';

const MAX_CONCURRENT_WRITES = 16;

const zoneName = z.pipe(
  z.string().check(z.refine((name) => parseName(name) !== undefined, 'expected a domain name')),
  z.transform((name: string): Fqdn => normaliseName(name)),
);

export const embeddedOptions = z.strictObject({
  zones: z.array(zoneName).check(z.minLength(1), z.describe('zones that `dns01 nameserver` serves from this machine')),
  ns: z.optional(
    z
      .array(zoneName)
      .check(z.minLength(1), z.describe('host names of this name server, as in the delegation; default: `ns.ZONE`')),
  ),
});

export default defineProvider({
  type: 'embedded',
  title: 'Embedded: records kept on this machine',
  docs: {
    url: 'https://www.rfc-editor.org/rfc/rfc1034',
    rights: ['A delegation of the zone (NS records in the parent zone) to the host that runs `dns01 nameserver`.'],
    requests: { add: 'none', remove: 'none' },
    tried: 'With certbot and pebble on one machine: pebble queries `dns01 nameserver` directly.',
    notes: [
      'add-txt and remove-txt write small files. `dns01 nameserver` must run and be reachable on port 53, otherwise no one sees the values.',
    ],
  },
  options: embeddedOptions,
  http: false,
  concurrency: 16,
  changes: { atMost: 1000, atomic: false },
  create({ zones, ns }, context) {
    const { records } = context;

    function requireZone(zone: Fqdn, ...names: Fqdn[]): void {
      const outside = names.find((name) => !isWithin(name, zone));
      if (zones.includes(zone) && outside === undefined) return;
      const what = outside === undefined ? `${zone} is none` : `${outside} in ${zone} lies in none`;
      throw new Dns01Error('E_ZONE', `${what} of the zones kept here (${zones.join(', ')})`, {
        hint: 'add the zone to zones: of the account, and delegate it to this name server',
      });
    }

    return {
      async addTxt({ name, value, ttl, zone }) {
        requireZone(zone, name);
        return { zone, changed: await (await records()).add({ name, value, ttl }) };
      },
      async removeTxt({ name, value, zone }) {
        requireZone(zone, name);
        return (await (await records()).remove(name, value)) ? 'removed' : 'absent';
      },
      async listTxt(name, zone) {
        requireZone(zone, name);
        return (await (await records()).at(name)).map(({ value }) => value);
      },
      async changeTxt(zone, changes) {
        requireZone(zone, ...changes.map(({ record }) => record.name));
        const kept = await records();
        return pLimit(MAX_CONCURRENT_WRITES).map(changes, (change) => outcomeOf(change, kept));
      },
      async *listZones() {
        yield* zones.map((name) => ({ name, active: true }));
      },
      nameServers: async (zone) => (zones.includes(zone) ? (ns ?? [`ns.${zone}`]) : []),
    };
  },
});

async function outcomeOf({ action, record }: TxtChange, records: Records): Promise<TxtOutcome> {
  const { name, value, ttl } = record;
  try {
    const changed = action === 'add' ? await records.add({ name, value, ttl }) : await records.remove(name, value);
    return { state: 'done', changed };
  } catch (error) {
    return { state: 'refused', error: asDns01Error(error) };
  }
}
