import * as z from 'zod/mini';
import type { Dns01Error } from '../../src/errors.ts';
import {
  createApi,
  eachPage,
  type Fqdn,
  type HttpAnswer,
  type ProviderContext,
  pathPart,
  type Refusal,
  refusalBody,
  refusalError,
} from '../../src/provider.ts';
import { broken, type PanelRecord, readAccount, readPage, readRecord, readZone } from './answers.ts';

export interface PanelAccess {
  /** The panel's address, without a slash at the end. */
  readonly url: string;
  readonly token: string;
  readonly userId?: string | undefined;
}

/** A zone and the hosting account that it belongs to. */
export interface Place {
  readonly account: string;
  readonly zone: Fqdn;
}

/** A change that the panel refused. The value may already be there, or gone. */
export interface RefusedChange {
  readonly error: Dns01Error;
  /** The fields that the refusal names. */
  readonly fields: readonly string[];
}

export type PanelClient = ReturnType<typeof createPanelClient>;

/** The panel's own connector asks for as many. */
const ITEMS_PER_PAGE = 100;

/** The answers to a change are not documented. All of these may mean that it was made, now or before. */
const CHANGED = [200, 201, 202, 204];
const REFUSED = [400, 409, 422];

const REFUSALS: Readonly<Record<number, Refusal>> = {
  401: {
    code: 'E_AUTH',
    text: 'the token was refused',
    hint: 'make a token in the admin area under Configuration, Admins, and put it into token; where userId is set, check that too',
  },
  403: {
    code: 'E_AUTH',
    text: 'the token does not have the right to do this',
    hint: 'set userId to the id of the user whose hosting account holds the zone, and check that the plan of the account has DNS',
  },
  404: {
    code: 'E_ZONE',
    text: 'not found',
    hint: 'check url, userId, accountId and the zone in the config: the zone has to be in the DNS of this hosting account',
  },
};

const OTHER_REFUSAL: Refusal = {
  code: 'E_REJECTED',
  hint: 'check in the panel that the zone takes a TXT record at this name: the plan may not allow it, or the name may have a CNAME',
};

const refusalOf = ({ status }: HttpAnswer): Refusal => REFUSALS[status] ?? OTHER_REFUSAL;

/** The status for an unknown zone is not documented. */
const refusalOfZone = (answer: HttpAnswer): Refusal => ({
  ...refusalOf(answer),
  tryNextZone: [403, 404, 422].includes(answer.status),
});

/** The five requests of PanelAlpha's user API that a DNS-01 hook needs. */
export function createPanelClient({ url, token, userId }: PanelAccess, context: Pick<ProviderContext, 'http' | 'log'>) {
  const settings = {
    url: `${url}/api`,
    headers: { authorization: `Bearer ${token}`, ...(userId === undefined ? {} : { 'x-panelalpha-user': userId }) },
    messageOf: (answer: HttpAnswer) => readRefusal(answer).words,
    refusalOf,
  };
  const api = createApi(context, settings);
  const zoneApi = createApi(context, { ...settings, refusalOf: refusalOfZone });

  /** The readable items of a list. */
  async function* list<Item>(path: string, read: (item: unknown) => Item | undefined, { send } = api) {
    const call = `GET ${path}`;
    const pages = eachPage(1, async (page) => {
      const query = { per_page: ITEMS_PER_PAGE, ...(page > 1 ? { page } : {}) };
      const answer = await send({ method: 'GET', path, query });
      return readPage(context.http.decode(answer, z.unknown()), { call, url: `${settings.url}${path}`, page });
    });
    const count = { of: 0, readable: 0 };
    for await (const shown of pages) {
      const item = read(shown);
      count.of++;
      if (item === undefined) continue;
      count.readable++;
      yield item;
    }
    if (count.readable < count.of) context.log.debug('items of a list were left out', { call, ...count });
    if (count.of > 0 && count.readable === 0) throw broken({ call }, 'no item of the list has the fields it should');
  }

  /** The body is not documented. Empty or JSON is accepted; anything else does not come from the panel. */
  function refusalIn(answer: HttpAnswer): RefusedChange | undefined {
    if (answer.status >= 400) {
      return {
        error: refusalError(answer, settings),
        fields: answer.status === 422 ? readRefusal(answer).fields : [],
      };
    }
    if (answer.text.trim() !== '') context.http.decode(answer, z.unknown());
    return undefined;
  }

  return {
    /** GET /server-accounts: the ids of the hosting accounts. */
    accounts: () => list('/server-accounts', readAccount),

    /** GET /server-accounts/{id}/dns-zones */
    zones: (account: string) => list(`/server-accounts/${pathPart(account)}/dns-zones`, readZone),

    /** GET …/dns-zones/{zone}/records: every record. @throws E_ZONE; other refusals may also mean a foreign zone */
    async records(place: Place): Promise<PanelRecord[]> {
      const records: PanelRecord[] = [];
      for await (const record of list(recordsPath(place), readRecord, zoneApi)) records.push(record);
      return records;
    },

    /** POST …/records; the value without quotes. A success status does not prove that it was done. */
    async createTxt(place: Place, name: string, value: string, ttl?: number): Promise<RefusedChange | undefined> {
      const json = { name, type: 'TXT', txtdata: value, ttl };
      const expected = [...CHANGED, ...REFUSED];
      return refusalIn(await api.send({ method: 'POST', path: recordsPath(place), json, expected }));
    },

    /** DELETE …/records/{line}. A success status proves nothing here either. @throws E_PROTOCOL for a line that does not fit into a path */
    async deleteRecord(place: Place, line: string): Promise<RefusedChange | undefined> {
      const path = `${recordsPath(place)}/${pathPart(line)}`;
      return refusalIn(
        await api.send({ method: 'DELETE', path, checkAfterRateLimit: true, expected: [...CHANGED, ...REFUSED, 404] }),
      );
    },
  };
}

const recordsPath = ({ account, zone }: Place): string =>
  `/server-accounts/${pathPart(account)}/dns-zones/${pathPart(zone)}/records`;

const refusalSchema = z.object({
  message: z.optional(z.unknown()),
  error: z.optional(z.unknown()),
  errors: z.catch(z.record(z.string(), z.unknown()), {}),
});

/**
 * The content of a refusal: Laravel's `{"message": text, "errors": {field: [text]}}`. The texts are in the user's language,
 * so only the names of the fields decide.
 */
function readRefusal(answer: HttpAnswer): { readonly words: string; readonly fields: readonly string[] } {
  const body = refusalBody(answer, refusalSchema);
  if (!body) return { words: answer.text, fields: [] };
  const { message, error, errors } = body;
  const details = Object.entries(errors).map(
    ([field, texts]) => `${field}: ${[texts].flat(3).filter(isText).join(' ')}`,
  );
  return { words: [message, error].filter(isText).concat(details).join(' · '), fields: Object.keys(errors) };
}

const isText = (value: unknown): value is string => typeof value === 'string';
