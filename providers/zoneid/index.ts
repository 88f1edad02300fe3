import * as z from 'zod/mini';
import { defineProvider, httpUrl, secret } from '../../src/provider.ts';
import { createZoneidClient } from './client.ts';
import { createRecords } from './records.ts';

const options = z.strictObject({
  username: z.string().check(
    z.minLength(1),
    z.refine((name) => !name.includes(':'), 'expected a username without a colon'),
    z.describe('ZoneID username, not the e-mail address'),
  ),
  apiKey: secret('API key, made in the ZoneID account management'),
  url: z._default(httpUrl('address of the API; default: https://api.zone.eu/v2'), 'https://api.zone.eu/v2'),
});

/** zone.eu (Zone Media, Estonia), through the ZoneID API v2. */
export default defineProvider({
  type: 'zoneid',
  title: 'Zone.eu (ZoneID API v2)',
  docs: {
    url: 'https://api.zone.eu/v2',
    rights: ['an API key, made in the ZoneID account management'],
    requests: {
      add: '1 where the zone is known, else one more for every name that turns out not to be a zone; one more for a value that is there already',
      remove: '1 with what the add remembered, else 2, and one more for every name that turns out not to be a zone',
    },
    tried:
      "never against the live API, which has no sandbox: built to its documents and to what other clients' authors report, and tried on a fake made from these",
    notes: [
      'the key can do all that the ZoneID user can, like ordering servers and deleting mailboxes: there are no keys for DNS only, so keep it where nobody else reads it',
      '60 requests a minute are allowed for an IP address, whatever the account: machines behind one address share them',
      'the API knows no TTL: the ttl of the config is not sent',
      'a new record can take up to five minutes to be seen on the name servers',
      'the API lists registered domains but not DNS zones, so the zones of such an account are not listed: name them in the config',
      'what the API does with a second, identical record is not documented: if it refuses it, the add is a success and nothing changes; if it takes it, there are two, and a removal by what the add remembered deletes one, a removal without deletes both',
    ],
  },
  options,
  http: true,
  concurrency: 8,
  budget: { requests: 60, window: 60, per: 'address', remainingHeader: 'x-ratelimit-remaining' },
  create({ username, apiKey, url }, context) {
    const credentials = Buffer.from(`${username}:${apiKey}`).toString('base64');
    context.keepSecret(credentials);
    return createRecords(createZoneidClient(context.http, { url, authorization: `Basic ${credentials}` }), context);
  },
});
