import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import { shownId } from '../../src/provider.ts';

/** A record as the panel shows it, with any DNS server behind it. */
export interface PanelRecord {
  /** As shown: with or without the zone, with or without a dot at the end, `@`. */
  readonly name: string;
  /** In upper case. */
  readonly type: string;
  /** As shown, with its quotes; undefined where no known field has a text. */
  readonly content: string | undefined;
  /**
   * Identifies a record to delete. It may be a number that another record has after the next change, and several records
   * may share it, so it is only valid while the list is fresh.
   */
  readonly line: string | undefined;
}

/** The fields in which the value of a TXT record was seen or is expected, the likeliest first. */
const CONTENT_FIELDS = ['txtdata', 'rdata', 'content', 'value', 'record', 'data'] as const;

const record = z.looseObject({ name: z.string(), type: z.string(), line: z.catch(z.optional(shownId), undefined) });

/** One item of a record list; undefined where it has no name or type. */
export function readRecord(item: unknown): PanelRecord | undefined {
  const parsed = z.safeParse(record, item);
  if (!parsed.success) return undefined;
  const { name, type, line, ...fields } = parsed.data;
  const texts = CONTENT_FIELDS.map((key) => fields[key]).filter((value) => typeof value === 'string');
  return { name, type: type.toUpperCase(), content: texts.find((value) => value !== '') ?? texts[0], line };
}

const account = z.object({ id: shownId });

/** The id of one item of `GET /server-accounts`. */
export function readAccount(item: unknown): string | undefined {
  const parsed = z.safeParse(account, item);
  return parsed.success ? parsed.data.id : undefined;
}

const zone = z.union([
  z.pipe(
    z.string(),
    z.transform((name) => ({ name })),
  ),
  z.object({ name: z.string() }),
  z.pipe(
    z.object({ domain: z.string() }),
    z.transform(({ domain }) => ({ name: domain })),
  ),
]);

/** The name in one item of `GET /dns-zones`. */
export function readZone(item: unknown): { readonly name: string } | undefined {
  const parsed = z.safeParse(zone, item);
  return parsed.success && parsed.data.name !== '' ? parsed.data : undefined;
}

/** The request for a page, to compare with what the page says about the next one. */
interface PageRequest {
  readonly call: string;
  readonly url: string;
  /** Counted from 1. */
  readonly page: number;
}

/** How deep a list may be in its answer: `data.data` is the deepest that is known of such APIs. */
const MAX_DEPTH = 2;

/** No zone is that large. */
const MAX_PAGES = 1000;

/**
 * The list in an answer. The answers of these calls are not documented, so all forms of such APIs are accepted: the list
 * itself, or in `data`, `data.data` or `records`, as an array or as an object of objects, which PHP makes of an array
 * with gaps.
 * @returns the items, with the next page
 * @throws E_PROTOCOL without a list, because that must not look like an empty one
 */
export function readPage(body: unknown, request: PageRequest) {
  const items = listIn(body, 0);
  if (!items) throw broken(request, 'there is no list in it');
  const { next, last = next ?? 1 } = pagesIn(body, request);
  if (last > MAX_PAGES) throw broken(request, `it has more than ${MAX_PAGES} pages`);
  return { items, next };
}

function listIn(value: unknown, depth: number): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (!isObject(value)) return undefined;
  const inner = ['data', 'records'].filter((key) => Object.hasOwn(value, key));
  if (inner.length > 0 && depth < MAX_DEPTH) {
    return inner.map((key) => listIn(value[key], depth + 1)).find((list) => list !== undefined);
  }
  return isKeyedList(value, depth) ? Object.values(value) : undefined;
}

/** At the top, only an object that is numbered like an array is a list. */
function isKeyedList(value: Record<string, unknown>, depth: number): boolean {
  const entries = Object.entries(value);
  return entries.length > 0 && entries.every(([key, item]) => isObject(item) && (depth > 0 || /^\d+$/.test(key)));
}

/** The page numbers of Laravel's paginators, beside the list or around it. @throws E_PROTOCOL */
function pagesIn(body: unknown, request: PageRequest): { next: number | undefined; last?: number } {
  const places = [body, field(body, 'meta'), field(body, 'data'), field(body, 'links')].filter(isObject);
  const find = (key: string) =>
    places.map((place) => place[key]).find((value) => value !== undefined && value !== null);

  const current = numeric(find('current_page'));
  if (current !== undefined && current !== request.page) {
    throw broken(request, `it is page ${current} instead of page ${request.page}`);
  }
  const last = numeric(find('last_page'));
  if (last !== undefined) return { next: request.page < last ? request.page + 1 : undefined, last };
  const next = find('next_page_url') ?? find('next');
  return { next: typeof next === 'string' && next !== '' ? pageOf(next, request) : undefined };
}

/**
 * The page number in the address of the next page. The address itself is never followed, because the token would go to
 * any host that the answer names. Scheme and port are not compared: a panel behind a proxy does not know its own.
 */
function pageOf(next: string, request: PageRequest): number {
  const here = new URL(request.url);
  const there = URL.canParse(next, request.url) ? new URL(next, here) : undefined;
  if (there?.hostname !== here.hostname || there.pathname !== here.pathname) {
    throw broken(request, 'its next page is at another address');
  }
  const page = numeric(there.searchParams.get('page'));
  if (page !== request.page + 1) throw broken(request, 'it does not say which page is the next');
  return page;
}

/** The error for an answer in an unknown form. */
export function broken({ call }: Pick<PageRequest, 'call'>, what: string): Dns01Error {
  return new Dns01Error('E_PROTOCOL', `${call}: unexpected answer, ${what}`, {
    outcomeUnknown: true,
    hint: 'check that url is the address of the panel; if it is, this version of PanelAlpha answers in a form that dns01 does not know: run again with --verbose and report it',
  });
}

function numeric(value: unknown): number | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const field = (value: unknown, key: string): unknown => (isObject(value) ? value[key] : undefined);
