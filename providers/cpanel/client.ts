import * as z from 'zod/mini';
import type { Dns01Error } from '../../src/errors.ts';
import {
  type Api,
  bearer,
  createApi,
  type Fqdn,
  type HttpAnswer,
  isSameName,
  type ProviderContext,
  plainName,
  type Refusal,
  refusalError,
  type TxtRecord,
  unexpectedAnswer,
} from '../../src/provider.ts';

/** A record of the zone file. */
export interface ZoneLine {
  /** The first of its lines, from 0; only valid together with the serial that was read with it. */
  readonly index: number;
  /** As in the file: absolute with a dot at its end, or relative. */
  readonly name: string;
  readonly type: string;
  readonly data: readonly string[];
}

export interface Zone {
  /** From the SOA record: every edit names it and raises it. */
  readonly serial: string;
  readonly lines: readonly ZoneLine[];
}

export interface ZoneEdit {
  readonly add: readonly TxtRecord[];
  /** The indexes of the lines to remove. */
  readonly remove: readonly number[];
}

export type CpanelClient = ReturnType<typeof createCpanelClient>;

const text = z.pipe(
  z.string(),
  z.transform((encoded: string) => Buffer.from(encoded, 'base64').toString('utf8')),
);

/** "Return a parsed DNS zone": besides records there are comments and directives, which have no `record_type`. */
const zoneLines = z.array(
  z.object({
    line_index: z.int(),
    record_type: z.optional(z.nullable(z.string())),
    dname_b64: z.optional(text),
    data_b64: z.optional(z.array(text)),
  }),
);

const serialAnswer = z.object({ new_serial: z.union([z.string(), z.number()]) });

const flag = z.optional(z.nullable(z.union([z.literal(0), z.literal(1)])));

/** UAPI: documented inside `result`, sent without it. */
const userAnswer = z.object({
  status: flag,
  errors: z.optional(z.nullable(z.array(z.string()))),
  data: z.optional(z.unknown()),
});
const uapi = z.union([
  z.pipe(
    z.object({ result: userAnswer }),
    z.transform(({ result }) => result),
  ),
  userAnswer.check(z.refine((shown) => shown.status !== undefined, 'not an answer of UAPI')),
]);

/** WHM API 1. */
const whmApi = z.object({
  metadata: z.object({ result: z.union([z.literal(0), z.literal(1)]), reason: z.optional(z.string()) }),
  data: z.optional(z.unknown()),
});

interface Reply {
  readonly answer: HttpAnswer;
  readonly ok: boolean;
  readonly reason: string;
  readonly data: unknown;
}

const userDomains = z.object({
  main_domain: z.string(),
  addon_domains: z._default(z.array(z.string()), []),
  parked_domains: z._default(z.array(z.string()), []),
});
const whmZones = z.object({ zone: z.array(z.object({ domain: z.string() })) });

interface Account {
  readonly url: string;
  readonly username: string;
  readonly token: string;
  /** A reseller's or root's token for WHM, instead of one of a cPanel account. */
  readonly whm: boolean;
}

