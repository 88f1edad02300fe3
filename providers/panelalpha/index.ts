import * as z from 'zod/mini';
import { isDns01Error } from '../../src/errors.ts';
import { defineProvider, type Fqdn, httpUrl, type RecordHandle, secret } from '../../src/provider.ts';
import { publish, withdraw } from './changes.ts';
import { createPanelClient, type Place } from './client.ts';
import { valuesAt } from './names.ts';
import { createPlaces } from './places.ts';

/** An id of the panel: a whole number, which may be quoted in YAML. */
const panelId = (description: string) =>
  z
    .pipe(
      z.union(
        [z.int().check(z.minimum(1)), z.string().check(z.regex(/^[1-9]\d*$/))],
        'expected a whole number, as in the address of the page in the panel',
      ),
      z.transform((id: string | number) => String(id)),
    )
    .check(z.describe(description));

const panelalphaOptions = z.strictObject({
  url: httpUrl('address of the panel with its port, e.g. https://panel.example.com:8443, without /api'),
  token: secret('API token from the admin area (Configuration, Admins)'),
  userId: z.optional(panelId('id of the user whose hosting account holds the zone')),
  accountId: z.optional(panelId('id of the hosting account that holds the zone; without it all accounts are searched')),
  nameStyle: z._default(
    z
      .enum(['auto', 'relative', 'fqdn', 'fqdn-dot'])
      .check(z.describe('format of names in requests; auto uses the format of the names that the panel lists')),
    'auto',
  ),
});

/** PanelAlpha, through its user API, with any DNS server behind it. */
export default defineProvider({
  type: 'panelalpha',
  title: 'PanelAlpha',
  docs: {
    url: 'https://www.panelalpha.com/documentation/',
    rights: [
      'An API token. Create it in the admin area under Configuration, Admins.',
      'The id of the user (userId) and of the hosting account (accountId). Both are in the URLs of their pages in the panel.',
      'A plan that includes DNS with TXT records.',
    ],
    requests: {
      add: '3 with accountId, 1 if the value exists. Without accountId: once a day, 1 more and 1 more for each hosting account. More if the panel is slow to list a record, and 5 more if it doubles the name, until you set nameStyle',
      remove: '3, because dns01 remembers the hosting account; 1 if there is nothing to remove',
    },
    tried:
      'Never against a real PanelAlpha. Its documentation does not show the answers of DNS calls. dns01 reads answers in every format that the documentation, the connector and the integration interface suggest, and each format was tried against a stand-in.',
    notes: [
      'Set userId and accountId: it saves requests.',
      'After each change, dns01 reads the list of records. A value that is not in the list counts as not published, even if the panel reports success.',
      'The panel deletes a record by its line, which may be a number that changes with each change of the zone. dns01 therefore lists the records again after each deletion, and only one of its processes changes a zone at a time. If another program changes the zone at the same moment, the panel can still delete the wrong record. dns01 then warns and names that record.',
      'If the panel splits lists into pages, a list takes one request for every 100 records of the zone. An add and a removal each read it twice.',
      'If two records have the same line, dns01 deletes neither and fails with an error.',
      'The panel also writes to `_acme-challenge` names for its own certificates. dns01 deletes only exactly equal values.',
      'If the panel refuses the ttl, dns01 sends the record without one.',
    ],
  },
  options: panelalphaOptions,
  http: true,
  // The API changes single records, but a line number that another process of ours moves would delete a wrong one.
  exclusive: true,
  create({ url, token, userId, accountId, nameStyle }, context) {
    const client = createPanelClient({ url, token, userId }, context);
    const places = createPlaces(client, context, accountId);
    const tools = { client, context, nameStyle };

    async function inZone<Result>(
      zone: Fqdn,
      handle: RecordHandle | undefined,
      task: (place: Place) => Promise<Result>,
    ): Promise<Result> {
      try {
        return await task(await places.find(zone, handle));
      } catch (error) {
        // The zone may be in another hosting account now.
        if (isDns01Error(error) && error.code === 'E_ZONE') await context.forgetZoneId(zone);
        throw error;
      }
    }

    return {
      addTxt: (record) =>
        inZone(record.zone, undefined, async (place) => {
          const changed = await publish(place, record, tools);
          return { zone: place.zone, id: place.account, changed };
        }),
      removeTxt: (record, handle) =>
        inZone(record.zone, handle, async (place) => ((await withdraw(place, record, tools)) ? 'removed' : 'absent')),
      listTxt: (name, zone) =>
        inZone(zone, undefined, async (place) => valuesAt(await client.records(place), name, zone)),
      listZones: places.zones,
    };
  },
});
