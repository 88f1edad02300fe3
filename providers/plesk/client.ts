import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  createApi,
  createInZone,
  decodeXml,
  escapeXml,
  type Fqdn,
  type HttpAnswer,
  type ProviderContext,
  type Refusal,
  refusalError,
  unexpectedAnswer,
  xmlChildren,
} from '../../src/provider.ts';

export interface DnsRecord {
  readonly id: string;
  readonly type: string;
  /** Absolute, with a dot at its end. */
  readonly host: string;
  readonly value: string;
}

const blank = z.string().check(z.regex(/^\s*$/));
const number = z.string().check(z.regex(/^\d+$/));

/** What every operation answers with, one for each object (Plesk XML API, "Handling errors"). */
const outcome = {
  status: z.enum(['ok', 'error']),
  errcode: z.optional(z.string()),
  errtext: z.optional(z.string()),
  id: z.optional(number),
};

type Outcome = z.output<z.ZodMiniObject<typeof outcome>>;

const recordData = z.object({ type: z.string(), host: z.string(), value: z.string() });
const siteData = z.object({
  gen_info: z.optional(
    z.object({ name: z.string(), 'ascii-name': z.optional(z.string()), status: z.optional(z.string()) }),
  ),
});

const operation = <Data extends z.core.$ZodType>(data: Data) =>
  z.optional(z.object({ result: xmlChildren(z.object({ ...outcome, data: z.optional(z.union([data, blank])) })) }));

const packet = z.object({
  packet: z.object({
    system: z.optional(z.object(outcome)),
    site: z.optional(z.object({ get: operation(siteData) })),
    dns: z.optional(
      z.object({ get_rec: operation(recordData), add_rec: operation(recordData), del_rec: operation(recordData) }),
    ),
  }),
});

/** "Reduced list of error codes" of the Plesk XML API. */
const CODE = {
  login: ['1001', '1010', '1011', '1012', '1029', '11003'],
  permission: ['1006'],
  exists: ['1007'],
  missing: ['1013', '1015'],
  limit: ['1024'],
  later: ['1003', '1004', '1008'],
} as const;

const isKind = (kind: keyof typeof CODE, { errcode = '' }: Pick<Outcome, 'errcode'>): boolean =>
  (CODE[kind] as readonly string[]).includes(errcode);

