import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import { defineProvider, type Fqdn, isWithin, normaliseName } from '../../src/provider.ts';
import { openRecords } from './records.ts';

const zoneName = z.pipe(
  z.string().check(z.refine(isName, 'expected a domain name')),
  z.transform((name: string): Fqdn => normaliseName(name)),
);

export const embeddedOptions = z.strictObject({
  zones: z
    .array(zoneName)
    .check(z.minLength(1), z.describe('the zones that are kept here and served by dns01 nameserver')),
  ns: z.optional(
    z
      .array(zoneName)
      .check(z.minLength(1), z.describe('host names of this name server, as in the delegation; default: ns.ZONE')),
  ),
});

export default defineProvider({
  type: 'embedded',
  title: 'Embedded: records kept on this machine',
  docs: {
    url: 'https://www.rfc-editor.org/rfc/rfc1034',
    rights: ['a delegation of the zone (NS records in the parent zone) to the host that runs dns01 nameserver'],
    requests: { add: 'none', remove: 'none' },
    tried: 'with real resolvers and ACME servers on one machine',
    notes: [
      'add and remove write small files; dns01 nameserver has to run and to be reachable on port 53 for them to be seen',
    ],
  },
  options: embeddedOptions,
  http: false,
  concurrency: 16,
  create({ zones, ns }, context) {
    const records = async () => openRecords(await context.dataDirectory());

    function zoneOf(name: Fqdn, wanted: Fqdn | undefined): Fqdn {
      const zone = zones
        .filter((candidate) => isWithin(name, candidate) && (wanted ?? candidate) === candidate)
        .sort((a, b) => b.length - a.length)[0];
      if (zone) return zone;
      throw new Dns01Error('E_ZONE', `${name} lies in none of the zones kept here (${zones.join(', ')})`, {
        hint: 'add the zone to zones: of the account, and delegate it to this name server',
      });
    }

    return {
      async addTxt({ name, value, ttl, zone }) {
        const holder = zoneOf(name, zone);
        return { zone: holder, changed: await (await records()).add({ name, value, ttl }) };
      },
      async removeTxt({ name, value }) {
        return (await (await records()).remove(name, value)) ? 'removed' : 'absent';
      },
      async listTxt(name) {
        return (await (await records()).at(name)).map(({ value }) => value);
      },
      async *listZones() {
        yield* zones.map((name) => ({ name, active: true }));
      },
      nameServers: async (zone) => (zones.includes(zone) ? (ns ?? [`ns.${zone}`]) : []),
    };
  },
});

function isName(text: string): boolean {
  try {
    normaliseName(text);
    return true;
  } catch {
    return false;
  }
}
