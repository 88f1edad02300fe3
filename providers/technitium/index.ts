import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  defineProvider,
  eachPage,
  type Fqdn,
  httpUrl,
  parseZones,
  plainName,
  secret,
  type TxtRecord,
} from '../../src/provider.ts';
import { createClient, EXISTS, isWritable, NO_RECORD, type ShownRecord, zoneSchema } from './client.ts';

const options = z.strictObject({
  url: httpUrl('address of the web console, e.g. http://192.0.2.1:5380'),
  token: secret('API token of a user (Administration → Sessions → Create Token)'),
});

const ZONES_PER_PAGE = 500;
const zonesAnswer = z.object({ response: z.object({ totalPages: z.number(), zones: z.array(zoneSchema) }) });

/** Technitium DNS Server. */
export default defineProvider({
  type: 'technitium',
  title: 'Technitium DNS Server',
  docs: {
    url: 'https://github.com/TechnitiumSoftware/DnsServer/blob/master/APIDOCS.md',
    rights: [
      'A user for dns01, in the web console of the DNS server: Administration → Users → Add User, without membership in the group Administrators.',
      'Its right: Zones → the name of the zone → Permissions → Add User: choose the user and tick View, Modify and Delete. Do that for each zone that needs certificates. There is no smaller right.',
      'So that `dns01 zones` can list the zones: Administration → Permissions → Zones: add the user and tick View only.',
      'The token: Administration → Sessions → Create Token, choose the user and a name, and copy the token, which is shown only once. It does not expire.',
    ],
    requests: {
      add: '2; 1 if the value exists',
      remove: '1 if the journal knows that dns01 added the value, otherwise 2',
    },
    tried:
      "Never against a real server. Against a stand-in made from the server's API document and its source (release 15.2, and what 11.5.3, 13.0 and 13.6 do differently), read on 2026-11-21, and from the recorded answers in the tests of lego.",
    notes: [
      'The web console usually has plain HTTP. Use it on the same machine or through an SSH tunnel, or enable HTTPS under Settings → Web Service: a self-signed certificate is pinned with `fingerprint`.',
      'The server also takes dynamic updates (RFC 2136), with rights for single names: in the zone, Options → Dynamic Updates, a security policy for `_acme-challenge` TXT records and a TSIG key. Then use the provider rfc2136.',
      'All values of a name have one TTL, and adding a value with another TTL changes it for the others. dns01 therefore reads the name first and keeps its TTL.',
      'If a zone does not exist, the server uses the closest zone above it without saying so. dns01 checks which zone the server used.',
      'A change is served at once. Secondary servers are notified.',
    ],
  },
  options,
  http: true,
  concurrency: 4,
  create(settings, context) {
    const client = createClient(settings, context);

    async function txtAt({ name, zone }: Pick<TxtRecord, 'name' | 'zone'>) {
      const { zone: shown, records } = await client.recordsAt(name, zone);
      const all = records.filter(({ type }) => type === 'TXT');
      return { zone: shown, ttl: all[0]?.ttl, served: all.filter(({ disabled }) => !disabled) };
    }
    const find = async (record: TxtRecord) => (await txtAt(record)).served.find((shown) => holds(shown, record));

    return {
      async addTxt(record) {
        const { name, zone, value } = record;
        const { zone: shown, ttl = record.ttl, served } = await txtAt(record);
        if (served.some((present) => holds(present, record))) return { zone, changed: false };
        if (!isWritable(shown)) throw notWritable(zone, shown.type);
        let isRepeated = false;
        return context.writeOnce({
          async write() {
            const form = { domain: name, zone, type: 'TXT', ttl: String(ttl), text: value };
            const { answer, refusal } = await client.write('/zones/records/add', form, EXISTS);
            if (!refusal) {
              return { zone, proven: holds(client.decodeAdded(answer, name, zone), record), changed: true };
            }
            // One that is disabled exists, too.
            if (!(await find(record))) throw refusal;
            // It may be the record of an earlier attempt with an unknown outcome.
            return { zone, changed: isRepeated };
          },
          async look() {
            isRepeated = true;
            return (await find(record)) && { zone, proven: true, changed: true };
          },
        });
      },

      async removeTxt(record, handle) {
        const { name, zone, value } = record;
        let own: ShownRecord | undefined;
        if (!handle?.proven || handle.zone !== zone) {
          own = await find(record);
          if (!own) return 'absent';
        }
        let isRepeated = false;
        return context.writeOnce<'removed' | 'absent'>({
          async write() {
            const form = { domain: name, zone, type: 'TXT', ...textOf(value, own) };
            // Releases before 13.1 do not say that there was no such record.
            const { refusal } = await client.write('/zones/records/delete', form, NO_RECORD);
            return refusal && !isRepeated ? 'absent' : 'removed';
          },
          async look() {
            isRepeated = true;
            return (await find(record)) ? undefined : 'removed';
          },
        });
      },

      async listTxt(name, zone) {
        return (await txtAt({ name, zone })).served.map(textIn);
      },

      listZones: () =>
        parseZones(
          eachPage(1, async (page) => {
            const form = { pageNumber: String(page), zonesPerPage: String(ZONES_PER_PAGE) };
            const { zones, totalPages } = (await client.read('/zones/list', form, zonesAnswer)).response;
            const items = zones.filter((zone) => !zone.internal && isWritable(zone));
            return {
              items: items.map(({ name, disabled }) => ({ name, active: !disabled })),
              next: page < totalPages ? page + 1 : undefined,
            };
          }),
        ),

      async nameServers(zone) {
        const { records } = await client.recordsAt(zone, zone);
        return records.flatMap(({ type, rData }) =>
          type === 'NS' && rData.nameServer ? [plainName(rData.nameServer)] : [],
        );
      },
    };
  },
});

const textIn = ({ rData }: ShownRecord): string => rData.characterStrings?.join('') ?? rData.text ?? '';

const holds = (shown: ShownRecord, { value }: TxtRecord): boolean => textIn(shown) === value;

/** The server compares string by string: one that another program has split elsewhere has to be given as it is. */
function textOf(value: string, own: ShownRecord | undefined): Readonly<Record<string, string>> {
  const strings = own?.rData.characterStrings ?? [];
  const isUsual = strings.every((string, index) => string.length === Math.min(255, value.length - index * 255));
  return isUsual ? { text: value } : { text: strings.join('\n'), splitText: 'true' };
}

function notWritable(zone: Fqdn, type: string): Dns01Error {
  return new Dns01Error('E_REJECTED', `${zone} is only a copy on this server (zone type ${type})`, {
    hint: 'set url to the web console of the server that has it as a primary zone',
  });
}
