import { Dns01Error } from '../../src/errors.ts';
import { excerpt, type Fqdn, type HttpAnswer } from '../../src/provider.ts';
import { type FieldCode, fieldCodes } from './schema.ts';

/** The API understood the request and said no (a status from 400 to 499). */
export interface Refusal {
  /** The request's name in errors, e.g. `POST /dns/example.com/txt`. */
  readonly call: string;
  readonly zone: Fqdn;
  readonly status: number;
  readonly fields: readonly FieldCode[];
  /** What the API says about it, for people: may be empty. */
  readonly words: string;
}

/** What came of a request: its result, or why the API said no. */
export type Outcome<Result> = { readonly result: Result; readonly refusal?: undefined } | { readonly refusal: Refusal };

export function readRefusal(answer: HttpAnswer, zone: Fqdn): Refusal {
  const fields = fieldCodes(answer.text);
  const words = statusMessage(answer) || (fields.length === 0 ? answer.text : '');
  return { call: answer.call, zone, status: answer.status, fields, words: readable(words) };
}

/** The message is Estonian, and its letters beyond ASCII arrive broken, except in the undocumented Base64 twin. */
function statusMessage({ headers }: HttpAnswer): string {
  const encoded = headers['x-status-message-base64'];
  return encoded ? Buffer.from(encoded, 'base64').toString('utf8') : (headers['x-status-message'] ?? '');
}

/**
 * Whether a refused create may be the API's way of saying that the very same record is there. What it says of one is
 * not documented: `zone_conflict` was seen for conflicting records, 409 is "mostly" a concurrent request.
 */
export function mayAlreadyBeThere({ status, fields }: Refusal): boolean {
  return status === 409 || (status === 422 && fields.some(isConflict));
}

/**
 * Whether the refusal may mean that there is no such zone in this account, so that a shorter name is worth a try. Only
 * 404 is documented; 403 was seen for services of another ZoneID user; 400 and 422 are what a zone name gets that the
 * API does not take for one.
 */
export function mayBeNoZone({ status, fields }: Refusal): boolean {
  if (status === 404 || status === 403 || status === 400) return true;
  return (
    status === 422 && (fields.length === 0 || fields.some((field) => field.field === 'name' && !isConflict(field)))
  );
}

const isConflict = ({ code }: FieldCode): boolean => /conflict|duplicate|already|^exists$/i.test(code);

/** The refusal as an error, for the name it was about. */
export function refused(refusal: Refusal, name: Fqdn): Dns01Error {
  const { call, zone, status } = refusal;
  const told = `(status ${status})${reasons(refusal)}`;
  switch (status) {
    case 401:
      return new Dns01Error('E_AUTH', `${call}: the login was refused ${told}`, {
        hint: 'username is the ZoneID username, not the e-mail address, and apiKey is the API key from the ZoneID account management, not the password',
      });
    case 402:
      return new Dns01Error('E_REJECTED', `${call}: the package of this zone does not cover it ${told}`, {
        hint: `upgrade the package of ${zone} at the provider, or pay what is open`,
      });
    case 403:
      return new Dns01Error('E_AUTH', `${call}: this user has no rights for it ${told}`, {
        hint: `let the owner of ${zone} delegate it with the right to change DNS records to this ZoneID user`,
      });
    case 404:
      return new Dns01Error('E_ZONE', `${call}: there is no zone ${zone} in this account ${told}`, {
        hint: 'check the zone in the config and that its DNS is hosted in this ZoneID account',
      });
    case 409:
      return new Dns01Error('E_REMOTE', `${call}: another request is in the way, again and again ${told}`, {
        hint: 'something else changes this zone at the same time: try again later',
      });
  }
  return new Dns01Error('E_REJECTED', `${call}: refused ${told}`, {
    hint: mayAlreadyBeThere(refusal)
      ? `another record at ${name} is in the way, most likely a CNAME, beside which there can be no TXT record: look at the name in the zone`
      : `see in the ZoneID web interface whether ${zone} takes a TXT record at ${name}`,
  });
}

/** No candidate was taken: all of them, each with what the API said of it. */
export function noZone(name: Fqdn, refusals: readonly Refusal[]): Dns01Error {
  const looked = refusals.map((refusal) => `${refusal.zone} (status ${refusal.status})${codes(refusal.fields, ' ')}`);
  const foreign = refusals.find(({ status }) => status === 403);
  return new Dns01Error('E_ZONE', `no zone of this account takes ${name}, tried: ${looked.join(', ') || 'nothing'}`, {
    hint: foreign
      ? `${foreign.zone} may belong to another ZoneID user: let its owner delegate it with the right to change DNS records, or use the owner's API key`
      : "check that the domain's DNS is hosted in this ZoneID account, or say which zone it is with --zone or in the config",
  });
}

function reasons({ fields, words }: Refusal): string {
  return `${codes(fields, ': ')}${words ? `: ${words}` : ''}`;
}

function codes(fields: readonly FieldCode[], before: string): string {
  return fields.length === 0 ? '' : before + readable(fields.map(({ field, code }) => `${field}: ${code}`).join(', '));
}

const readable = (text: string): string => excerpt(text.replace(/\p{Cc}/gu, ' '));
