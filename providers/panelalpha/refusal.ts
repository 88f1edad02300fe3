import { Dns01Error, withContext } from '../../src/errors.ts';
import { excerpt, type HttpAnswer } from '../../src/provider.ts';
import { readRefusalBody } from './schema.ts';

/** The panel said no (a status from 400 to 499). */
export interface Refusal {
  readonly call: string;
  readonly status: number;
  /** The fields that it names. */
  readonly fields: readonly string[];
  /** What it says about it, for people and in their language; may be empty. */
  readonly words: string;
}

/** What came of a request: its result, or why the panel said no. */
export type Outcome<Result> =
  | { readonly result: Result; readonly refusal?: undefined }
  | { readonly result?: undefined; readonly refusal: Refusal };

export function readRefusal({ call, status, text }: HttpAnswer): Refusal {
  const { words, fields } = readRefusalBody(text);
  return { call, status, fields, words: excerpt(words) };
}

/** Whether the panel found fault with this field; `data.ttl` is a name for `ttl` too. */
export const names = ({ status, fields }: Refusal, field: string): boolean =>
  status === 422 && fields.some((name) => name === field || name.endsWith(`.${field}`));

/** The refusal as an error. */
export function refused({ call, status, words }: Refusal): Dns01Error {
  const told = `(status ${status})${words ? `: ${words}` : ''}`;
  switch (status) {
    case 401:
      return new Dns01Error('E_AUTH', `${call}: the token was refused ${told}`, {
        hint: 'make a token in the admin area under Configuration, Admins, and put it into token; where userId is set, check that too',
      });
    case 403:
      return new Dns01Error('E_AUTH', `${call}: the token has no rights for it ${told}`, {
        hint: 'set userId to the id of the user whose hosting account holds the zone, and check that the plan of the account has DNS',
      });
    case 404:
      return new Dns01Error('E_ZONE', `${call}: not found ${told}`, {
        hint: 'check url, userId, accountId and the zone in the config: the zone has to be in the DNS of this hosting account',
      });
  }
  return new Dns01Error('E_REJECTED', `${call}: refused ${told}`, {
    hint: 'see in the panel whether the zone takes a TXT record at this name: the plan may not allow it, or a CNAME may be in the way',
  });
}

/** The same failure, of a step after a write: what was asked for may have been done. */
export function afterWrite(error: unknown): Dns01Error {
  const { code, message, hint, cause } = withContext(error, 'after the change was sent');
  return new Dns01Error(code, message, { hint, cause, outcomeUnknown: true });
}
