import { unknown } from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import type { Fqdn, HttpAnswer, HttpCall, ProviderContext } from '../../src/provider.ts';
import { broken, type Page, readPage } from './lists.ts';
import { type Outcome, type Refusal, readRefusal, refused } from './refusal.ts';
import { type PanelRecord, readAccount, readRecord, readZone } from './schema.ts';

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

/** A TXT record as it is sent. */
export interface NewTxt {
  readonly name: string;
  /** Without quotes. */
  readonly txtdata: string;
  /** Seconds; left out where the panel found fault with it. */
  readonly ttl?: number;
}

/** The five requests of PanelAlpha's user API that a DNS-01 hook needs. */
export interface PanelClient {
  /** GET /server-accounts: the ids of the hosting accounts. @throws E_PROTOCOL; what `refused` makes of a refusal */
  accounts(): Promise<string[]>;
  /** GET /server-accounts/{id}/dns-zones, page by page; a refusal is the last that comes. @throws E_PROTOCOL */
  zones(account: string): AsyncGenerator<Outcome<Fqdn[]>>;
  /** GET …/dns-zones/{zone}/records: every record, all pages. @throws E_PROTOCOL; what `refused` makes of a refusal */
  records(place: Place): Promise<PanelRecord[]>;
  /** POST …/records. That it was not refused does not say that it was done. @throws with `outcomeUnknown` */
  createTxt(place: Place, record: NewTxt): Promise<Refusal | undefined>;
  /** DELETE …/records/{line}. The same holds here. @throws with `outcomeUnknown`; E_PROTOCOL for a line that is no part of a path */
  deleteRecord(place: Place, line: string): Promise<Refusal | undefined>;
}

/** The panel's own connector asks for as many. */
const ITEMS_PER_PAGE = 100;

export function createPanelClient(
  { url, token, userId }: PanelAccess,
  { http, log }: Pick<ProviderContext, 'http' | 'log'>,
): PanelClient {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(userId === undefined ? {} : { 'x-panelalpha-user': userId }),
  };

  function request(path: string, { method, json }: Pick<HttpCall, 'method' | 'json'>): Promise<HttpAnswer> {
    return http.send({
      call: `${method} ${path.replace(/\?.*/, '')}`,
      method,
      url: `${url}/api${path}`,
      headers,
      ...(json === undefined ? {} : { json }),
    });
  }

  /** The items of a list that can be read, page by page, so that no more than a page is held as it came. */
  async function* pages<Item>(
    path: string,
    read: (item: unknown) => Item | undefined,
  ): AsyncGenerator<Outcome<Item[]>> {
    const count = { of: 0, readable: 0 };
    let call = '';
    for (let page: number | undefined = 1; page !== undefined; ) {
      const query = `?per_page=${ITEMS_PER_PAGE}${page === 1 ? '' : `&page=${page}`}`;
      const answer = await request(`${path}${query}`, { method: 'GET' });
      if (answer.status >= 400) return yield { refusal: readRefusal(answer) };
      call = answer.call;
      const shown: Page = readPage(http.decode(answer, unknown()), { call, url: `${url}/api${path}`, page });
      const readable = shown.items.map(read).filter((item) => item !== undefined);
      count.of += shown.items.length;
      count.readable += readable.length;
      page = shown.next;
      yield { result: readable };
    }
    if (count.readable < count.of) log.debug('items of a list were left out', { call, ...count });
    if (count.of > 0 && count.readable === 0) throw broken({ call }, 'no item of the list has the fields it should');
  }

  /** All of them, where none can be done without. @throws what `refused` makes of a refusal */
  async function all<Item>(path: string, read: (item: unknown) => Item | undefined): Promise<Item[]> {
    const items: Item[] = [];
    for await (const outcome of pages(path, read)) {
      if (outcome.refusal) throw refused(outcome.refusal);
      for (const item of outcome.result) items.push(item);
    }
    return items;
  }

  /** The body of a write is not documented. Empty or JSON will do; anything else is not the panel that speaks. */
  function checkWritten(answer: HttpAnswer): Refusal | undefined {
    if (answer.status >= 400) return readRefusal(answer);
    if (answer.text.trim() !== '') http.decode(answer, unknown());
    return undefined;
  }

  return {
    accounts: () => all('/server-accounts', readAccount),
    zones: (account) => pages(`/server-accounts/${segment(account)}/dns-zones`, readZone),
    records: (place) => all(recordsPath(place), readRecord),
    async createTxt(place, { name, txtdata, ttl }) {
      const json = { name, type: 'TXT', txtdata, ...(ttl === undefined ? {} : { ttl }) };
      return checkWritten(await request(recordsPath(place), { method: 'POST', json }));
    },
    async deleteRecord(place, line) {
      return checkWritten(await request(`${recordsPath(place)}/${segment(line)}`, { method: 'DELETE' }));
    },
  };
}

const recordsPath = ({ account, zone }: Place): string =>
  `/server-accounts/${segment(account)}/dns-zones/${segment(zone)}/records`;

/** One part of a path. An empty one or dots would make it the path of something else, like the whole zone. */
function segment(text: string): string {
  if (/^\.*$/.test(text)) throw new Dns01Error('E_PROTOCOL', `"${text}" cannot be a part of a request's path`);
  return encodeURIComponent(text);
}
