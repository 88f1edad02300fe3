import * as z from 'zod/mini';
import { challengeNameOf, challengeValue } from '../challenge/challenge.ts';
import type { Fqdn } from '../names.ts';
import { parseJson } from '../output/text.ts';
import type { ChallengeRequest } from './front.ts';
import { judgeName, judgeValue, type Refusal } from './judge.ts';

/**
 * lego's httpreq in its two modes; acme.sh's dns_acmeproxy uses the first one (go-acme.github.io/lego/dns/httpreq).
 */
const bodySchema = z.union([
  z.object({ fqdn: z.string().check(z.maxLength(300)), value: z.string().check(z.maxLength(1024)) }),
  z.object({
    domain: z.string().check(z.maxLength(300)),
    token: z.string().check(z.maxLength(300)),
    keyAuth: z.string().check(z.maxLength(500)),
  }),
]);

/**
 * The challenge in a body: a challenge name and a dns-01 value, or a record of dns-persist-01 at its name, nothing else.
 * @param isDelegated true for names in a zone that CNAMEs lead to: lego follows them and sends the name at their end
 */
export function parseBody(text: string, isDelegated: (name: Fqdn) => boolean): ChallengeRequest | Refusal {
  const parsed = z.safeParse(bodySchema, parseJson(text));
  if (!parsed.success) return 'expected JSON with fqdn and value, or domain, token and keyAuth';
  const body = parsed.data;
  const fqdn = fqdnOf(body);
  const value = 'fqdn' in body ? body.value : challengeValue(body.keyAuth);
  const judged = judgeName(fqdn, isDelegated);
  if ('refusal' in judged) return judged.refusal;
  return judgeValue(judged.name, value) ?? { fqdn, name: judged.name, value };
}

/** Empty where there is no domain name in it. */
function fqdnOf(body: z.output<typeof bodySchema>): string {
  if ('fqdn' in body) return body.fqdn;
  try {
    return `${challengeNameOf(body.domain)}.`;
  } catch {
    return '';
  }
}