/** The calls that a DNS-01 hook needs, in UAPI or in WHM API 1, which differ in paths and in what is around the answer. */
export function createCpanelClient({ url, username, token, whm }: Account, { http }: Pick<ProviderContext, 'http'>) {
  const tokenRefused = {
    code: 'E_AUTH',
    text: 'the login was refused',
    hint: whm
      ? 'set username to the WHM user, and token to an API token from WHM » Development » Manage API Tokens that has the privilege edit-dns; make a new token if it has expired'
      : 'set username to the cPanel account, and token to an API token from cPanel » Security » Manage API Tokens; make a new token if it has expired',
  } as const;
  const notFound = {
    code: 'E_CONFIG',
    text: 'there is no API at this address',
    hint: 'set url to https://HOST:2083 for a cPanel account or https://HOST:2087 for WHM, without a path',
  } as const;
  const api: Api = createApi(
    { http },
    {
      url,
      headers: { ...bearer(`${username}:${token}`, whm ? 'whm' : 'cpanel'), accept: 'application/json' },
      refusals: { 401: tokenRefused, 403: tokenRefused, 404: notFound },
    },
  );

  async function call(userPath: string, whmPath: string, query: Readonly<Record<string, string>> = {}): Promise<Reply> {
    const path = whm ? `/json-api/${whmPath}` : `/execute/${userPath}`;
    return replyOf(await api.send({ method: 'GET', path, query: { ...(whm ? { 'api.version': 1 } : {}), ...query } }));
  }

  function replyOf(answer: HttpAnswer): Reply {
    if (whm) {
      const { metadata, data } = http.decode(answer, whmApi);
      return { answer, ok: metadata.result === 1, reason: metadata.reason ?? '', data };
    }
    const { status, errors, data } = http.decode(answer, uapi);
    return { answer, ok: status === 1, reason: (errors ?? []).join(' '), data };
  }

  /** The data of an answer. Both APIs refuse with status 200. */
  function dataOf<Schema extends z.core.$ZodType>(reply: Reply, schema: Schema): z.output<Schema> {
    if (!reply.ok) throw refused(reply);
    const parsed = z.safeParse(schema, reply.data);
    if (!parsed.success) throw unexpectedAnswer(reply.answer, 'its data has another form');
    return parsed.data;
  }

  function refused({ answer, reason }: Reply, refusal?: Refusal): Dns01Error {
    const known = /feature/i.test(reason) ? noFeature : refusal;
    return refusalError(answer, { refusalOf: () => known ?? { code: 'E_REJECTED' }, messageOf: () => reason });
  }

  const noFeature = {
    code: 'E_AUTH',
    text: 'this account may not edit DNS zones',
    hint: 'ask the hosting company to switch on the feature "Zone Editor (AAAA, CAA, SRV, TXT)" for the account',
  } as const;

  return {
    /** @throws E_ZONE where this login does not control the zone */
    async read(zone: Fqdn): Promise<Zone> {
      const reply = await call('DNS/parse_zone', 'parse_dns_zone', { zone });
      if (!reply.ok) {
        throw refused(reply, {
          code: 'E_ZONE',
          text: `the zone ${zone} cannot be read`,
          hint: 'check that the zone is in this account and that the server has its DNS',
        });
      }
      const shown = whm ? dataOf(reply, z.object({ payload: zoneLines })).payload : dataOf(reply, zoneLines);
      const lines = shown.flatMap(({ line_index, record_type, dname_b64 = '', data_b64 = [] }): ZoneLine[] =>
        record_type ? [{ index: line_index, name: dname_b64, type: record_type, data: data_b64 }] : [],
      );
      const serial = lines.find(({ type }) => type === 'SOA')?.data[2] ?? '';
      if (!/^\d{1,10}$/.test(serial)) throw unexpectedAnswer(reply.answer, 'the zone has no SOA record with a serial');
      return { serial, lines };
    },

    /**
     * All of these edits, or none and the refusal. It is refused where the zone no longer has this serial. As a POST,
     * because many records do not fit into an address.
     */
    async edit(zone: Fqdn, serial: string, { add, remove }: ZoneEdit): Promise<Dns01Error | undefined> {
      const form = new URLSearchParams({ zone, serial });
      if (whm) form.set('api.version', '1');
      for (const index of remove) form.append('remove', String(index));
      for (const { name, ttl, value } of add) {
        const data = value.match(/.{1,255}/gs) ?? [''];
        form.append('add', JSON.stringify({ dname: `${name}.`, ttl, record_type: 'TXT', data }));
      }
      const reply = replyOf(
        await api.send({
          method: 'POST',
          path: whm ? '/json-api/mass_edit_dns_zone' : '/execute/DNS/mass_edit_zone',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          text: form.toString(),
        }),
      );
      if (!reply.ok) return refused(reply);
      dataOf(reply, serialAnswer);
      return undefined;
    },

    async *zones(): AsyncGenerator<{ readonly name: string }> {
      const reply = await call('DomainInfo/list_domains', 'listzones');
      if (whm) {
        for (const { domain } of dataOf(reply, whmZones).zone) yield { name: domain };
        return;
      }
      const { main_domain, addon_domains, parked_domains } = dataOf(reply, userDomains);
      for (const name of [main_domain, ...addon_domains, ...parked_domains]) yield { name };
    },

    /** Whether the hosting company has switched on the Zone Editor for this cPanel account. */
    mayEditZones: async (): Promise<boolean> => (await call('Features/has_feature', '', { name: 'zoneedit' })).ok,

    featureHint: noFeature.hint,
  };
}

export const nameServersIn = ({ lines }: Zone, zone: Fqdn): string[] =>
  lines
    .filter(({ type, name }) => type === 'NS' && isSameName(name, zone, zone))
    .map(({ data }) => plainName(data[0] ?? ''));
