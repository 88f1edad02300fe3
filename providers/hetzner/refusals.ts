import * as z from 'zod/mini';
import { type HttpAnswer, type Refusal, refusalBody } from '../../src/provider.ts';

/** Every refusal has this form (Cloud API, "Errors"). */
const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** The meaning of the API's error codes. Codes that are not here have the meaning of their status. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  unauthorized: {
    code: 'E_AUTH',
    text: 'the token was refused',
    hint: 'set token to a Cloud API token (Hetzner Console, the project, Security, API tokens); tokens of the old DNS console, dns.hetzner.com, do not work here',
  },
  token_readonly: {
    code: 'E_AUTH',
    text: 'the token may only read',
    hint: 'create a token with Read & Write (Hetzner Console, the project, Security, API tokens)',
  },
  not_found: {
    code: 'E_ZONE',
    text: 'there is no such zone in the project of this token',
    hint: 'a token reaches one project only: use a token of the project that holds the zone; zones of the old DNS console have to be moved to the Hetzner Console first',
  },
  incorrect_zone_mode: {
    code: 'E_REJECTED',
    text: 'the zone is in secondary mode',
    hint: 'change the record on the primary server of the zone, or use the account for that server',
  },
  protected: {
    code: 'E_REJECTED',
    text: 'the record set is protected',
    hint: 'turn off the change protection of the record set in the Hetzner Console',
  },
  locked: {
    code: 'E_REMOTE',
    text: 'the zone is locked by another action, after several attempts',
    hint: 'something else changes this zone at the same time: try again later',
  },
  conflict: {
    code: 'E_REMOTE',
    text: 'something else changes this record set, after several attempts',
    hint: 'try again later',
  },
};

const errorOf = (answer: HttpAnswer) => refusalBody(answer, errorSchema)?.error;

/** The API's error code. */
export const codeOf = (answer: HttpAnswer): string | undefined => errorOf(answer)?.code;

export function refusalOf(answer: HttpAnswer): Refusal | undefined {
  const code = codeOf(answer) ?? '';
  return Object.hasOwn(REFUSALS, code) ? REFUSALS[code] : undefined;
}

export function messageOf(answer: HttpAnswer): string | undefined {
  const error = errorOf(answer);
  return error && `${error.code}: ${error.message}`;
}
