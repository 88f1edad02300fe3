import * as z from 'zod/mini';
import { Dns01Error, isDns01Error } from '../../src/errors.ts';
import {
  type ApiCall,
  absoluteName,
  createApi,
  type Fqdn,
  type ProviderContext,
  parseName,
  pathPart,
  plainName,
  refusalBody,
} from '../../src/provider.ts';

/** One value of a record set, as stored. */
export interface Row {
  /** In zone file form: quoted and escaped. */
  readonly content: string;
  /** Stored, but not served. */
  readonly disabled: boolean;
}

export interface TxtSet {
  readonly rows: readonly Row[];
  /** Seconds; undefined without records. */
  readonly ttl: number | undefined;
}

export type TxtSets = ReadonlyMap<Fqdn, TxtSet>;

export interface ZoneHead {
  /** `Native`, `Master`, `Slave` and their newer names. */
  readonly kind: string;
  /** Whether changes through the API raise the zone's serial, so that secondary servers see them. */
  readonly raisesSerial: boolean;
}

/** One item of a PATCH, for the TXT record set of its name. */
export interface SetChange {
  readonly name: Fqdn;
  /** EXTEND and PRUNE take exactly one record, DELETE none. */
  readonly changetype: 'REPLACE' | 'DELETE' | 'EXTEND' | 'PRUNE';
  readonly ttl?: number;
  readonly records?: readonly Row[];
}

export type PowerdnsClient = ReturnType<typeof createPowerdnsClient>;

/** Of one search: more than there is to find. */
const MAX_HITS = 10_000;

const zoneHead = { kind: z.optional(z.string()), soa_edit_api: z.optional(z.string()) };
const headSchema = z.object(zoneHead);

/** The answer may have more record sets than requested: servers before 4.7 ignore the filter, some ignore the type. */
const zoneSchema = z.object({
  ...zoneHead,
  rrsets: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      ttl: z.int(),
      records: z.array(z.object({ content: z.string(), disabled: z._default(z.boolean(), false) })),
    }),
  ),
});

const zoneListSchema = z.array(z.object({ name: z.string(), kind: z.optional(z.string()) }));

const text = z._default(z.string(), '');
const searchSchema = z.array(
  z.object({
    name: text,
    zone: text,
    type: text,
    content: text,
    disabled: z._default(z.boolean(), false),
    ttl: z.optional(z.int()),
  }),
);

/** A refusal is `{"error": …}` for an invalid request, and a line of plain text for all others. */
const errorSchema = z.object({ error: z.string() });

