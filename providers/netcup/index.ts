import * as z from 'zod/mini';
import {
  apiUrl,
  defineProvider,
  isSameName,
  secret,
  type TxtChange,
  type TxtOutcome,
  unquoteTxt,
} from '../../src/provider.ts';
import { absolute, changeAll } from './changes.ts';
import { createNetcupClient } from './client.ts';

const ENDPOINT = 'https://ccp.netcup.net/run/webservice/servers/endpoint.php';

const options = z.strictObject({
  customerNumber: z
    .pipe(z.union([z.string(), z.number()]), z.transform(String))
    .check(z.regex(/^\d+$/, 'expected digits'), z.describe('customer number')),
  apiKey: secret('API key (legacy) from the customer control panel'),
  apiPassword: secret('API password from the customer control panel'),
  url: apiUrl(ENDPOINT, 'Write it without ?JSON'),
});

/** Milliseconds: the name servers load changed zones every 10 minutes. */
const USUAL_DELAY_MS = 600_000;

/** netcup, through the DNS API of its customer control panel (CCP). */
export default defineProvider({
  type: 'netcup',
  title: 'netcup (CCP API)',
  docs: {
    url: ENDPOINT,
    rights: [
      'An API key and an API password. Create both in the customer control panel under Master Data, API; the key is called legacy there.',
    ],
    requests: {
      add: '1, and 1 each to log in and out; 1 more if the value exists',
      remove: '1 if the journal has the id of the record, otherwise 2, and 1 each to log in and out',
    },
    tried:
      "Never against the live API, which has no sandbox. Against a stand-in made from netcup's description of the API and its wiki, the answers of the live API that dns-lexicon recorded in 2019, and the error answers that other clients' authors report (all read on 2026-11-21).",
    notes: [
      "The name servers load changed zones every 10 minutes, sometimes later. Set `propagation: { timeout: 1200 }`, and the time limit of your ACME client's hook to more than that.",
      "This is netcup's older API. It does not reach domains in netcup's CloudDNS, where new domains have been since summer 2026. A key for the newer REST API (64 characters) does not work here.",
      'The key can change the DNS of all domains of the customer number. There are no keys with fewer rights.',
      'The API has no TTL for single records, so the ttl of the config has no effect.',
      'The documentation does not say whether the API makes all changes of one request or none, so dns01 lists the records after a refusal.',
      'It also does not say what the API does with a second, identical record. The answer to each change lists the zone, so dns01 sees a copy and deletes it.',
    ],
  },
  options,
  http: true,
  // The answer to too many: "More than 180 requests per minute." The limit is the customer's.
  rateLimits: [{ requests: 180, windowMs: 60_000, per: 'login' }],
  loginOf: ({ customerNumber }) => String(customerNumber),
  changes: { atMost: 100, atomic: false },
  nameServerPatterns: [/^(root|second|third)-dns\.netcup\.net$/],
  usualDelayMs: USUAL_DELAY_MS,
  create(login, context) {
    const client = createNetcupClient(login, context);
    async function changeOne(change: TxtChange): Promise<Extract<TxtOutcome, { state: 'done' }> | undefined> {
      const [outcome] = await changeAll(change.record.zone, [change], client, context);
      if (outcome && outcome.state !== 'done') throw outcome.error;
      return outcome;
    }
    return {
      async addTxt(record) {
        const outcome = await changeOne({ action: 'add', record });
        return { zone: record.zone, ...outcome?.handle, changed: outcome?.changed ?? false };
      },
      async removeTxt(record, handle) {
        return (await changeOne({ action: 'remove', record, handle }))?.changed === false ? 'absent' : 'removed';
      },
      changeTxt: (zone, changes) => changeAll(zone, changes, client, context),
      async listTxt(name, zone) {
        const records = await client.records(zone);
        return records
          .filter(({ type, hostname }) => type === 'TXT' && isSameName(absolute(hostname, zone), name, zone))
          .map(({ destination }) => unquoteTxt(destination));
      },
      close: () => client.close(),
    };
  },
});
