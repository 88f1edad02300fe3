import * as z from 'zod/mini';
import { isDns01Error } from '../../src/errors.ts';
import {
  apiUrl,
  createRecordVerbs,
  defineProvider,
  eachPage,
  type Fqdn,
  parseZones,
  pathPart,
  quoteTxt,
  type RightCheck,
  refusalError,
  secret,
  type TxtRecord,
} from '../../src/provider.ts';
import { changeMany, shownRecord, toShown } from './changes.ts';
import { answerOf, createClient, hasCode, IDENTICAL, NO_RECORD, refusals, zoneList } from './client.ts';

const options = z.strictObject({
  token: secret('API token with the permission Zone → DNS → Edit'),
  zoneId: z.optional(
    z
      .string()
      .check(
        z.regex(/^[0-9a-f]{32}$/, 'expected the 32 characters of the zone id, from the overview page of the zone'),
        z.describe('id of the only zone of the token; needed only where the token cannot list its zones'),
      ),
  ),
  url: apiUrl('https://api.cloudflare.com/client/v4'),
});

/** Cloudflare answers with fewer where there are fewer; the most for zones is 50. */
const RECORDS_PER_PAGE = 1000;
const ZONES_PER_PAGE = 50;

/** Seconds, on all plans but Enterprise ("Time to Live"). */
const MIN_TTL = 60;
const MAX_TTL = 86_400;

/** The document shows no `success` here. */
const deletedRecord = z.object({ result: z.object({ id: z.string() }) });

const tokenSchema = answerOf(z.object({ status: z.string(), expires_on: z.optional(z.nullable(z.string())) }));

