import * as z from 'zod/mini';
import { asDns01Error, Dns01Error } from '../../src/errors.ts';
import {
  apiUrl,
  bearer,
  createApi,
  defineProvider,
  eachPage,
  excerpt,
  type Fqdn,
  parseZones,
  pathPart,
  plainName,
  quoteTxt,
  refusalError,
  relativeName,
  secret,
  type TxtRecord,
  unquoteTxt,
} from '../../src/provider.ts';
import { codeOf, messageOf, refusalOf } from './refusals.ts';

const options = z.strictObject({
  token: secret('API token with Read & Write of the Hetzner Cloud project that holds the zones'),
  url: apiUrl('https://api.hetzner.cloud/v1'),
});

/** "Must be in between 60s and 2147483647s." (Cloud API, "RRSet") */
const MIN_TTL = 60;

/** The API's maximum (Cloud API, "Pagination"). */
const ZONES_PER_PAGE = 50;

/** Milliseconds before the first look at an action that is still running, and the longest pause between two. */
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 5000;

/** How often a change is sent if the zone is locked by another action. */
const MAX_ATTEMPTS = 5;

const actionSchema = z.object({
  action: z.object({
    id: z.int(),
    status: z.enum(['running', 'success', 'error']),
    error: z.nullish(z.object({ code: z.string(), message: z.string() })),
  }),
});
type Action = z.output<typeof actionSchema>['action'];

type Verb = 'add_records' | 'remove_records';

const rrsetsSchema = z.object({
  rrsets: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      ttl: z.nullable(z.int()),
      records: z.array(z.object({ value: z.string() })),
    }),
  ),
});

const zonesSchema = z.object({
  zones: z.array(z.object({ name: z.string(), status: z.string() })),
  meta: z.object({ pagination: z.object({ next_page: z.nullable(z.int()) }) }),
});

const zoneSchema = z.object({
  zone: z.object({ authoritative_nameservers: z.object({ assigned: z.array(z.string()) }) }),
});

