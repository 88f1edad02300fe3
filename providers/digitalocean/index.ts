import * as z from 'zod/mini';
import { isDns01Error } from '../../src/errors.ts';
import {
  apiUrl,
  bearer,
  createApi,
  createRecordVerbs,
  defineProvider,
  eachPage,
  type Fqdn,
  type HttpAnswer,
  parseZones,
  pathPart,
  plainName,
  type Refusals,
  refusalBody,
  relativeName,
  secret,
  shownId,
} from '../../src/provider.ts';

const options = z.strictObject({
  token: secret('personal access token with the scopes domain:read and domain:update'),
  url: apiUrl('https://api.digitalocean.com'),
});

/** The maximum ("Links & Pagination"). */
const ITEMS_PER_PAGE = 200;

/** Seconds; the least that other clients of the API send. */
const MIN_TTL = 30;

/** `pages.next` is there where another page follows. It is not used: its address is the server's choice. */
const links = z.optional(z.object({ pages: z.optional(z.object({ next: z.optional(z.string()) })) }));

/** The name is relative to the domain, `@` for the domain itself. The data of a TXT record has no quotes. */
const record = z.object({ id: shownId, name: z.string(), data: z.string() });
const created = z.object({ domain_record: record });
const records = z.object({ domain_records: z.array(record), links });
const domains = z.object({ domains: z.array(z.object({ name: z.string() })), links });

const toShown = ({ id, name, data }: z.output<typeof record>) => ({ id, name, value: data });

const SCOPES =
  'create a token with the custom scopes domain:read and domain:update (cloud.digitalocean.com/account/api/tokens)';

const refusals: Refusals = {
  401: {
    code: 'E_AUTH',
    text: 'the token was refused',
    hint: `check that the token has not expired, or ${SCOPES}`,
  },
  403: { code: 'E_AUTH', text: 'the token does not have the scope for this', hint: SCOPES },
  404: {
    code: 'E_ZONE',
    text: 'there is no such domain in this account',
    hint: 'check that the domain is in the DigitalOcean team of the token (Networking → Domains)',
  },
  422: {
    code: 'E_REJECTED',
    hint: 'check the name at DigitalOcean: no TXT record is possible beside a CNAME; a TXT value is limited to about 500 characters',
  },
};

const errorSchema = z.object({ message: z.string() });
const messageOf = (answer: HttpAnswer) => refusalBody(answer, errorSchema)?.message;

/** DigitalOcean API v2. */
export default defineProvider({
  type: 'digitalocean',
  title: 'DigitalOcean',
  docs: {
    url: 'https://docs.digitalocean.com/reference/api/digitalocean/#tag/Domain-Records',
    rights: [
      'A personal access token with custom scopes (API → Tokens → Generate New Token): `domain:read` and `domain:update`. It can change the records of every domain of the team, and cannot add or delete a domain.',
      'There is no token for one domain.',
    ],
    requests: {
      add: '2; 1 if the value exists',
      remove: '1 if the journal has the id of the record, otherwise 2',
    },
    tried:
      "Never against the live API. Against a stand-in made from DigitalOcean's OpenAPI document (digitalocean/openapi, commit 7c1300c4 of 2026-08-07, read on 2026-11-21), from the recorded answers in the tests of lexicon and lego, and from what the authors of DNSControl found out about TXT records.",
    notes: [
      'The API accepts the same record twice, so dns01 reads the records of a name before it adds one. If two machines add the same value at the same moment, there can be two records. A removal without the journal deletes both.',
      'A TXT value is limited to about 500 characters. The limit is not documented.',
      'The TTL is at least 30 seconds.',
      'The limits of 5,000 requests an hour and 250 a minute apply to each token.',
    ],
  },
  options,
  http: true,
  concurrency: 4,
  // "Rate Limit": for each token. The header counts the hour, and is 0 when the minute is used up; so it stands with the
  // minute, where a 0 means a wait of a minute only.
  rateLimits: [
    { requests: 5000, windowMs: 3_600_000, per: 'credential' },
    { requests: 250, windowMs: 60_000, per: 'credential', remainingHeader: 'ratelimit-remaining' },
  ],
  nameServerPatterns: [/^ns[123]\.digitalocean\.com$/],
  usualDelayMs: 5000,
  create({ token, url }, context) {
    const api = createApi(context, { url: `${url}/v2`, headers: bearer(token), refusals, messageOf });

    const list = (zone: Fqdn, name: Fqdn, type: string) =>
      eachPage(1, async (page) => {
        const query = { type, name, per_page: ITEMS_PER_PAGE, page };
        const answer = await api.json({ method: 'GET', path: recordsPath(zone), query }, records);
        return { items: answer.domain_records.map(toShown), next: answer.links?.pages?.next ? page + 1 : undefined };
      });

    return {
      ...createRecordVerbs(
        {
          list: (zone, name) => list(zone, name, 'TXT'),
          async create({ name, zone, value, ttl }) {
            const json = {
              type: 'TXT',
              name: relativeName(name, zone),
              data: value,
              ttl: Math.max(MIN_TTL, ttl),
              // Required by the schema, for records of other types.
              flags: null,
              tag: null,
            };
            const call = { method: 'POST', path: recordsPath(zone), json, expected: [201] } as const;
            return toShown((await api.json(call, created)).domain_record);
          },
          async remove(zone, id) {
            const path = `${recordsPath(zone)}/${pathPart(id)}`;
            const { status } = await api.send({ method: 'DELETE', path, expected: [204, 404] });
            return status === 404 ? 'absent' : 'removed';
          },
        },
        context,
      ),
      listZones: () =>
        parseZones(
          eachPage(1, async (page) => {
            const query = { per_page: ITEMS_PER_PAGE, page };
            const answer = await api.json({ method: 'GET', path: '/domains', query }, domains);
            return { items: answer.domains, next: answer.links?.pages?.next ? page + 1 : undefined };
          }),
        ),
      async nameServers(zone) {
        const names: string[] = [];
        for await (const { value } of list(zone, zone, 'NS')) names.push(plainName(value));
        return names;
      },
      /** Only reading can be tried without a change. */
      async checkRights() {
        const right = 'domain:read';
        try {
          await api.json({ method: 'GET', path: '/domains', query: { per_page: 1 } }, domains);
          return [{ right, held: true }];
        } catch (error) {
          if (isDns01Error(error) && error.status === 403) return [{ right, held: false, hint: SCOPES }];
          throw error;
        }
      },
    };
  },
});

const recordsPath = (zone: Fqdn): string => `/domains/${pathPart(zone)}/records`;
