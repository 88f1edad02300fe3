import * as z from 'zod/mini';
import {
  type ApiCall,
  bearer,
  createApi,
  createRunMemory,
  eachPage,
  type Fqdn,
  type HttpAnswer,
  type ProviderContext,
  pathPart,
  type Refusal,
  refusalBody,
  refusalError,
} from '../../src/provider.ts';

/** A TXT record set of the API ("RRset Field Reference"); without records it is deleted. */
export interface TxtSet {
  /** Relative to the domain; empty at the domain itself. */
  readonly subname: string;
  readonly ttl: number;
  /** Its TTL is raised to what the domain allows; that of a set which is there is kept. */
  readonly isNew?: boolean;
  /** In zone file form. */
  readonly records: readonly string[];
}

const rrset = z.object({ subname: z.string(), type: z.string(), ttl: z.int(), records: z.array(z.string()) });
const rrsets = z.array(rrset);
const domain = z.object({ minimum_ttl: z.int() });
const detail = z.object({ detail: z.string() });
/** Errors of a new record set by field, or a list of them. */
const fieldErrors = z.union([z.array(z.record(z.string(), z.unknown())), z.record(z.string(), z.unknown())]);

/** Seconds: the usual minimum of a domain, and the maximum of all ("minimum_ttl", "ttl"). */
const USUAL_MIN_TTL = 3600;
const MAX_TTL = 86_400;

export type DesecClient = ReturnType<typeof createClient>;

/** The requests of the deSEC API that a DNS-01 hook needs. */
export function createClient(
  { token, url }: { readonly token: string; readonly url: string },
  context: ProviderContext,
) {
  const api = createApi(context, { url, headers: bearer(token, 'Token'), refusalOf, messageOf });
  const minTtls = createRunMemory<number>();

  const setsPath = (zone: Fqdn) => `/domains/${pathPart(zone)}/rrsets/`;
  const loadMinTtl = async (zone: Fqdn) =>
    (await api.json({ method: 'GET', path: `/domains/${pathPart(zone)}/` }, domain)).minimum_ttl;

  /**
   * Sends record sets, with the usual least TTL at first: the domain's own is read only after a refusal.
   * @returns the answer, which may have one of the expected statuses
   */
  async function sendSets(zone: Fqdn, sets: readonly TxtSet[], call: Pick<ApiCall, 'method' | 'expected'>) {
    const send = (minTtl: number, clampsAll: boolean) => {
      const items = sets.map(({ ttl, isNew, ...set }) => ({
        ...set,
        type: 'TXT',
        ttl: isNew || clampsAll ? Math.min(MAX_TTL, Math.max(ttl, minTtl)) : ttl,
      }));
      const json = call.method === 'POST' && items.length === 1 ? items[0] : items;
      const expected = [...(call.expected ?? []), 400];
      return api.send({ ...call, path: setsPath(zone), json, zone, retryConflict: true, expected });
    };
    const answer = await send(await minTtls.get(zone, async () => USUAL_MIN_TTL), false);
    if (answer.status !== 400 || !isAboutTtl(answer)) return answer;
    minTtls.forget(zone);
    return send(await minTtls.get(zone, () => loadMinTtl(zone)), true);
  }

  /** All items of a list ("Pagination"): the cursor of the next page is in the Link header. */
  const list = <Schema extends z.core.$ZodType>(
    path: string,
    schema: Schema,
    filter: Readonly<Record<string, string>> = {},
  ) =>
    eachPage('', async (cursor) => {
      const answer = await api.send({ method: 'GET', path, query: { ...filter, cursor } });
      return { items: context.http.decode(answer, z.array(schema)), next: nextCursor(answer) };
    });

  return {
    list,

    /**
     * Creates these record sets, all or none.
     * @returns false where one of them may be there already
     */
    async create(zone: Fqdn, sets: readonly TxtSet[]): Promise<boolean> {
      const answer = await sendSets(zone, sets, { method: 'POST', expected: [201] });
      if (answer.status === 400) return false;
      context.http.decode(answer, z.union([rrsets, rrset]));
      return true;
    },

    /** Replaces these record sets, all or none ("Bulk Operations"). */
    async replace(zone: Fqdn, sets: readonly TxtSet[]): Promise<true> {
      const answer = await sendSets(zone, sets, { method: 'PATCH', expected: [200] });
      if (answer.status === 400) throw refusalError(answer, { refusalOf, messageOf });
      context.http.decode(answer, z.array(z.nullable(rrset)));
      return true;
    },

    /** The TXT record sets of the zone, or the one of a name, by their subnames. @throws E_ZONE */
    async read(zone: Fqdn, subname?: string): Promise<ReadonlyMap<string, TxtSet>> {
      const filter = { type: 'TXT', ...(subname === undefined ? {} : { subname }) };
      const found = new Map<string, TxtSet>();
      for await (const set of list(setsPath(zone), rrset, filter)) {
        if (set.type === 'TXT') found.set(set.subname, { subname: set.subname, ttl: set.ttl, records: set.records });
      }
      return found;
    },

    /** The records at the domain itself of a type. */
    async atApex(zone: Fqdn, type: string): Promise<readonly string[]> {
      const records: string[] = [];
      for await (const set of list(setsPath(zone), rrset, { type, subname: '' })) records.push(...set.records);
      return records;
    },
  };
}

/** Only the cursor of the link is used: its address is the server's choice. */
function nextCursor({ headers }: HttpAnswer): string | undefined {
  const [, link = ''] = /<([^<>]*)>\s*;\s*rel="next"/.exec(headers['link'] ?? '') ?? [];
  return new URLSearchParams(link.split('?')[1] ?? '').get('cursor') ?? undefined;
}

const isAboutTtl = (answer: HttpAnswer): boolean =>
  [refusalBody(answer, fieldErrors) ?? []].flat().some((errors) => 'ttl' in errors);

function refusalOf(answer: HttpAnswer): Refusal | undefined {
  const text = refusalBody(answer, detail)?.detail ?? '';
  if (answer.status === 401) {
    return {
      code: 'E_AUTH',
      text: 'the token was refused',
      hint: 'check that the token is valid, and that its allowed_subnets hold the address of this machine',
    };
  }
  if (answer.status === 403 && /token required|multi-factor/i.test(text)) {
    return { code: 'E_AUTH', text: 'this is not an API token', hint: 'create a token at desec.io → Token Management' };
  }
  if (answer.status === 403) {
    return {
      code: 'E_AUTH',
      text: 'the policies of the token do not allow this',
      hint: 'add a policy to the token with this domain, the subname of the challenge, type TXT and perm_write',
    };
  }
  if (answer.status === 404) {
    return {
      code: 'E_ZONE',
      text: 'there is no such domain in this account',
      hint: 'check that the domain is at desec.io, in the account of the token',
    };
  }
  if (answer.status === 409) {
    return {
      code: 'E_REMOTE',
      text: 'another program changed the same records, several times',
      hint: 'try again later',
    };
  }
  return {
    code: 'E_REJECTED',
    hint: 'check the name at desec.io: no TXT record is possible beside a CNAME, for example',
  };
}

const messageOf = (answer: HttpAnswer): string | undefined => refusalBody(answer, detail)?.detail;
