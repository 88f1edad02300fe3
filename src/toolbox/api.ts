import * as z from 'zod/mini';
import { Dns01Error, type ErrorCode } from '../errors.ts';
import { excerpt, parseJson, printable } from '../output/text.ts';
import type { HttpAnswer, HttpCall, HttpClient } from './context.ts';

/** What a status of 400 or more means at this API. */
export interface Refusal {
  readonly code: ErrorCode;
  /** What happened, e.g. `the API key was refused`. */
  readonly text?: string;
  readonly hint?: string;
  /** The account may not hold the zone, so the core tries the next one. E_ZONE always means that. */
  readonly tryNextZone?: boolean;
  /** The credentials themselves were refused. Default: true for a 401. */
  readonly loginRefused?: boolean;
}

export type Refusals = Readonly<Record<number, ErrorCode | Refusal>>;

export interface ApiSettings {
  /** The base address, without a slash at the end. */
  readonly url: string;
  /** Sent with every request; a function where they differ, as a signature does. It is called right before each attempt. */
  readonly headers: Readonly<Record<string, string>> | ((call: ApiCall) => Readonly<Record<string, string>>);
  /** Replaces the defaults: 401 and 403 are E_AUTH, 404 is E_ZONE, everything else is E_REJECTED. */
  readonly refusals?: Refusals;
  /** The API's message for people in the body of a refusal; the whole text where it has none. */
  readonly messageOf?: (answer: HttpAnswer) => string | undefined;
  /** The refusal for a body, e.g. by an error code in it; undefined for the table's. */
  readonly refusalOf?: (answer: HttpAnswer) => Refusal | undefined;
}

export interface ApiCall extends Omit<HttpCall, 'call' | 'url' | 'headers'> {
  /** Begins with a slash. Variable parts have been through `pathPart`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number>>;
  /** The name of the call in errors and logs; default: method and path. */
  readonly call?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * The only expected statuses of this call, e.g. 204 and 404 of a deletion: those of 400 or more are then not refusals.
   * Default: every status below 400.
   */
  readonly expected?: readonly number[];
}

export interface Api {
  /**
   * The answer to a request that was not refused.
   * @throws the refusal, with its `status`; E_PROTOCOL for an unexpected status; what `http.send` throws
   */
  send(call: ApiCall): Promise<HttpAnswer>;
  /** Its JSON, checked by a schema. @throws E_PROTOCOL too */
  json<Schema extends z.core.$ZodType>(call: ApiCall, schema: Schema): Promise<z.output<Schema>>;
}

/** The default meaning of a refusal. */
const USUAL: Readonly<Record<number, Refusal>> = {
  401: { code: 'E_AUTH', text: 'the login was refused', hint: 'check the credentials of the account' },
  403: { code: 'E_AUTH', text: 'this login does not have the right to do this', hint: 'check the rights of the login' },
  404: { code: 'E_ZONE', text: 'there is no such zone', hint: 'check the zone in the config and the account' },
};

/** An HTTP API: base address, login and the meaning of its refusals in one place. */
export function createApi({ http }: { readonly http: HttpClient }, settings: ApiSettings): Api {
  const { url, headers } = settings;
  async function send(call: ApiCall): Promise<HttpAnswer> {
    const { path, query, headers: own, expected, call: title = `${call.method} ${path}`, ...rest } = call;
    const answer = await http.send({
      ...rest,
      call: title,
      url: `${url}${path}${query ? `?${new URLSearchParams(asTexts(query))}` : ''}`,
      headers: typeof headers === 'function' ? () => ({ ...headers(call), ...own }) : { ...headers, ...own },
    });
    if (expected?.includes(answer.status)) return answer;
    if (answer.status >= 400) throw refusalError(answer, settings);
    if (expected) throw unexpectedAnswer(answer, `status ${answer.status}`);
    return answer;
  }
  return { send, json: async (call, schema) => http.decode(await send(call), schema) };
}

/**
 * The header of an API with only a token.
 * @throws E_CONFIG where the token cannot be one: a header takes no line breaks, and an API would refuse it after that
 */
export function bearer(token: string, scheme = 'Bearer'): { readonly authorization: string } {
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new Dns01Error(
      'E_CONFIG',
      'token holds blanks, line breaks or letters outside ASCII, so it is not an API token',
      {
        hint: `put only the token there, without "${scheme}" and without quotes`,
      },
    );
  }
  return { authorization: `${scheme} ${token}` };
}

/** The JSON of a refusal; undefined where the body does not fit the schema. */
export function refusalBody<Schema extends z.core.$ZodType>(
  { text }: HttpAnswer,
  schema: Schema,
): z.output<Schema> | undefined {
  return z.safeParse(schema, parseJson(text)).data;
}

/** A refusal as an error, with its status. */
export function refusalError(
  answer: HttpAnswer,
  settings: Pick<ApiSettings, 'refusals' | 'messageOf' | 'refusalOf'>,
): Dns01Error {
  const { call, status } = answer;
  const known = settings.refusalOf?.(answer) ?? settings.refusals?.[status];
  const usual = USUAL[status] ?? { code: 'E_REJECTED' };
  const {
    code,
    text = 'refused',
    hint,
    tryNextZone,
    loginRefused = status === 401,
  } = typeof known === 'string' ? { ...usual, code: known } : (known ?? usual);
  // After a failed login, the answer may repeat the credentials.
  const words = code === 'E_AUTH' ? '' : printable(excerpt(settings.messageOf?.(answer) ?? answer.text));
  return new Dns01Error(code, `${call}: ${text} (status ${status})${words ? `: ${words}` : ''}`, {
    hint,
    status,
    loginRefused,
    tryNextZone,
  });
}

/** An answer that this API never gives, so it is probably from another server. The request may have been done. */
export function unexpectedAnswer({ call }: HttpAnswer, what: string): Dns01Error {
  return new Dns01Error('E_PROTOCOL', `${call}: unexpected answer, ${what}`, {
    outcomeUnknown: true,
    hint: 'check that url is the address of the API and that no proxy or login page is in front of it',
  });
}

/**
 * One part of a path, percent-encoded. An empty part or dots would change the path.
 * @throws E_PROTOCOL
 */
export function pathPart(text: string): string {
  if (/^\.*$/.test(text)) throw new Dns01Error('E_PROTOCOL', `"${text}" cannot be a part of a request's path`);
  return encodeURIComponent(text);
}

const asTexts = (query: Readonly<Record<string, string | number>>): Record<string, string> =>
  Object.fromEntries(Object.entries(query).map(([key, value]) => [key, String(value)]));