/** Cloudflare API v4. */
export default defineProvider({
  type: 'cloudflare',
  title: 'Cloudflare',
  docs: {
    url: 'https://developers.cloudflare.com/api/resources/dns/subresources/records/',
    rights: [
      'An API token (My Profile → API Tokens → Create Token → Edit zone DNS) with the permission Zone → DNS → Edit, and under Zone Resources only the zones that need certificates.',
      'A token of the account (Manage Account → API Tokens) works too. The Global API Key does not.',
      'There is no smaller right: such a token can change every record of its zones.',
    ],
    requests: {
      add: '1; 2 if the value exists; if the zone is not known, 1 more for each name that is tried as a zone; 1 for up to 200 changes of a zone, at most 3 if some of them exist',
      remove: '1 if the journal has the id of the record, otherwise 2',
    },
    tried:
      "Never against the live API. Against a stand-in made from Cloudflare's OpenAPI document (the part for zones, records and tokens of 2024-08-06, and the API reference for batches) and its pages about batches, rate limits, token formats and TXT content (read on 2026-11-21), and from the recorded answers in the tests of lexicon and lego.",
    notes: [
      'With zoneId, a token works that cannot list its zones. dns01 then checks once a day that the zone with this id has the right name, because Cloudflare would put a name outside of the zone into it, below the name of the zone.',
      'The limit of 1,200 requests in 5 minutes is for the user: the dashboard, all tokens and the Global API Key together. If you exceed it, Cloudflare refuses every request for 5 minutes.',
      'Many changes of a zone are one batch: all of them or none. They are served one after the other.',
      'Cloudflare takes a TXT record beside a CNAME record, but does not serve it there.',
      'The TTL is at least 60 seconds.',
    ],
  },
  options,
  http: true,
  concurrency: 4,
  // "Rate limits": 1,200 in 5 minutes for a user or a token of an account, 200 a second for an IP address.
  rateLimits: [{ requests: 1200, windowMs: 300_000, per: 'credential' }],
  // "Batch record changes": 200 on the Free plan, 3,500 on the others; "in a single database transaction".
  changes: { atMost: 200, atomic: true },
  nameServerPatterns: [/^[a-z]+\.ns\.cloudflare\.com$/, /^[a-z0-9.-]+\.foundationdns\.(com|net|org)$/],
  usualDelayMs: 5000,
  create(settings, context) {
    const client = createClient(settings, context);
    const { api, inZone } = client;

    /** The TXT records of these names, or more. */
    const list = (zone: Fqdn, name: Readonly<Record<string, string>>) =>
      eachPage(1, (page) =>
        inZone(zone, async (id) => {
          const { result, result_info } = await api.json(
            {
              method: 'GET',
              path: recordsPath(id),
              query: { type: 'TXT', ...name, per_page: RECORDS_PER_PAGE, page },
            },
            answerOf(z.array(shownRecord)),
          );
          return { items: result.map(toShown), next: page < (result_info?.total_pages ?? 1) ? page + 1 : undefined };
        }),
      );

    const remove = (zone: Fqdn, recordId: string) =>
      inZone(zone, async (id) => {
        const answer = await api.send({
          method: 'DELETE',
          path: `${recordsPath(id)}/${pathPart(recordId)}`,
          expected: [200, 404],
        });
        if (answer.status === 200) {
          context.http.decode(answer, deletedRecord);
          return 'removed';
        }
        if (!hasCode(answer, [NO_RECORD])) throw refusalError(answer, refusals);
        return 'absent';
      });

    return {
      ...createRecordVerbs(
        {
          createsFirst: true,
          list: (zone, name) => list(zone, { name }),
          create: (record) =>
            inZone(record.zone, async (id) => {
              const answer = await api.send({
                method: 'POST',
                path: recordsPath(id),
                json: bodyOf(record),
                expected: [200, 400, 409],
              });
              if (answer.status !== 200) {
                const refusal = refusalError(answer, refusals);
                if (hasCode(answer, IDENTICAL)) return { conflict: refusal };
                throw refusal;
              }
              return toShown(context.http.decode(answer, answerOf(shownRecord)).result);
            }),
          remove,
        },
        context,
      ),
      changeTxt: (zone, changes) => changeMany({ zone, changes, bodyOf, list, client, context }),
      listZones: () =>
        parseZones(
          eachPage(1, async (page) => {
            const query = { page, per_page: ZONES_PER_PAGE };
            const { result, result_info } = await api.json({ method: 'GET', path: '/zones', query }, zoneList);
            return {
              items: result.map(({ name, status }) => ({ name, active: status === 'active' })),
              next: page < (result_info?.total_pages ?? 1) ? page + 1 : undefined,
            };
          }),
        ),
      async nameServers(zone) {
        const found = await client.findZone(zone);
        const names = found?.vanity_name_servers?.length ? found.vanity_name_servers : found?.name_servers;
        return (names ?? []).map((name) => name.toLowerCase().replace(/\.$/, ''));
      },
      checkRights,
    };

    /** The token itself; what it may do cannot be asked. */
    async function checkRights(): Promise<RightCheck[]> {
      const shown = await verify();
      if (!shown) return [];
      const until = new Date(shown.expires_on ?? Number.NaN);
      return [
        {
          right: 'API token',
          held: shown.status === 'active',
          hint: 'create a new token and put it into the config (dash.cloudflare.com/profile/api-tokens)',
          until: Number.isNaN(until.getTime()) ? undefined : until,
        },
      ];
    }

    /** A token of an account is unknown among those of users; before 2026 both had the same form ("Token formats"). */
    async function verify() {
      const { token } = settings;
      const at = async (path: string) => (await api.json({ method: 'GET', path }, tokenSchema)).result;
      if (!token.startsWith('cfat_')) {
        try {
          return await at('/user/tokens/verify');
        } catch (error) {
          if (token.startsWith('cfut_') || !isDns01Error(error) || error.code !== 'E_AUTH') throw error;
        }
      }
      const account = await anyAccount();
      return account === undefined ? undefined : at(`/accounts/${pathPart(account)}/tokens/verify`);
    }

    /** The account of a zone; undefined where the token sees none. */
    async function anyAccount(): Promise<string | undefined> {
      try {
        const { result } = await api.json({ method: 'GET', path: '/zones', query: { per_page: 5 } }, zoneList);
        return result[0]?.account?.id;
      } catch (error) {
        if (isDns01Error(error) && error.status === 403 && !error.loginRefused) return undefined;
        throw error;
      }
    }
  },
});

const recordsPath = (zoneId: string): string => `/zones/${pathPart(zoneId)}/dns_records`;

const bodyOf = ({ name, value, ttl }: TxtRecord) => ({
  type: 'TXT',
  name,
  content: quoteTxt(value),
  ttl: Math.min(MAX_TTL, Math.max(MIN_TTL, ttl)),
});
