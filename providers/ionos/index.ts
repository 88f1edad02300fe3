import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  apiUrl,
  createApi,
  createInZone,
  createRecordVerbs,
  defineProvider,
  type Fqdn,
  type HttpAnswer,
  isSameName,
  parseZones,
  pathPart,
  plainName,
  quoteTxt,
  refusalBody,
  type ShownTxt,
  secret,
  shownId,
  type TxtRecord,
  unexpectedAnswer,
  unquoteTxt,
} from '../../src/provider.ts';
import { createBatch } from './batch.ts';

const options = z.strictObject({
  apiKey: secret('API key: its public prefix, a dot and its secret'),
  zoneId: z.optional(
    z
      .string()
      .check(z.minLength(1), z.describe('id of the zone, for an account with only one; by default it is looked up')),
  ),
  url: apiUrl('https://api.hosting.ionos.com/dns/v1'),
});

/** The API refuses a lower TTL (lego, acme.sh and libdns; not in the document). */
const MIN_TTL = 60;

/** The longest value that is sent without quotes. */
const MAX_BARE_OCTETS = 255;

/** DNS API 1.0.2, `zone` and `zoneTypes`. */
const zonesSchema = z.array(z.object({ id: shownId, name: z.string(), type: z.optional(z.string()) }));

/** DNS API 1.0.2, `record-response`. TXT values are shown with quotes. */
const recordsSchema = z.array(
  z.object({
    id: shownId,
    name: z.string(),
    type: z.string(),
    content: z.string(),
    disabled: z._default(z.boolean(), false),
  }),
);
const zoneSchema = z.object({ name: z.string(), records: recordsSchema });

/** DNS API 1.0.2, `error` and its examples. */
const errorsSchema = z.array(
  z.object({
    code: z.string(),
    message: z.optional(z.string()),
    parameters: z.optional(
      z.object({
        requiredFields: z.optional(z.array(z.string())),
        invalidFields: z.optional(z.array(z.string())),
        invalid: z.optional(z.array(z.string())),
      }),
    ),
  }),
);

const keyRefused = {
  code: 'E_AUTH',
  text: 'the API key was refused',
  hint: 'set apiKey to the public prefix and the secret of a key, joined by a dot (create it at https://developer.hosting.ionos.com/keys)',
} as const;

