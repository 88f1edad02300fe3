import { isChallengeName, looksLikeChallenge } from '../challenge/challenge.ts';
import { isPersistName, isPersistRecord } from '../challenge/persist.ts';
import { type Fqdn, parseName } from '../names.ts';

/** What is wrong with a request, in a few words and without its content. */
export type Refusal = string;

/**
 * The name that a client may write values at: that of a challenge, or of a lasting record.
 * @param isDelegated true for names in a zone that CNAMEs lead to: some clients follow them and send the name at their end
 */
export function judgeName(
  text: string,
  isDelegated: (name: Fqdn) => boolean,
): { readonly name: Fqdn } | { readonly refusal: Refusal } {
  const name = parseName(text);
  if (name === undefined) return { refusal: 'the name is not a domain name' };
  if (isPersistName(name) || isChallengeName(name) || isDelegated(name)) return { name };
  return {
    refusal:
      'the name is not that of a challenge: it begins with _acme-challenge. or with an account label before that',
  };
}

/** Why the value does not belong at this name: only a dns-01 value does, or a record of dns-persist-01 at its own name. */
export function judgeValue(name: Fqdn, value: string): Refusal | undefined {
  if (isPersistName(name)) {
    return isPersistRecord(value) ? undefined : 'the value is no record of dns-persist-01, the only kind at that name';
  }
  return looksLikeChallenge(value) ? undefined : 'the value is not that of a challenge: 43 characters of base64url';
}
