import * as z from 'zod/mini';
import type { Dns01Error } from '../../src/errors.ts';
import {
  type Fqdn,
  type HttpAnswer,
  type Refusal,
  type Refusals,
  refusalBody,
  refusalError,
} from '../../src/provider.ts';

/** API v3, `ErrorResponse`. Only newer answers have a code. */
const errorSchema = z.object({
  status: z.literal('ERROR'),
  message: z._default(z.string(), ''),
  code: z._default(z.string(), ''),
});

/** Statuses other than 400. The old host, porkbun.com, answers with 403. */
export const refusals: Refusals = {
  403: {
    code: 'E_AUTH',
    text: 'the server refuses this',
    hint: 'check that url is https://api.porkbun.com/api/json/v3, not the old address at porkbun.com',
  },
  404: {
    code: 'E_CONFIG',
    text: 'there is no such API',
    hint: 'check that url is https://api.porkbun.com/api/json/v3',
  },
};

export const messageOf = (answer: HttpAnswer): string | undefined => refusalBody(answer, errorSchema)?.message;

/** The refusal in an answer; undefined where it is none. */
export function refusalIn(answer: HttpAnswer, zone: Fqdn | undefined): Dns01Error | undefined {
  const error = refusalBody(answer, errorSchema);
  if (!error && answer.status === 200) return undefined;
  const { code = '', message = '' } = error ?? {};
  const refusal = refusalBy(code, message, zone ?? 'the domain');
  return refusalError(answer, { refusalOf: () => refusal, messageOf });
}

function refusalBy(code: string, message: string, zone: string): Refusal {
  if (/^(?:INVALID_API_KEYS|API_KEY_REQUIRED|INVALID_USER)/.test(code) || /api key/i.test(message)) {
    return {
      code: 'E_AUTH',
      text: 'the API keys were refused',
      hint: 'set apiKey to the key that begins with pk1_ and secretApiKey to its secret, which begins with sk1_',
      loginRefused: true,
    };
  }
  if (/not opted in to api access/i.test(message)) {
    return {
      code: 'E_AUTH',
      text: `API access is turned off for ${zone}`,
      hint: `turn on API ACCESS for ${zone} at porkbun.com: Domain Management, Details`,
    };
  }
  if (code === 'INVALID_DOMAIN' || /^invalid domain/i.test(message)) {
    return {
      code: 'E_ZONE',
      text: `${zone} is not a domain of this account`,
      hint: 'check that the domain is in the Porkbun account of these keys',
    };
  }
  if (isCreateText(message)) {
    return {
      code: 'E_REJECTED',
      hint: 'check the name in the zone: no TXT record is possible beside a CNAME, and a domain takes a limited number of records',
    };
  }
  return { code: 'E_REJECTED' };
}

/** "Create error: We were unable to create the DNS record.", for a record that is there already and for other reasons. */
export const isCreateError = ({ code, message }: Dns01Error): boolean => code === 'E_REJECTED' && isCreateText(message);

const isCreateText = (text: string): boolean => /unable to create|already exists/i.test(text);