/** The operations of the XML API that a DNS-01 hook needs; every answer comes with status 200. */
export function createPleskClient(
  url: string,
  login: Readonly<Record<string, string>>,
  context: Pick<ProviderContext, 'http' | 'zoneId' | 'forgetZoneId'>,
) {
  const api = createApi(context, {
    url,
    headers: { ...login, 'content-type': 'text/xml' },
    refusals: {
      404: {
        code: 'E_CONFIG',
        text: 'there is no API at this address',
        hint: 'set url to the address of Plesk without a path, e.g. https://server1.example.com:8443',
      },
    },
  });

  async function send(call: string, body: string, writes = false) {
    const answer = await api.send({
      method: 'POST',
      path: '/enterprise/control/agent.php',
      call,
      text: `<?xml version="1.0" encoding="UTF-8"?><packet>${body}</packet>`,
      writes,
    });
    const shown = (await decodeXml(answer, packet)).packet;
    if (shown.system?.status === 'error') throw refused(answer, shown.system);
    return { answer, shown };
  }

  function refused(answer: HttpAnswer, { errcode, errtext = '' }: Outcome, known?: Refusal): Dns01Error {
    return refusalError(answer, {
      refusalOf: () => known ?? refusalOf({ errcode }),
      messageOf: () => `${errtext} (error ${errcode ?? 'without a code'})`,
    });
  }

  /** The refusal of an operation that names the domain, or the id of its site. */
  const refusedIn = (zone: Fqdn, answer: HttpAnswer, result: Outcome): Dns01Error =>
    refused(answer, result, isKind('missing', result) ? noZone(zone) : undefined);

  /** @throws E_ZONE where this user does not have the domain */
  const inSite = createInZone(
    context,
    async (zone) => {
      const filter = `<filter><name>${escapeXml(zone)}</name></filter>`;
      const { answer, shown } = await send('site get', `<site><get>${filter}<dataset/></get></site>`);
      const [result] = shown.site?.get?.result ?? [];
      if (!result) throw unexpectedAnswer(answer, 'it has no result');
      if (result.status === 'error') throw refusedIn(zone, answer, result);
      if (result.id === undefined) throw unexpectedAnswer(answer, 'the site has no id');
      return result.id;
    },
    ({ code }) => code === 'E_ZONE',
  );

  return {
    /** Every record of the zone. */
    records: (zone: Fqdn): Promise<DnsRecord[]> =>
      inSite(zone, async (site) => {
        const filter = `<filter><site-id>${site}</site-id></filter>`;
        const { answer, shown } = await send('dns get_rec', `<dns><get_rec>${filter}</get_rec></dns>`);
        const results = shown.dns?.get_rec?.result;
        if (!results) throw unexpectedAnswer(answer, 'it has no result');
        const failed = results.find(({ status }) => status === 'error');
        if (failed) throw refusedIn(zone, answer, failed);
        return results.flatMap(({ id, data }) => (id && data && typeof data === 'object' ? [{ id, ...data }] : []));
      }),

    /** The id of the new TXT record, or the refusal where it is there already. */
    add: (zone: Fqdn, host: string, value: string): Promise<{ id: string } | { conflict: Dns01Error }> =>
      inSite(zone, async (site) => {
        const record = `<site-id>${site}</site-id><type>TXT</type><host>${escapeXml(host)}</host><value>${escapeXml(value)}</value>`;
        const { answer, shown } = await send('dns add_rec', `<dns><add_rec>${record}</add_rec></dns>`, true);
        const [result] = shown.dns?.add_rec?.result ?? [];
        if (!result) throw unexpectedAnswer(answer, 'it has no result');
        if (result.status === 'ok' && result.id !== undefined) return { id: result.id };
        if (result.status === 'ok') throw unexpectedAnswer(answer, 'the record has no id');
        if (!isKind('exists', result)) throw refusedIn(zone, answer, result);
        return { conflict: refused(answer, result) };
      }),

    /** @param id digits: an empty filter would delete all records of all zones */
    async remove(id: string): Promise<'removed' | 'absent'> {
      if (!/^\d+$/.test(id)) throw new Dns01Error('E_PROTOCOL', `"${id}" cannot be the id of a record`);
      const filter = `<filter><id>${id}</id></filter>`;
      const { answer, shown } = await send('dns del_rec', `<dns><del_rec>${filter}</del_rec></dns>`, true);
      const [result] = shown.dns?.del_rec?.result ?? [];
      if (!result) throw unexpectedAnswer(answer, 'it has no result');
      if (result.status === 'ok') return 'removed';
      if (isKind('missing', result)) return 'absent';
      throw refused(answer, result);
    },

    async *sites(): AsyncGenerator<{ readonly name: string; readonly active: boolean }> {
      const body = '<site><get><filter/><dataset><gen_info/></dataset></get></site>';
      const { answer, shown } = await send('site get', body);
      for (const result of shown.site?.get?.result ?? []) {
        if (result.status === 'error') throw refused(answer, result);
        const info = typeof result.data === 'object' ? result.data.gen_info : undefined;
        if (info) yield { name: info['ascii-name'] ?? info.name, active: info.status === '0' };
      }
    },
  };
}

const noZone = (zone: Fqdn): Refusal => ({
  code: 'E_ZONE',
  text: `there is no domain ${zone} in this account`,
  hint: 'check that the domain is in Plesk and that this user may manage it',
});

function refusalOf(outcome: Pick<Outcome, 'errcode'>): Refusal {
  if (isKind('login', outcome)) {
    const hint = 'check apiKey, or username and password; an API key works only from the address that it was made for';
    return { code: 'E_AUTH', text: 'the login was refused', hint, loginRefused: true };
  }
  if (isKind('permission', outcome)) {
    return {
      code: 'E_AUTH',
      text: 'this user may not do that',
      hint: 'ask your hosting company for the permissions "DNS zone management" and "Ability to use remote API"',
    };
  }
  if (isKind('later', outcome)) return { code: 'E_REMOTE', hint: 'Plesk is busy or not ready: try again later' };
  if (isKind('limit', outcome)) return { code: 'E_REJECTED', hint: 'a limit of the subscription is reached' };
  return { code: 'E_REJECTED', hint: 'check in Plesk that its DNS is switched on and takes a TXT record at this name' };
}
