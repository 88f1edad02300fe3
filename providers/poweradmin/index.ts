import * as z from 'zod/mini';
import {
  createRecordVerbs,
  defineProvider,
  eachPage,
  httpUrl,
  parseZones,
  pathPart,
  plainName,
  quoteTxt,
  type RightCheck,
  refusalError,
  secret,
  shownId,
  type TxtRecord,
} from '../../src/provider.ts';
import { changeMany } from './changes.ts';
import { createClient, EDIT_RIGHTS, isCopy, isNoRecord, refusals, zoneList } from './client.ts';

const options = z.strictObject({
  url: httpUrl('address of Poweradmin, e.g. https://dns.example.com, without /api'),
  apiKey: secret('API key from the API Keys page of Poweradmin'),
});

/** The API shows every zone on one page unless it is asked for pages. */
const ZONES_PER_PAGE = 500;

/** How many zones checkRights looks at. */
const CHECKED_ZONES = 10;

/** The name is relative to the zone, `@` for the zone itself, and the value is without quotes unless it has several strings. */
const created = z.object({
  data: z.object({ record: z.object({ id: z.nullable(shownId), name: z.string(), content: z.string() }) }),
});

/** Poweradmin, through its REST API v2. */
export default defineProvider({
  type: 'poweradmin',
  title: 'Poweradmin',
  docs: {
    url: 'https://docs.poweradmin.org/configuration/api/',
    rights: [
      "The administrator switches the API on once: `'api' => ['enabled' => true]` in config/settings.php. Poweradmin 4.1 or later has API v2.",
      'A permission template for dns01: zone_content_view_own, zone_content_edit_own_as_client (records except SOA and NS), and api_manage_keys, which the user needs to create its key and which may be taken away afterwards. The template "Zone Manager" has more than that, "Editor" only lacks api_manage_keys.',
      'A user for dns01 (Users → Add user) with this template. It owns each zone that needs certificates: open the zone and add the user as an owner. It does not see other zones.',
      'The key: log in as this user, choose API Keys on the start page → Add new API key, leave "Expires at" empty, and copy the key, which begins with `pwa_`. It is shown only once.',
    ],
    requests: {
      add: '2; 1 if the value exists; if the zone is not known, 1 more for each name that is tried as a zone; 2 for up to 200 changes of a zone',
      remove: '1 if the journal has the id of the record, otherwise 2',
    },
    tried:
      "With the real Poweradmin 4.4.0 on PHP 8.2 with MariaDB 10.11 and PowerDNS 4.7.3, where certbot got certificates. What other releases do differently was tried only against a stand-in made from Poweradmin's source (4.1.0 to 4.4.0, read on 2026-11-21).",
    notes: [
      'PowerDNS caches answers for 20 seconds, and the absence of a name for 60 seconds. Poweradmin writes into its database without notifying it, so it can take that long until a change is served.',
      'The API does not refuse a second, identical record, so dns01 reads the TXT records of the zone before it adds one.',
      'Many changes of a zone are one request: all of them or none. If Poweradmin itself writes through the API of PowerDNS (an experimental setting), the changes before a refused one stay.',
      'Disabled records are neither used nor changed.',
      'API keys have no rights of their own: a key can do everything that its user can.',
      'Poweradmin has no change requests that wait for approval: a change is made at once or refused.',
    ],
  },
  options,
  http: true,
  // With the backend "api", Poweradmin reads and replaces the record set of the name.
  exclusive: true,
  changes: { atMost: 200, atomic: true },
  usualDelayMs: 20_000,
  create(settings, context) {
    const client = createClient(settings, context);
    const { api, inZone, list } = client;

    return {
      ...createRecordVerbs(
        {
          async *list(zone) {
            for (const { id, name, content } of await list(zone, 'TXT')) yield { id, name, value: content };
          },
          create: (record) =>
            inZone(record.zone, async (id) => {
              const path = `${zonePath(id)}/records`;
              const { data } = await api.json({ method: 'POST', path, json: bodyOf(record) }, created);
              const { name, content, id: recordId } = data.record;
              const absolute = name === '@' ? record.zone : `${name}.${record.zone}`;
              return { ...(recordId === null ? {} : { id: recordId }), name: absolute, value: content };
            }),
          remove: (zone, recordId) =>
            inZone(zone, async (id) => {
              const path = `${zonePath(id)}/records/${pathPart(recordId)}`;
              const answer = await api.send({ method: 'DELETE', path, expected: [204, 404] });
              if (answer.status === 204) return 'removed';
              if (isNoRecord(answer)) return 'absent';
              throw refusalError(answer, refusals);
            }),
        },
        context,
      ),
      changeTxt: (zone, changes) => changeMany({ zone, changes, newRecord: bodyOf, client, context }),
      listZones: () => parseZones(writableZones()),
      async nameServers(zone) {
        const records = await list(zone, 'NS');
        return records.filter(({ name }) => plainName(name) === zone).map(({ content }) => plainName(content));
      },
      checkRights,
    };

    async function* writableZones() {
      const pages = eachPage(1, async (page) => {
        const query = { page, per_page: ZONES_PER_PAGE };
        const { data, pagination } = await api.json({ method: 'GET', path: '/zones', query }, zoneList);
        return { items: data.zones, next: page < (pagination?.last_page ?? 1) ? page + 1 : undefined };
      });
      for await (const zone of pages) if (!isCopy(zone)) yield zone;
    }

    /** An empty batch changes nothing, and is refused only after the right to change the zone was checked. */
    async function checkRights(): Promise<RightCheck[]> {
      const checks: RightCheck[] = [];
      for await (const { id, name } of writableZones()) {
        const path = `${zonePath(id)}/records/bulk`;
        const json = { operations: [] };
        const { status } = await api.send({ method: 'POST', path, json, writes: false, expected: [400, 403, 404] });
        checks.push({ right: `change the records of ${name}`, held: status === 400, hint: EDIT_RIGHTS });
        if (checks.length === CHECKED_ZONES) break;
      }
      return checks;
    }
  },
});

const zonePath = (id: string): string => `/zones/${pathPart(id)}`;

const bodyOf = ({ name, value, ttl }: TxtRecord) => ({
  name,
  type: 'TXT',
  content: quoteTxt(value),
  // "TTL must be greater than 0".
  ttl: Math.max(1, ttl),
});