/** The requests of the PowerDNS HTTP API that a DNS-01 hook needs. */
export function createPowerdnsClient(
  { url, apiKey, server }: { readonly url: string; readonly apiKey: string; readonly server: string },
  context: Pick<ProviderContext, 'http'>,
) {
  const keyRefused = {
    code: 'E_AUTH',
    text: 'the API key was refused',
    hint: 'set apiKey to the value of api-key= in pdns.conf; a proxy in front of the API may have rules of its own',
  } as const;
  const beside = 'check the name in the zone: no TXT record is possible beside a CNAME, for example';
  const api = createApi(context, {
    url: `${url}/api/v1/servers/${pathPart(server)}`,
    headers: { 'x-api-key': apiKey },
    refusals: {
      400: { code: 'E_REJECTED', hint: beside },
      401: keyRefused,
      403: keyRefused,
      404: {
        code: 'E_ZONE',
        text: 'there is no such zone or address',
        hint: 'check that the zone is on this server, that api=yes is in pdns.conf, and that url ends without /api/v1 or another path',
      },
      422: { code: 'E_REJECTED', hint: beside },
    },
    messageOf: (answer) => refusalBody(answer, errorSchema)?.error,
  });

  const zonePath = (zone: Fqdn) => `/zones/${pathPart(absoluteName(zone))}`;
  /** A refusal with a 5xx is handled like others and not repeated. */
  const get = <Schema extends z.core.$ZodType>(call: Pick<ApiCall, 'path' | 'query'>, schema: Schema) =>
    api.json({ ...call, method: 'GET', anyStatus: true }, schema);
  const rrset = (zone: Fqdn, name: Fqdn, type: string) => ({
    path: zonePath(zone),
    query: { rrset_name: absoluteName(name), rrset_type: type },
  });
  const head = async (zone: Fqdn): Promise<ZoneHead> =>
    headOf(await api.json({ method: 'GET', path: zonePath(zone), query: { rrsets: 'false' } }, headSchema));

  /** Undefined where the search is refused. */
  const find = (pattern: string, max: number) =>
    get({ path: '/search-data', query: { q: pattern, max, object_type: 'record' } }, searchSchema).catch(unlessRefused);

  return {
    head,

    /**
     * The TXT record set at the name, read by itself: every server answers 500 for the whole zone if one of its values has no
     * quotes. Only servers since 5.0 include disabled values.
     * @throws E_REJECTED with the status where the server cannot show it; E_PROTOCOL
     */
    async read(zone: Fqdn, name: Fqdn): Promise<{ head: ZoneHead; set: TxtSet }> {
      const call = rrset(zone, name, 'TXT');
      const shown = await get(call, zoneSchema).catch(async (failure: unknown) => {
        if (!(statusOf(failure) >= 500)) throw failure;
        // A second attempt does not help a server that fails on this record set alone, but may help one that fails on everything.
        await head(zone);
        return get(call, zoneSchema).catch((again: unknown) => {
          throw statusOf(again) >= 500 ? unreadable(call.path, name) : again;
        });
      });
      return { head: headOf(shown), set: setOf(shown, name, 'TXT') };
    },

    /**
     * Every TXT record set of the zone whose name matches the pattern (`*` is any text), with disabled values; undefined
     * where the server cannot search, or has more than it shows.
     */
    async search(zone: Fqdn, pattern: string): Promise<TxtSets | undefined> {
      const hits = await find(pattern, MAX_HITS);
      // Names with only other names below them count towards the limit without being shown. There are never more of these
      // than of others.
      if (!hits || hits.length >= MAX_HITS / 2) return undefined;
      const sets = new Map<Fqdn, TxtSet & { rows: Row[] }>();
      for (const { name, type, content, disabled, ttl, ...hit } of hits) {
        const plain = parseName(name);
        if (type !== 'TXT' || plain === undefined || plainName(hit.zone) !== zone) continue;
        const set = sets.get(plain) ?? { rows: [], ttl };
        set.rows.push({ content, disabled });
        sets.set(plain, set);
      }
      return sets;
    },

    /**
     * Whether the backend can be searched: one that cannot finds nothing and reports no error. The search is for one record,
     * likely the zone's SOA, because a text without quotes among more of them would make it fail.
     */
    canSearch: async (zone: Fqdn): Promise<boolean> =>
      (await find(zone, 1))?.some((hit) => plainName(hit.zone) === zone) ?? false,

    /** The same from the whole zone, for servers without search; undefined where that is refused too. */
    async readInZone(zone: Fqdn, name: Fqdn): Promise<TxtSet | undefined> {
      const shown = await get({ path: zonePath(zone) }, zoneSchema).catch(unlessRefused);
      return shown && setOf(shown, name, 'TXT');
    },

    /** All of these changes or none. */
    async patch(zone: Fqdn, changes: readonly SetChange[]): Promise<void> {
      const rrsets = changes.map(({ name, ...rest }) => ({ name: absoluteName(name), type: 'TXT', ...rest }));
      await api.send({ method: 'PATCH', path: zonePath(zone), json: { rrsets } });
    },

    /** Every zone of the server that is not a copy of another server's. */
    async zones(): Promise<Fqdn[]> {
      const zones = await api.json({ method: 'GET', path: '/zones' }, zoneListSchema);
      return zones
        .filter(({ kind }) => !isCopy(kind ?? ''))
        .map(({ name }) => parseName(name))
        .filter((name) => name !== undefined);
    },

    /** The zone's NS records; none where the server cannot show them. @throws E_PROTOCOL */
    async nameServers(zone: Fqdn): Promise<string[]> {
      // Servers before 4.7 show the whole zone, and fail if one of its texts has no quotes.
      const shown = await get(rrset(zone, zone, 'NS'), zoneSchema).catch(unlessRefused);
      const rows = shown ? setOf(shown, zone, 'NS').rows : [];
      return rows.filter(({ disabled }) => !disabled).map(({ content }) => plainName(content));
    },
  };
}

/** Zones of this kind are copied from another server, which does not get what is written here. */
export const isCopy = (kind: string): boolean => /^(slave|secondary|consumer)$/i.test(kind);

const headOf = ({ kind = '', soa_edit_api }: z.output<typeof headSchema>): ZoneHead => ({
  kind,
  raisesSerial: soa_edit_api !== '',
});

function setOf({ rrsets }: z.output<typeof zoneSchema>, name: Fqdn, type: string): TxtSet {
  const set = rrsets.find((candidate) => candidate.type === type && plainName(candidate.name) === name);
  return { rows: set?.records ?? [], ttl: set?.ttl };
}

const statusOf = (error: unknown): number => (isDns01Error(error) ? (error.status ?? 0) : 0);

function unlessRefused(error: unknown): undefined {
  if (statusOf(error) === 0) throw error;
}

/** The zone exists, but this record set cannot be read, e.g. after a change on OLSPanel's own page. */
function unreadable(path: string, name: Fqdn): Dns01Error {
  return new Dns01Error('E_REJECTED', `GET ${path}: the server cannot show the TXT records at ${name} (status 500)`, {
    status: 500,
    hint: `most likely there is a TXT value without quotes, as OLSPanel's DNS page writes it: delete the TXT record at ${name} on that page and try again; dns01 does not overwrite what it cannot read`,
  });
}
