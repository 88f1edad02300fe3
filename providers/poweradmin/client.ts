import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  type Api,
  createApi,
  createInZone,
  type Fqdn,
  type HttpAnswer,
  type InZone,
  type ProviderContext,
  pathPart,
  plainName,
  type Refusal,
  refusalBody,
  shownId,
} from '../../src/provider.ts';

const zone = z.object({ id: shownId, name: z.string(), type: z.optional(z.nullable(z.string())) });
export type ShownZone = z.output<typeof zone>;

export const zoneList = z.object({
  data: z.object({ zones: z.array(zone) }),
  pagination: z.optional(z.object({ last_page: z.number() })),
});

const record = z.object({
  id: shownId,
  name: z.string(),
  type: z.string(),
  content: z.string(),
  disabled: z.optional(z.boolean()),
});
export type ShownRecord = z.output<typeof record>;

/** A bare array until 4.2. */
const recordList = z.object({
  data: z.pipe(
    z.union([z.array(record), z.object({ records: z.array(record) })]),
    z.transform((data) => ('records' in data ? data.records : data)),
  ),
});

const refusal = z.object({ success: z.literal(false), message: z.string() });

/** The message of a refusal by the API itself; undefined where the answer is from another part of the server. */
export const messageOf = (answer: HttpAnswer): string | undefined => refusalBody(answer, refusal)?.message;

/** The only refusal that says that a record, and not its zone, is missing. */
export const isNoRecord = (answer: HttpAnswer): boolean => /record not found/i.test(answer.text);

export const EDIT_RIGHTS =
  'the user needs zone_content_view_own and zone_content_edit_own_as_client in its permission template, and must be an owner of the zone';

export const refusals = { refusalOf, messageOf };

function refusalOf(answer: HttpAnswer): Refusal | undefined {
  const { status, text } = answer;
  if (status === 401) {
    return {
      code: 'E_AUTH',
      text: 'the API key was refused',
      hint: 'create a new key on the page API Keys of Poweradmin, and check that it is not disabled or expired',
    };
  }
  if (status === 403 && /api feature is disabled/i.test(text)) {
    return {
      code: 'E_AUTH',
      text: 'the API of this Poweradmin is switched off',
      hint: "ask the administrator to set 'api' => ['enabled' => true] in config/settings.php",
    };
  }
  if (status === 403) {
    return { code: 'E_AUTH', text: 'the user of this API key may not do this in this zone', hint: EDIT_RIGHTS };
  }
  if (status === 404 && messageOf(answer) === undefined) {
    return {
      code: 'E_PROTOCOL',
      text: 'there is no Poweradmin API v2 at this address',
      hint: 'set url to the address of the Poweradmin login page, without /login and without /api; it must be Poweradmin 4.1 or later',
    };
  }
  if (status === 400) {
    return {
      code: 'E_REJECTED',
      hint: 'check the name in Poweradmin: no TXT record is possible beside a CNAME record, for example',
    };
  }
  return undefined;
}

export interface PoweradminClient {
  readonly api: Api;
  /** @throws E_ZONE the user sees no such zone */
  readonly inZone: InZone;
  /** The records of one type that are served. @throws E_ZONE */
  list(zone: Fqdn, type: string): Promise<ShownRecord[]>;
}

export function createClient(
  { url, apiKey }: { readonly url: string; readonly apiKey: string },
  context: ProviderContext,
): PoweradminClient {
  const api = createApi(context, { url: `${url}/api/v2`, headers: { 'x-api-key': apiKey }, ...refusals });

  async function loadId(name: Fqdn): Promise<string> {
    const { data } = await api.json({ method: 'GET', path: '/zones', query: { name } }, zoneList);
    const found = data.zones.find((shown) => plainName(shown.name) === name);
    if (!found) {
      throw new Dns01Error('E_ZONE', `the user of this API key sees no zone ${name} in Poweradmin`, {
        hint: `check that ${name} is in Poweradmin and that this user owns it`,
      });
    }
    if (isCopy(found)) {
      throw new Dns01Error('E_REJECTED', `${name} is only a copy on this server (type ${found.type})`, {
        hint: 'use the Poweradmin of the primary server of the zone',
      });
    }
    return found.id;
  }

  // The id of a zone that was removed may now be somebody else's.
  const inZone = createInZone(context, loadId, ({ code, status }) => code === 'E_ZONE' || status === 403);

  return {
    api,
    inZone,
    list: (name, type) =>
      inZone(name, async (id) => {
        const path = `/zones/${pathPart(id)}/records`;
        const { data } = await api.json({ method: 'GET', path, query: { type } }, recordList);
        // With SQLite, the id of a removed zone is given to the next one. Into that one the API would put the name as well,
        // with the zone's own name behind it.
        if (data.some((shown) => !`.${plainName(shown.name)}`.endsWith(`.${name}`))) {
          throw new Dns01Error('E_ZONE', `the zone with the id ${id} is not ${name}`);
        }
        return data.filter((shown) => shown.type === type && !shown.disabled);
      }),
  };
}

/** Zones of this type are copied from another server, and the API refuses changes. */
export const isCopy = ({ type }: ShownZone): boolean => /^(slave|secondary|consumer)$/i.test(type ?? '');
