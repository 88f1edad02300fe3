import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  type ApiCall,
  apiUrl,
  createApi,
  defineProvider,
  eachPage,
  type Fqdn,
  type HttpAnswer,
  parseZones,
  pathPart,
  plainName,
  quoteTxt,
  type Refusal,
  refusalBody,
  refusalError,
  relativeName,
  secret,
  type TxtRecord,
  unquoteTxt,
} from '../../src/provider.ts';

const options = z.strictObject({
  token: secret('personal access token'),
  url: apiUrl('https://api.gandi.net'),
});

/** LiveDNS API, "Single domain's record, by name and type". Values are quoted, and split where they are long. */
const recordSet = z.object({ rrset_values: z.array(z.string()) });
type RecordSet = z.output<typeof recordSet>;
const confirmation = z.object({ message: z.string() });
const domains = z.array(z.object({ fqdn: z.string() }));
const refusal = z.object({ object: z.optional(z.string()), message: z.optional(z.string()) });

const DOMAINS_PER_PAGE = 100;

/** Seconds ("rrset_ttl"). */
const MIN_TTL = 300;
const MAX_TTL = 2_592_000;

/** How often a value is added, if the set of its name is made or deleted by others in between. */
const MAX_ATTEMPTS = 4;

/** A token that has ended or was deleted is a 403, not a 401 (LiveDNS API, "Responses"). */
const tokenRefused = (zone?: Fqdn): Refusal => ({
  code: 'E_AUTH',
  text: zone === undefined ? 'the token was refused' : `the token was refused for ${zone}`,
  hint: `check in the Gandi account that the personal access token has not ended, and that it has the right to manage the technical configuration of ${zone ?? 'your domains'}; an API key of the old kind is not accepted`,
  tryNextZone: zone !== undefined,
});

const settingsFor = (zone?: Fqdn) => ({
  refusals: {
    401: tokenRefused(),
    403: tokenRefused(zone),
    404: {
      code: 'E_ZONE' as const,
      text: 'there is no such domain in LiveDNS for this token',
      hint: 'check that the domain uses LiveDNS, and that the token is for its organization',
    },
  },
  messageOf: (answer: HttpAnswer) => refusalBody(answer, refusal)?.message,
});