/** Hetzner DNS, through the Cloud API: values are added to and removed from a record set, by asynchronous actions. */
export default defineProvider({
  type: 'hetzner',
  title: 'Hetzner DNS (Cloud API)',
  docs: {
    url: 'https://docs.hetzner.cloud/reference/cloud#dns',
    rights: [
      'A Cloud API token with Read & Write. Create it in the Hetzner Console: the project that holds the zone, Security, API tokens.',
      'The token can change everything in its project, servers included. Move the zones into a project that holds nothing else.',
    ],
    requests: {
      add: '1, and 1 or more until the action has ended; 2 if the value exists; 2 more if the name has another TTL',
      remove: '1, and 1 or more until the action has ended; 2 if the name has no values',
    },
    tried:
      "Never against the live API. Against a stand-in made from Hetzner's OpenAPI document (the copy in MaximilianKoestler/hcloud-openapi of 2026-02-20), hcloud-go (2026-08-18), Hetzner's cert-manager webhook (2026-08-19) and lego's recorded answers (read on 2026-11-21).",
    notes: [
      'Tokens of the old DNS console (dns.hetzner.com) do not work: zones have to be moved to the Hetzner Console first.',
      'All values of a name have one TTL. If the name already has values with another TTL, that TTL stays.',
      'The documentation does not say how the API answers if the value to remove does not exist. dns01 then reads the record set.',
      'Zones in secondary mode are copies of another server: dns01 cannot change them.',
    ],
  },
  options,
  http: true,
  concurrency: 4,
  // Cloud API, "Rate Limiting": 3600 an hour for each project. One request comes back each second, so the header
  // ratelimit-remaining does not tell what is left of a window, and it is not used.
  rateLimits: [{ requests: 3600, windowMs: 3_600_000, per: 'credential' }],
  // Not documented.
  usualDelayMs: 10_000,
  nameServerPatterns: [/^(?:hydrogen|oxygen)\.ns\.hetzner\.com$/, /^helium\.ns\.hetzner\.de$/],
  create({ token, url }, context) {
    const api = createApi(context, { url, headers: bearer(token), refusalOf, messageOf });

    const rrsetsPath = (zone: Fqdn) => `/zones/${pathPart(zone)}/rrsets`;

    /** The TXT record set of the name, by a list: that has a 404 for a missing zone, but none for a missing set. */
    async function read(name: Fqdn, zone: Fqdn) {
      const relative = relativeName(name, zone);
      const { rrsets } = await api.json(
        { method: 'GET', path: rrsetsPath(zone), query: { name: relative, type: 'TXT' } },
        rrsetsSchema,
      );
      const set = rrsets.find((candidate) => candidate.type === 'TXT' && candidate.name === relative);
      return { ttl: set?.ttl, values: (set?.records ?? []).map(({ value }) => unquoteTxt(value)) };
    }
    const isThere = async ({ name, zone, value }: TxtRecord) => (await read(name, zone)).values.includes(value);
    /** After a change with an unknown outcome, which may still be under way. */
    async function isThereLater(record: TxtRecord): Promise<boolean> {
      await context.sleep(FIRST_PAUSE_MS);
      return isThere(record);
    }

    /**
     * @returns a refusal of which reading may show the reason: a value that is there or not, another TTL, no set
     * @throws any other refusal; E_REMOTE with `outcomeUnknown` where the action was accepted, but did not end well
     */
    async function change(verb: Verb, record: TxtRecord, ttl?: number): Promise<Dns01Error | undefined> {
      const path = `${rrsetsPath(record.zone)}/${pathPart(relativeName(record.name, record.zone))}/TXT/actions/${verb}`;
      const json = { records: [{ value: quoteTxt(record.value) }], ...(ttl === undefined ? {} : { ttl }) };
      const call = { method: 'POST', path, json, retryConflict: true, expected: [200, 201, 404, 422, 423] } as const;
      for (let attempt = 1; ; attempt++) {
        const answer = await api.send(call);
        if (answer.status < 400) return await ended(context.http.decode(answer, actionSchema).action);
        const refusal = refusalError(answer, { refusalOf, messageOf });
        const code = codeOf(answer);
        if (code === 'not_found' || code === 'invalid_input') return refusal;
        if (code !== 'locked' || attempt === MAX_ATTEMPTS) throw refusal;
        await context.sleep(FIRST_PAUSE_MS * 2 ** attempt);
      }
    }

    async function ended(started: Action): Promise<undefined> {
      let action = started;
      try {
        for (let pause = FIRST_PAUSE_MS; action.status === 'running'; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
          await context.sleep(pause);
          ({ action } = await api.json({ method: 'GET', path: `/actions/${started.id}` }, actionSchema));
        }
      } catch (failure) {
        throw unknownEnd(started, asDns01Error(failure).message);
      }
      if (action.status === 'error') {
        const { code, message } = action.error ?? { code: 'no reason', message: '' };
        throw unknownEnd(action, `it has failed: ${excerpt(`${code}: ${message}`)}`);
      }
    }

    /** Adds the value; false where it is there already. */
    async function add(record: TxtRecord): Promise<boolean> {
      const wanted = Math.max(record.ttl, MIN_TTL);
      const refusal = await change('add_records', record, wanted);
      if (!refusal) return true;
      if (refusal.status === 404) throw refusal;
      const { values, ttl } = await read(record.name, record.zone);
      if (values.includes(record.value)) return false;
      // Only the TTL of the set is taken.
      const again = ttl === undefined || ttl === wanted ? refusal : await change('add_records', record);
      if (again) throw again;
      return true;
    }

    /** Removes the value; false where it is not there. */
    async function remove(record: TxtRecord): Promise<boolean> {
      const refusal = await change('remove_records', record);
      if (!refusal) return true;
      // After a 404, reading shows whether the zone or only the set is missing.
      if (await isThere(record)) throw refusal;
      return false;
    }

    return {
      async addTxt(record) {
        let isRepeated = false;
        const changed = await context.writeOnce({
          write: async () => (await add(record)) || isRepeated,
          async look() {
            isRepeated = true;
            return (await isThereLater(record)) || undefined;
          },
        });
        return { zone: record.zone, changed };
      },

      removeTxt(record) {
        let isRepeated = false;
        return context.writeOnce<'removed' | 'absent'>({
          write: async () => ((await remove(record)) || isRepeated ? 'removed' : 'absent'),
          async look() {
            isRepeated = true;
            return (await isThereLater(record)) ? undefined : 'removed';
          },
        });
      },

      listTxt: async (name, zone) => (await read(name, zone)).values,

      listZones: () =>
        parseZones(
          eachPage(1, async (page) => {
            const query = { mode: 'primary', page, per_page: ZONES_PER_PAGE };
            const { zones, meta } = await api.json({ method: 'GET', path: '/zones', query }, zonesSchema);
            const items = zones.map(({ name, status }) => ({ name, active: status !== 'error' }));
            return { items, next: meta.pagination.next_page ?? undefined };
          }),
        ),

      async nameServers(zone) {
        const shown = await api.json({ method: 'GET', path: `/zones/${pathPart(zone)}` }, zoneSchema);
        return shown.zone.authoritative_nameservers.assigned.map(plainName);
      },
    };
  },
});

/** The change was accepted, and may have been made: it has to be looked up. */
function unknownEnd({ id }: Action, why: string): Dns01Error {
  return new Dns01Error('E_REMOTE', `the end of action ${id} is not known: ${why}`, {
    outcomeUnknown: true,
    hint: 'try again; if that does not help, look at the zone in the Hetzner Console',
  });
}
