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

/** The meaning of the API's refusals for a request in this zone. */
export function refusalsIn(zone: Fqdn) {
  const refusals: Readonly<Record<number, Refusal>> = {
    // The answer to a zone name that the API does not accept as one.
    400: { code: 'E_REJECTED', hint: lookInto(zone), tryNextZone: true },
    401: {
      code: 'E_AUTH',
      text: 'the login was refused',
      hint: 'set username to the ZoneID username, not the e-mail address, and apiKey to the API key from the ZoneID account management, not the password',
    },
    402: {
      code: 'E_REJECTED',
      text: 'the package of this zone does not cover it',
      hint: `upgrade the package of ${zone} at the provider, or pay the open invoices`,
    },
    // Seen for services of another ZoneID user.
    403: {
      code: 'E_AUTH',
      text: 'this user does not have the right to do this',
      hint: `${zone} may belong to another ZoneID user: ask the owner of ${zone} to delegate it with the right to change DNS records, or use the owner's API key`,
      tryNextZone: true,
    },
    404: {
      code: 'E_ZONE',
      text: `there is no zone ${zone} in this account`,
      hint: 'check that the DNS of the domain is hosted in this ZoneID account, or name the zone with --zone or in the config',
    },
    409: {
      code: 'E_REMOTE',
      text: 'another request is in progress, after several attempts',
      hint: 'something else changes this zone at the same time: try again later',
    },
  };
  return { refusalOf: (answer: HttpAnswer) => refusals[answer.status] ?? otherRefusal(answer, zone), messageOf };
}

/** A validation error of the name may mean that the zone does not exist; a conflict means that it does. */
function otherRefusal(answer: HttpAnswer, zone: Fqdn): Refusal {
  const fields = fieldCodes(answer);
  const isOfName = fields.length === 0 || fields.some((field) => field.field === 'name' && !isConflict(field));
  const hint = fields.some(isConflict)
    ? 'another record at this name conflicts, most likely a CNAME, beside which no TXT record is possible: check the name in the zone'
    : lookInto(zone);
  return { code: 'E_REJECTED', hint, tryNextZone: answer.status === 422 && isOfName };
}

/**
 * A refused create, which may mean that this record is there already. The answer for that is not documented:
 * `zone_conflict` was seen for conflicting records, 409 is "mostly" a concurrent request.
 * @throws the refusal where it means something else
 */
export function conflictOf(answer: HttpAnswer, { zone }: TxtRecord): { readonly conflict: Dns01Error } {
  const refusal = refusalError(answer, refusalsIn(zone));
  if (answer.status !== 409 && !fieldCodes(answer).some(isConflict)) throw refusal;
  return { conflict: refusal };
}

const lookInto = (zone: Fqdn): string =>
  `check in the ZoneID web interface that ${zone} takes a TXT record at this name`;

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
 * resource itself"). A field may have one code or a list of them, and the whole may be in an array. Any other body, such
 * as an empty one or HTML, has none.
 */
function fieldCodes(answer: HttpAnswer): FieldCode[] {
  return [refusalBody(answer, validationErrors) ?? []]
    .flat()
    .flatMap((object) => Object.entries(object).flatMap(([field, list]) => list.map((code) => ({ field, code }))));
}

/** The codes and the message, which is Estonian. Its letters beyond ASCII are only intact in an undocumented Base64 header. */
function messageOf(answer: HttpAnswer): string {
  const { headers, text } = answer;
  const texts = fieldCodes(answer).map(({ field, code }) => `${field}: ${code}`);
  const encoded = headers['x-status-message-base64'];
  const message = encoded ? Buffer.from(encoded, 'base64').toString('utf8') : headers['x-status-message'];
  return [texts.join(', '), message || (texts.length === 0 ? text : '')].filter(Boolean).join(': ');
}
