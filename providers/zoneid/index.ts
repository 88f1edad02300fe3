import * as z from 'zod/mini';
import {
  apiUrl,
  createApi,
  createRecordVerbs,
  defineProvider,
  eachPage,
  type Fqdn,
  type HttpAnswer,
  pathPart,
  secret,
  shownId,
  unexpectedAnswer,
} from '../../src/provider.ts';
import { conflictOf, refusalsIn } from './refusals.ts';

const options = z.strictObject({
  username: z.string().check(
    z.minLength(1),
    z.refine((name) => !name.includes(':'), 'expected a username without a colon'),
    z.describe('ZoneID username (not the e-mail address)'),
  ),
  apiKey: secret('API key from the ZoneID account management'),
  url: apiUrl('https://api.zone.eu/v2'),
});

/**
 * The answer to a list of TXT records (ZoneID API v2, "get Zone TXT records"): always an array. `resource_url` is left
 * out on purpose, because it is an absolute address of the server's choice. `delete` is false where the API would refuse
 * a deletion. The document calls an id an integer and shows a quoted string.
 */
const txtList = z.array(
  z.pipe(
    z.object({ id: shownId, name: z.string(), destination: z.string(), delete: z.optional(z.unknown()) }),
    z.transform(({ destination, delete: isDeletable, ...record }) => ({
      ...record,
      value: destination,
      locked: isDeletable === false,
    })),
  ),
);

const created = z
  .object({ id: z.optional(z.nullable(shownId)), name: z.optional(z.string()), destination: z.optional(z.string()) })
  .check(z.refine((record) => Object.keys(record).length > 0, 'not a TXT record'));

/**
 * The answer to a created record (ZoneID API v2, "Create TXT record"): an array of one, by the document. A bare object
 * and a record without an id are accepted too, because the record has been made by then.
 */
const createdRecord = z.pipe(
  z.union([z.array(created).check(z.minLength(1)), created]),
  z.transform((answer) => {
    const [record] = [answer].flat();
    return { id: record?.id ?? undefined, name: record?.name, value: record?.destination };
  }),
);

/** The API's maximum (ZoneID API v2, "Pagination and sorting"). */
const RECORDS_PER_PAGE = '100';

/** No zone is that large. */
const MAX_PAGES = 1000;

/** zone.eu (Zone Media, Estonia), through the ZoneID API v2. */
export default defineProvider({
  type: 'zoneid',
  title: 'Zone.eu (ZoneID API v2)',
  docs: {
    url: 'https://api.zone.eu/v2',
    rights: ['An API key. Create it in the ZoneID account management.'],
    requests: {
      add: '1; 1 more if the value exists; if the zone is not known, 1 more for each name that is not a zone',
      remove: '1 if the journal has the id of the record, otherwise 2',
    },
    tried:
      "Never against the live API, which has no sandbox. Only against a stand-in built from its documentation and from reports of other clients' authors.",
    notes: [
      'The key can do everything that the ZoneID user can, such as ordering servers and deleting mailboxes. There are no keys for DNS only, so store it where no one else can read it.',
      'The limit of 60 requests a minute applies to the IP address, not to the account. Machines behind one address share it.',
      'The API has no TTL, so the ttl of the config has no effect.',
      'It can take up to five minutes until the name servers show a new record.',
      'The API lists registered domains but not DNS zones, so `dns01 zones` shows only those in the config. Add your zones to `zones:`.',
      'The documentation does not say what the API does with a second, identical record. If the API refuses it, the add succeeds and changes nothing. If it accepts it, there are two records. A removal then deletes one of them if the journal has its id, otherwise both.',
    ],
  },
  options,
  http: true,
  concurrency: 8,
  rateLimits: [{ requests: 60, windowMs: 60_000, per: 'address', remainingHeader: 'x-ratelimit-remaining' }],
  create({ username, apiKey, url }, context) {
    const credentials = Buffer.from(`${username}:${apiKey}`).toString('base64');
    context.keepSecret(credentials);
    const headers = { authorization: `Basic ${credentials}` };
    const apiOf = (zone: Fqdn) => createApi(context, { url, headers, ...refusalsIn(zone) });

    return createRecordVerbs(
      {
        createsFirst: true,
        list: (zone) =>
          eachPage(1, async (page) => {
            const answer = await apiOf(zone).send({
              method: 'GET',
              path: txtPath(zone),
              headers: { 'x-pager-limit': RECORDS_PER_PAGE, ...(page > 1 ? { 'x-pager-page': String(page) } : {}) },
              retryConflict: true,
            });
            return { items: context.http.decode(answer, txtList), next: nextPage(answer, page) };
          }),

        async create(record) {
          const answer = await apiOf(record.zone).send({
            method: 'POST',
            path: txtPath(record.zone),
            json: { name: record.name, destination: record.value },
            retryConflict: true,
            expected: [200, 201, 202, 409, 422],
          });
          if (answer.status >= 400) return conflictOf(answer, record);
          // "Accepted, will be processed later": the answer may have no record yet.
          if (answer.status === 202 && /^\s*(\[\s*\])?\s*$/.test(answer.text)) return {};
          return context.http.decode(answer, createdRecord);
        },

        async remove(zone, id) {
          const { status } = await apiOf(zone).send({
            method: 'DELETE',
            path: `${txtPath(zone)}/${pathPart(id)}`,
            retryConflict: true,
            expected: [202, 204, 404],
          });
          return status === 404 ? 'absent' : 'removed';
        },
      },
      context,
    );
  },
});

const txtPath = (zone: Fqdn): string => `/dns/${pathPart(zone)}/txt`;

/** The page after this one. No DNS list is documented to have more than one, so only an enabled pager counts. */
function nextPage(answer: HttpAnswer, page: number): number | undefined {
  const { headers } = answer;
  if (headers['x-pager-enabled']?.trim() !== '1') return undefined;
  const pages = Number(headers['x-pager-pages'] ?? Number.NaN);
  if (!Number.isInteger(pages) || pages > MAX_PAGES) {
    throw unexpectedAnswer(answer, `header x-pager-pages should be a number up to ${MAX_PAGES}`);
  }
  const shown = headers['x-pager-page']?.trim();
  if (shown !== undefined && shown !== String(page)) {
    throw unexpectedAnswer(answer, `asked for page ${page}, got another`);
  }
  return page < pages ? page + 1 : undefined;
}
