import * as z from 'zod/mini';
import type { Dns01Error } from '../../src/errors.ts';
import {
  type Fqdn,
  type HttpAnswer,
  type Refusal,
  refusalBody,
  refusalError,
  type TxtRecord,
} from '../../src/provider.ts';

/** What the API means by its refusals, for a request in this zone. */
export function refusalsIn(zone: Fqdn) {
  const refusals: Readonly<Record<number, Refusal>> = {
    // What a zone name gets that the API does not take for one.
    400: { code: 'E_REJECTED', hint: lookInto(zone), tryNextZone: true },
    401: {
      code: 'E_AUTH',
      text: 'the login was refused',
      hint: 'username is the ZoneID username, not the e-mail address, and apiKey is the API key from the ZoneID account management, not the password',
    },
    402: {
      code: 'E_REJECTED',
      text: 'the package of this zone does not cover it',
      hint: `upgrade the package of ${zone} at the provider, or pay what is open`,
    },
    // Seen for services of another ZoneID user.
    403: {
      code: 'E_AUTH',
      text: 'this user has no rights for it',
      hint: `${zone} may belong to another ZoneID user: let the owner of ${zone} delegate it with the right to change DNS records, or use the owner's API key`,
      tryNextZone: true,
    },
    404: {
      code: 'E_ZONE',
      text: `there is no zone ${zone} in this account`,
      hint: 'check that the DNS of the domain is hosted in this ZoneID account, or name the zone with --zone or in the config',
    },
    409: {
      code: 'E_REMOTE',
      text: 'another request is in the way, again and again',
      hint: 'something else changes this zone at the same time: try again later',
    },
  };
  return { refusalOf: (answer: HttpAnswer) => refusals[answer.status] ?? otherRefusal(answer, zone), messageOf };
}

/** A validation error of the name may mean that the zone is not there; a conflict means that it is. */
function otherRefusal(answer: HttpAnswer, zone: Fqdn): Refusal {
  const fields = fieldCodes(answer);
  const isOfName = fields.length === 0 || fields.some((field) => field.field === 'name' && !isConflict(field));
  const hint = fields.some(isConflict)
    ? 'another record at this name is in the way, most likely a CNAME, beside which there can be no TXT record: look at the name in the zone'
    : lookInto(zone);
  return { code: 'E_REJECTED', hint, tryNextZone: answer.status === 422 && isOfName };
}

/**
 * A refused create. It may be the API's way of saying that the very same record is there. What it says of one is not
 * documented: `zone_conflict` was seen for conflicting records, 409 is "mostly" a concurrent request.
 * @throws the refusal where it says something else
 */
export function conflictOf(answer: HttpAnswer, { zone }: TxtRecord): { readonly conflict: Dns01Error } {
  const refusal = refusalError(answer, refusalsIn(zone));
  if (answer.status !== 409 && !fieldCodes(answer).some(isConflict)) throw refusal;
  return { conflict: refusal };
}

const lookInto = (zone: Fqdn): string =>
  `see in the ZoneID web interface whether ${zone} takes a TXT record at this name`;

interface FieldCode {
  readonly field: string;
  readonly code: string;
}

const isConflict = ({ code }: FieldCode): boolean => /conflict|duplicate|already|^exists$/i.test(code);

const codes = z.pipe(
  z.unknown(),
  z.transform((value: unknown) => [value].flat().filter((code) => typeof code === 'string')),
);
const fields = z.record(z.string(), codes);
const validationErrors = z.union([fields, z.array(fields)]);

/**
 * The field codes of a refusal, e.g. `{"name":"invalid_host"}` (ZoneID API v2, "Responses": "in same structure as
 * resource itself"). A field may hold one code or a list of them, and the whole may be wrapped in an array. Anything
 * else, like an empty body or HTML, holds none.
 */
function fieldCodes(answer: HttpAnswer): FieldCode[] {
  return [refusalBody(answer, validationErrors) ?? []]
    .flat()
    .flatMap((object) => Object.entries(object).flatMap(([field, list]) => list.map((code) => ({ field, code }))));
}

/** The codes, and the message, which is Estonian: letters beyond ASCII arrive intact in an undocumented Base64 twin only. */
function messageOf(answer: HttpAnswer): string {
  const { headers, text } = answer;
  const told = fieldCodes(answer).map(({ field, code }) => `${field}: ${code}`);
  const encoded = headers['x-status-message-base64'];
  const message = encoded ? Buffer.from(encoded, 'base64').toString('utf8') : headers['x-status-message'];
  return [told.join(', '), message || (told.length === 0 ? text : '')].filter(Boolean).join(': ');
}