/** Gandi, through the LiveDNS API v5. */
export default defineProvider({
  type: 'gandi',
  title: 'Gandi (LiveDNS API v5)',
  docs: {
    url: 'https://api.gandi.net/docs/livedns/',
    rights: [
      'A personal access token, created in the Gandi account under Organizations > Sharing, with the permission "Manage domain name technical configurations", restricted to the domains that need certificates.',
    ],
    requests: {
      add: '1; 3 if the name has other values; 1 or 2 if the value exists; 1 more for each name tried that is not a domain',
      remove: '2; 1 if the value is not there',
    },
    tried:
      'Never against the live API. Against a stand-in made from the LiveDNS documents (read on 2026-11-21), and recorded answers in the tests of lego and lexicon. The request that changes single values (PATCH) is in the documents only.',
    notes: [
      'Tokens end after at most a year, and the API does not say when. Set a reminder: there is no way to extend one.',
      'The first value of a name is created with a request that never overwrites. Further values are added and removed one by one, so that values of other programs stay.',
      'The last value of a name is removed together with its record set. What another program adds in the moment between the read and this deletion is lost. dns01 processes with the same state directory take turns.',
      'The least TTL is 300 seconds. A value that is added to others gets their TTL.',
    ],
  },
  options,
  http: true,
  // The deletion of a record set: two processes must not delete and add at the same time.
  exclusive: true,
  concurrency: 4,
  // "Rate limit" in the API reference.
  rateLimits: [{ requests: 1000, windowMs: 60_000, per: 'address' }],
  nameServerPatterns: [/^ns-\d{1,3}-[abc]\.gandi\.net$/],
  create({ token, url }, context) {
    const headers = { authorization: `Bearer ${token}` };
    const apiOf = (zone?: Fqdn) => createApi(context, { url: `${url}/v5/livedns`, headers, ...settingsFor(zone) });
    const pathOf = (zone: Fqdn, name: Fqdn) =>
      `/domains/${pathPart(zone)}/records/${pathPart(relativeName(name, zone))}/TXT`;

    /** The set in an answer; undefined where the zone has none at this name. @throws E_ZONE for another 404 */
    async function setIn(zone: Fqdn, call: ApiCall): Promise<RecordSet | undefined> {
      const answer = await apiOf(zone).send({ ...call, expected: [200, 404] });
      if (answer.status === 200) return context.http.decode(answer, recordSet);
      if (refusalBody(answer, refusal)?.object === 'dns-record') return undefined;
      throw refusalError(answer, settingsFor(zone));
    }

    const read = (zone: Fqdn, name: Fqdn) => setIn(zone, { method: 'GET', path: pathOf(zone, name) });

    /** Whether the value was added: `false` where it was there before. */
    async function add({ zone, name, value, ttl }: TxtRecord): Promise<boolean> {
      const path = pathOf(zone, name);
      const values = [quoteTxt(value)];
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        const json = { rrset_values: values, rrset_ttl: Math.min(MAX_TTL, Math.max(MIN_TTL, ttl)) };
        // 409: there is another set at this name. 200: there is the same.
        const answer = await apiOf(zone).send({ method: 'POST', path, json, expected: [200, 201, 409] });
        if (answer.status !== 409) {
          context.http.decode(answer, confirmation);
          return answer.status === 201;
        }
        const before = await read(zone, name);
        if (before && holds(before, value)) return false;
        const after = before && (await setIn(zone, { method: 'PATCH', path, json: { add_rrset_values: values } }));
        if (after && holds(after, value)) return true;
        if (after) throw notDone(`${value} is not at ${name} after it was added`);
        // The set was deleted in between.
      }
      throw notDone(`the TXT records at ${name} were made and deleted by others during ${MAX_ATTEMPTS} attempts`);
    }

    async function remove({ zone, name, value }: TxtRecord): Promise<'removed' | 'absent'> {
      const path = pathOf(zone, name);
      const values = (await read(zone, name))?.rrset_values ?? [];
      const own = values.filter((shown) => unquoteTxt(shown) === value);
      if (own.length === 0) return 'absent';
      if (own.length === values.length) {
        const { status } = await apiOf(zone).send({ method: 'DELETE', path, expected: [204, 404] });
        return status === 204 ? 'removed' : 'absent';
      }
      const after = await setIn(zone, { method: 'PATCH', path, json: { remove_rrset_values: own } });
      if (after && holds(after, value)) throw notDone(`${value} is still at ${name} after it was removed`);
      return 'removed';
    }

    return {
      async addTxt(record) {
        const { zone, name, value } = record;
        let isRepeated = false;
        const changed = await context.writeOnce<boolean>({
          // What an earlier attempt with an unknown outcome has added is ours.
          write: async () => (await add(record)) || isRepeated,
          async look() {
            isRepeated = true;
            const set = await read(zone, name);
            return (set && holds(set, value)) || undefined;
          },
        });
        return { zone, changed };
      },

      async removeTxt(record) {
        let isRepeated = false;
        return context.writeOnce<'removed' | 'absent'>({
          async write() {
            const outcome = await remove(record);
            return isRepeated ? 'removed' : outcome;
          },
          // The next attempt begins with a read.
          async look() {
            isRepeated = true;
            return undefined;
          },
        });
      },

      listTxt: async (name, zone) => ((await read(zone, name))?.rrset_values ?? []).map(unquoteTxt),

      async *listZones() {
        const all = eachPage(1, async (page) => {
          const query = { page, per_page: DOMAINS_PER_PAGE };
          const items = await apiOf().json({ method: 'GET', path: '/domains', query }, domains);
          return { items, next: items.length < DOMAINS_PER_PAGE ? undefined : page + 1 };
        });
        yield* parseZones(namesOf(all));
      },

      async nameServers(zone) {
        const path = `/domains/${pathPart(zone)}/nameservers`;
        return (await apiOf(zone).json({ method: 'GET', path }, z.array(z.string()))).map(plainName);
      },
    };
  },
});

async function* namesOf(all: AsyncIterable<{ readonly fqdn: string }>) {
  for await (const { fqdn } of all) yield { name: fqdn };
}

const holds = ({ rrset_values }: RecordSet, value: string): boolean =>
  rrset_values.some((shown) => unquoteTxt(shown) === value);

const notDone = (what: string): Dns01Error =>
  new Dns01Error('E_REMOTE', what, {
    outcomeUnknown: true,
    hint: 'something else may write the same records: try again later',
  });
