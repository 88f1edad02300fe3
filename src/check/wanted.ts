import { challengeNameOf, challengeParts, parseReadName } from '../challenge/challenge.ts';
import type { Fqdn } from '../names.ts';

/** What a certificate is for, and where its challenge is. */
export interface Wanted {
  /** The name that findings use. */
  readonly subject: string;
  readonly domain: Fqdn;
  readonly challenge: Fqdn;
  /** The label in the challenge name: the CA validates by dns-account-01. */
  readonly accountLabel: string | undefined;
  readonly wildcard: boolean;
}

/** A name as users write it: `example.com`, `*.example.com`, or a challenge name. @throws E_USAGE */
export function wantedName(text: string): Wanted {
  const wildcard = text.trim().startsWith('*.');
  const name = parseReadName(wildcard ? text.trim().slice(2) : text);
  return { ...placesOf(name), subject: `name ${wildcard ? '*.' : ''}${name}`, wildcard };
}

/** A zone of the config, which may itself be a challenge name. */
export function wantedZone(zone: Fqdn): Wanted {
  return { ...placesOf(zone), subject: `zone ${zone}`, wildcard: false };
}

function placesOf(name: Fqdn): Pick<Wanted, 'domain' | 'challenge' | 'accountLabel'> {
  const { domain, accountLabel } = challengeParts(name) ?? {};
  return domain === undefined
    ? { domain: name, challenge: challengeNameOf(name), accountLabel }
    : { domain, challenge: name, accountLabel };
}