/** IONOS (formerly 1&1), through the DNS API of its hosting. */
export default defineProvider({
  type: 'ionos',
  title: 'IONOS (hosting DNS API)',
  docs: {
    url: 'https://developer.hosting.ionos.com/docs/dns',
    rights: [
      'An API key. Create it at https://developer.hosting.ionos.com/keys and join its public prefix and its secret with a dot.',
      'A key can change every zone of the account. There are no keys for one zone.',
    ],
    requests: {
      add: '2; 1 if the value exists; 2 for up to 100 values of a zone at once; 1 more, once a day, to find the zone',
      remove: '1 if the journal has the id of the record, otherwise 2',
    },
    tried:
      "Never against the live API. Against a stand-in made from IONOS's OpenAPI document (DNS API 1.0.2), from answers recorded by lexicon (2024-11-28) and from the source of lego and acme.sh (read on 2026-11-21).",
    notes: [
      'If a record already exists, the API accepts it again and gives it a new id. dns01 therefore reads the values of the name first.',
      'Records that are switched off in the web interface are not served, and dns01 does not see them.',
      'The documentation does not say how the API handles values of more than 255 octets. dns01 sends them as quoted strings of at most 255 octets.',
      'IONOS documents no rate limit for records. If the API asks dns01 to wait, it does.',
      'This is not the DNS of IONOS Cloud, which has another API.',
    ],
  },
  options,
  http: true,
  concurrency: 4,
  changes: { atMost: 100, atomic: false },
  // Not documented; lego waits for up to 15 minutes.
  usualDelayMs: 60_000,
  nameServerPatterns: [/^ns\d+\.ui-dns\.(?:biz|com|de|org)$/],
  create({ apiKey, zoneId, url }, context) {
    refuseHalfKeys(apiKey);
    const api = createApi(context, { url, headers: { 'x-api-key': apiKey }, refusals: { 401: keyRefused }, messageOf });

    async function findZone(zone: Fqdn): Promise<string> {
      const zones = await api.json({ method: 'GET', path: '/zones' }, zonesSchema);
      const found = zones.find(({ name }) => plainName(name) === zone);
      if (!found) throw noZone(zone);
      return found.id;
    }

    // The document only has 401 for a zone that is not there, the same as for a refused key.
    const withId = createInZone(context, findZone, ({ status = 0 }) => [401, 404].includes(status));
    const inZone = <Result>(zone: Fqdn, use: (path: string) => Promise<Result>): Promise<Result> => {
      const task = (id: string) => use(`/zones/${pathPart(id)}`);
      return zoneId === undefined ? withId(zone, task) : task(zoneId);
    };

    /** The records of this type: at the name, or in the whole zone. */
    function read(zone: Fqdn, type: string, name?: Fqdn) {
      return inZone(zone, async (path) => {
        const query = { recordType: type, ...(name === undefined ? {} : { recordName: name }) };
        const shown = await api.json({ method: 'GET', path, query }, zoneSchema);
        if (plainName(shown.name) !== zone) throw noZone(zone);
        return shown.records.filter((record) => record.type === type && !record.disabled);
      });
    }
    const readTxt = async (zone: Fqdn, name?: Fqdn): Promise<ShownTxt[]> =>
      (await read(zone, 'TXT', name)).map((record) => ({ ...record, value: record.content }));

    /** The new records, in any order. */
    function create(zone: Fqdn, records: readonly TxtRecord[]): Promise<ShownTxt[]> {
      const json = records.map(({ name, value, ttl }) => ({
        name,
        type: 'TXT',
        content: value.length > MAX_BARE_OCTETS ? quoteTxt(value) : value,
        ttl: Math.max(ttl, MIN_TTL),
      }));
      return inZone(zone, async (path) => {
        const created = await api.json({ method: 'POST', path: `${path}/records`, json }, recordsSchema);
        return created.map((record) => ({ ...record, value: record.content }));
      });
    }

    const verbs = createRecordVerbs(
      {
        async *list(zone, name) {
          yield* await readTxt(zone, name);
        },
        async create(record) {
          const created = await create(record.zone, [record]);
          return created.find((shown) => isRecord(shown, record)) ?? {};
        },
        remove: (zone, id) =>
          inZone(zone, async (path) => {
            const expected = [200, 404];
            const answer = await api.send({ method: 'DELETE', path: `${path}/records/${pathPart(id)}`, expected });
            if (answer.status === 404) return 'absent';
            // The API's own answer is empty and has no type. Another one may be from a proxy.
            if (answer.text || answer.headers['content-type']) throw unexpectedAnswer(answer, 'a body');
            return 'removed';
          }),
      },
      context,
    );

    return {
      ...verbs,
      changeTxt: createBatch({ readTxt, create, isRecord, removeTxt: verbs.removeTxt }, context),
      async *listZones() {
        const zones = await api.json({ method: 'GET', path: '/zones' }, zonesSchema);
        // A zone of the type SLAVE is a copy of another server's.
        yield* parseZones(each(zones.filter(({ type }) => type !== 'SLAVE')));
      },
      nameServers: async (zone) => (await read(zone, 'NS', zone)).map(({ content }) => plainName(content)),
    };
  },
});

const isRecord = (shown: ShownTxt, { name, value, zone }: TxtRecord): boolean =>
  isSameName(shown.name, name, zone) && unquoteTxt(shown.value) === value;

async function* each<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}

/** @throws E_CONFIG, because the API says no more of half a key than of a wrong one, and a header takes no line breaks */
function refuseHalfKeys(apiKey: string): void {
  if (/^[\x21-\x2d\x2f-\x7e]+\.[\x21-\x7e]+$/.test(apiKey)) return;
  throw new Dns01Error('E_CONFIG', 'apiKey is not a public prefix, a dot and a secret', { hint: keyRefused.hint });
}

function noZone(zone: Fqdn): Dns01Error {
  return new Dns01Error('E_ZONE', `there is no zone ${zone} in this IONOS account`, {
    hint: 'check that the domain uses the name servers of IONOS and that the API key is of the contract that holds it',
  });
}

function messageOf(answer: HttpAnswer): string | undefined {
  return refusalBody(answer, errorsSchema)
    ?.map(({ code, message, parameters = {} }) => {
      const fields = Object.entries(parameters).flatMap(([key, names]) =>
        names?.length ? `${key} ${names.join(', ')}` : [],
      );
      return [code, message, ...fields].filter(Boolean).join(': ');
    })
    .join('; ');
}
