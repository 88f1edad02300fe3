import * as z from 'zod/mini';
import { isDns01Error } from '../../src/errors.ts';
import {
  apiUrl,
  createApi,
  createRecordVerbs,
  defineProvider,
  eachPage,
  type Fqdn,
  parseZones,
  pathPart,
  plainName,
  relativeName,
  secret,
  shownId,
} from '../../src/provider.ts';
import { isCreateError, messageOf, refusalIn, refusals } from './refusals.ts';

const options = z.strictObject({
  apiKey: secret('API key, pk1_…'),
  secretApiKey: secret('secret API key, sk1_…'),
  url: apiUrl('https://api.porkbun.com/api/json/v3'),
});

/** "Minimum is determined by account settings (typically 600)." (API v3, `CreateDnsRequest`) */
const MIN_TTL = 600;

/** "Returns up to 1000 domains per call." (API v3, `ListAllRequest`) */
const DOMAINS_PER_PAGE = 1000;

const success = z.object({ status: z.literal('SUCCESS') });

/** API v3, `DnsRecordsResponse`. Names are absolute, and TXT values have no quotes. */
const recordsSchema = z.extend(success, {
  records: z.array(z.object({ id: shownId, name: z.string(), type: z.string(), content: z.string() })),
});

/** The document shows a text, and the API sends a number. */
const createdSchema = z.extend(success, { id: z.optional(shownId) });

const flag = z.optional(z.pipe(z.union([z.string(), z.number()]), z.transform(Number)));
const domainsSchema = z.extend(success, {
  domains: z.array(z.object({ domain: z.string(), apiAccess: flag, notLocal: flag })),
});

/** Porkbun, through its API v3: every call is a POST with the keys in its body. */
export default defineProvider({
  type: 'porkbun',
  title: 'Porkbun',
  docs: {
    url: 'https://porkbun.com/api/json/v3/documentation',
    rights: [
      'An API key and its secret. Create them at https://porkbun.com/account/api.',
      'API ACCESS turned on for each domain: Domain Management, Details of the domain.',
      'The keys can do everything in the account with the domains whose API ACCESS is on, such as renewing them.',
    ],
    requests: { add: '1; 2 if the value exists', remove: '2, because the answer to an add does not repeat the record' },
    tried:
      "Never against the live API. Against a stand-in made from Porkbun's OpenAPI document (version 3.0, as in jvm/porkbun-cli), from answers recorded by lexicon and by lego's client, and from issues of other clients (read on 2026-11-21).",
    notes: [
      'If a record already exists, the API refuses it with the same words as for other problems. dns01 then reads the name to find out.',
      'The TTL is at least 600 seconds.',
      'The documents give no rate limit for DNS. Clients report that the API refuses requests that come too fast, so dns01 sends at most two a second.',
      'The documentation does not say how values of more than 255 octets are served.',
      'A new domain has ALIAS and CNAME records of Porkbun: delete them before you ask for a certificate.',
    ],
  },
  options,
  http: true,
  // Not documented. DNSControl pauses for 500 ms before each request, because the API refuses faster ones.
  rateLimits: [{ requests: 2, windowMs: 1000, per: 'credential' }],
  // Not documented; lego waits for up to 10 minutes.
  usualDelayMs: 60_000,
  nameServerPatterns: [/^[a-z]+(?:\.ns)?\.porkbun\.com$/],
  create({ apiKey, secretApiKey, url }, context) {
    const api = createApi(context, { url, headers: {}, refusals, messageOf });

    /** @throws the refusal, which has status 400, and 200 in older reports */
    async function call<Schema extends z.core.$ZodType>(
      path: string,
      schema: Schema,
      { zone, writes = false, ...fields }: { zone?: Fqdn; writes?: boolean; [field: string]: unknown } = {},
    ): Promise<z.output<Schema>> {
      const json = { apikey: apiKey, secretapikey: secretApiKey, ...fields };
      const answer = await api.send({ method: 'POST', path, json, writes, expected: [200, 400] });
      const refusal = refusalIn(answer, zone);
      if (refusal) throw refusal;
      return context.http.decode(answer, schema);
    }

    const retrieve = async (zone: Fqdn, what: string) => (await call(`/dns/${what}`, recordsSchema, { zone })).records;
    const ofType = (zone: Fqdn, type: string, name: Fqdn) => {
      const parts = [zone, type, relativeName(name, zone, '')].filter(Boolean);
      return retrieve(zone, `retrieveByNameType/${parts.map(pathPart).join('/')}`);
    };

    return {
      ...createRecordVerbs(
        {
          createsFirst: true,
          async *list(zone, name) {
            const records = await ofType(zone, 'TXT', name);
            yield* records.filter(({ type }) => type === 'TXT').map((record) => ({ ...record, value: record.content }));
          },
          async create({ name, zone, value, ttl }) {
            const fields = {
              name: relativeName(name, zone, ''),
              type: 'TXT',
              content: value,
              ttl: Math.max(ttl, MIN_TTL),
            };
            try {
              const path = `/dns/create/${pathPart(zone)}`;
              const { id } = await call(path, createdSchema, { zone, writes: true, ...fields });
              return id === undefined ? {} : { id };
            } catch (failure) {
              if (isDns01Error(failure) && isCreateError(failure)) return { conflict: failure };
              throw failure;
            }
          },
          async remove(zone, id) {
            try {
              await call(`/dns/delete/${pathPart(zone)}/${pathPart(id)}`, success, { zone, writes: true });
              return 'removed';
            } catch (failure) {
              if (!isDns01Error(failure) || failure.code !== 'E_REJECTED') throw failure;
              // The words for an unknown id are not documented.
              const left = await retrieve(zone, `retrieve/${pathPart(zone)}/${pathPart(id)}`).catch(unlessRejected);
              if (left?.some((record) => record.id === id)) throw failure;
              return 'absent';
            }
          },
        },
        context,
      ),

      listZones: () =>
        parseZones(
          eachPage(0, async (start) => {
            const { domains } = await call('/domain/listAll', domainsSchema, { start });
            return {
              items: domains
                .filter(({ apiAccess }) => apiAccess !== 0)
                .map(({ domain, notLocal }) => ({ name: domain, active: notLocal !== 1 })),
              next: domains.length < DOMAINS_PER_PAGE ? undefined : start + domains.length,
            };
          }),
        ),

      async checkRights() {
        await call('/ping', success);
        return [{ right: 'the API keys are valid', held: true }];
      },

      nameServers: async (zone) =>
        (await ofType(zone, 'NS', zone))
          .filter(({ type, name }) => type === 'NS' && plainName(name) === zone)
          .map(({ content }) => plainName(content)),
    };
  },
});

function unlessRejected(failure: unknown): undefined {
  if (!isDns01Error(failure) || failure.code !== 'E_REJECTED') throw failure;
}
