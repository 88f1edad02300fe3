import { Dns01Error } from '../../src/errors.ts';
import type { Fqdn, HttpAnswer, HttpCall, HttpClient } from '../../src/provider.ts';
import { isSameName, isSameValue } from './match.ts';
import { type Outcome, readRefusal } from './refusal.ts';
import { createdSchema, type TxtEntry, txtListSchema } from './schema.ts';

interface ZoneidAccess {
  /** The API's address, without a slash at the end. */
  readonly url: string;
  /** The whole value of the Authorization header. */
  readonly authorization: string;
}

/** The three requests of the ZoneID API v2 that a DNS-01 hook needs. */
export interface ZoneidClient {
  /**
   * POST /dns/{zone}/txt. The result is the record's id, where the answer tells it.
   * @throws E_PROTOCOL with `outcomeUnknown`: the record may have been made
   */
  createTxt(zone: Fqdn, name: Fqdn, value: string): Promise<Outcome<string | undefined>>;
  /**
   * GET /dns/{zone}/txt: the TXT records of the zone that are wanted, page by page, for a zone can be large.
   * @param most how many are enough: no further page is asked for then
   * @throws E_PROTOCOL
   */
  searchTxt(zone: Fqdn, isWanted: (entry: TxtEntry) => boolean, most?: number): Promise<Outcome<TxtEntry[]>>;
  /** DELETE /dns/{zone}/txt/{id}. @throws E_PROTOCOL with `outcomeUnknown`: the record may be gone */
  deleteTxt(zone: Fqdn, id: string): Promise<Outcome<undefined>>;
}

/** The most that the API takes (ZoneID API v2, "Pagination and sorting"). */
const RECORDS_PER_PAGE = 100;

/** No zone is that big: a server that counts further is not to be followed. */
const MOST_PAGES = 1000;

/** What differs from request to request: the login goes with all of them. */
type Request = Pick<HttpCall, 'method' | 'headers' | 'json'>;

export function createZoneidClient(http: HttpClient, { url, authorization }: ZoneidAccess): ZoneidClient {
  function request(path: string, { method, headers, json }: Request): Promise<HttpAnswer> {
    return http.send({
      call: `${method} ${path}`,
      method,
      url: `${url}${path}`,
      headers: { authorization, ...headers },
      ...(json === undefined ? {} : { json }),
    });
  }

  return {
    async createTxt(zone, name, value) {
      const answer = await request(txtPath(zone), { method: 'POST', json: { name, destination: value } });
      if (isRefused(answer)) return { refusal: readRefusal(answer, zone) };
      // "Accepted, will be processed later": there may be nothing to show yet.
      if (answer.status === 202 && /^\s*(\[\s*\])?\s*$/.test(answer.text)) return { result: undefined };
      // An id is worth having only if it is surely this record's: by it the record will be deleted.
      const created = http
        .decode(answer, createdSchema)
        .find(
          (record) =>
            (record.name === undefined || isSameName(record.name, name, zone)) &&
            (record.destination === undefined || isSameValue(record.destination, value)),
        );
      return { result: created?.id ?? undefined };
    },

    async searchTxt(zone, isWanted, most = Number.POSITIVE_INFINITY) {
      const found: TxtEntry[] = [];
      let pages = 1;
      for (let page = 1; page <= pages && found.length < most; page++) {
        const answer = await request(txtPath(zone), { method: 'GET', headers: pagerHeaders(page) });
        if (isRefused(answer)) return { refusal: readRefusal(answer, zone) };
        found.push(...http.decode(answer, txtListSchema).filter(isWanted));
        pages = pagesOf(answer, page);
      }
      return { result: found };
    },

    async deleteTxt(zone, id) {
      const answer = await request(`${txtPath(zone)}/${segment(id)}`, { method: 'DELETE' });
      if (isRefused(answer)) return { refusal: readRefusal(answer, zone) };
      if (answer.status === 204 || answer.status === 202) return { result: undefined };
      throw unexpected(answer, `expected status 204, got ${answer.status}`);
    },
  };
}

const txtPath = (zone: Fqdn): string => `/dns/${segment(zone)}/txt`;

/** One part of a path. An empty one or dots would make it the path of something else, like the whole zone. */
function segment(text: string): string {
  if (/^\.*$/.test(text)) throw new Dns01Error('E_PROTOCOL', `"${text}" cannot be a part of a request's path`);
  return encodeURIComponent(text);
}

const isRefused = ({ status }: HttpAnswer): boolean => status >= 400;

function pagerHeaders(page: number): Record<string, string> {
  const limit = { 'x-pager-limit': String(RECORDS_PER_PAGE) };
  return page === 1 ? limit : { ...limit, 'x-pager-page': String(page) };
}

/** How many pages there are. No DNS list is documented to have more than one, so only a pager that is on counts. */
function pagesOf(answer: HttpAnswer, asked: number): number {
  if (answer.headers['x-pager-enabled']?.trim() !== '1') return asked;
  const pages = Number(answer.headers['x-pager-pages'] ?? Number.NaN);
  if (!Number.isInteger(pages) || pages > MOST_PAGES) {
    throw unexpected(answer, `header x-pager-pages should be a number up to ${MOST_PAGES}`);
  }
  const page = answer.headers['x-pager-page']?.trim();
  if (page !== undefined && page !== String(asked)) throw unexpected(answer, `asked for page ${asked}, got another`);
  return pages;
}

function unexpected({ call }: HttpAnswer, what: string): Dns01Error {
  return new Dns01Error('E_PROTOCOL', `${call}: unexpected answer, ${what}`, {
    outcomeUnknown: true,
    hint: 'check that url is the address of the API and that no proxy or login page stands before it',
  });
}
