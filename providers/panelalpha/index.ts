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
  token: secret('API token, made in the admin area under Configuration, Admins'),
  userId: z.optional(panelId('id of the user whose hosting account holds the zone')),
  accountId: z.optional(panelId('id of the hosting account that holds the zone; without it all accounts are searched')),
  nameStyle: z._default(
    z
      .enum(['auto', 'relative', 'fqdn', 'fqdn-dot'])
      .check(z.describe('how names are sent: auto learns it from the names that the panel shows')),
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
      'an API token, made in the admin area under Configuration, Admins',
      'the id of the user (userId) and of the hosting account (accountId), as in the addresses of their pages in the panel',
      'a plan that has DNS, with TXT among its record types',
    ],
    requests: {
      add: '3 with accountId, 1 where the value is there already; without accountId 1 more and 1 more for each hosting account, once a day; more where the panel is slow to show a record, and 5 more where it doubles the name, until nameStyle is set',
      remove: '3, because the hosting account is remembered; 1 where there is nothing to remove',
    },
    tried:
      'never against a real PanelAlpha: its documents show no answer of any DNS call, so answers are read in every form that its documents, its connector and its integration interface make likely, each tried on a fake',
    notes: [
      'set userId and accountId: it saves requests and questions',
      'what counts is the list of records, not what the panel answers to a change: a value that the list does not show was not published',
      'a record is deleted by its line, which may be a number that moves with each change of the zone: lines are never remembered, dns01 lists again after each deletion, and only one of its processes changes a zone at a time. Another program that changes the zone in the same moment can still make the panel delete the wrong record: dns01 then warns and names the record',
      'where the panel shows its lists in pages, each list takes one request for every 100 records of the zone: an add and a removal read it twice',
      'where two records share one line, none is deleted, and the error says so',
      "the panel's own certificates write to _acme-challenge too: only exactly equal values are ever deleted",
      'where the panel refuses the ttl, the record is sent without one',
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
