import * as z from 'zod/mini';
import { challengeNameOf, challengeValue, isChallengeName, looksLikeChallenge } from '../challenge/challenge.ts';
import { isPersistName, isPersistRecord } from '../challenge/persist.ts';
import { type Fqdn, normaliseName } from '../names.ts';
import { parseJson } from '../output/text.ts';

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

export interface ChallengeRequest {
  /** As the client wrote it, for the answer. */
  readonly fqdn: string;
  readonly name: Fqdn;
  readonly value: string;
}

const NO_RECORD = 'the value is no record of dns-persist-01, the only kind at that name';

/** What is wrong with a request, in a few words and without its content. */
export type Refusal = string;

/**
 * The challenge in a body: a challenge name and a dns-01 value, or a record of dns-persist-01 at its name, nothing else.
 * @param isDelegated true for names in a zone that CNAMEs lead to: lego follows them and sends the name at their end
 */
export function parseBody(text: string, isDelegated: (name: Fqdn) => boolean): ChallengeRequest | Refusal {
  const parsed = z.safeParse(bodySchema, parseJson(text));
  if (!parsed.success) return 'expected JSON with fqdn and value, or domain, token and keyAuth';
  const body = parsed.data;
  try {
    const fqdn = 'fqdn' in body ? body.fqdn : `${challengeNameOf(body.domain)}.`;
    const value = 'fqdn' in body ? body.value : challengeValue(body.keyAuth);
    const name = normaliseName(fqdn);
    if (isPersistName(name)) return isPersistRecord(value) ? { fqdn, name, value } : NO_RECORD;
    if (!isChallengeName(name) && !isDelegated(name))
      return 'the name is not that of a challenge: it begins with _acme-challenge. or with an account label before that';
    if (!looksLikeChallenge(value)) return 'the value is not that of a challenge: 43 characters of base64url';
    return { fqdn, name, value };
  } catch {
    return 'the name is not a domain name';
  }
}
