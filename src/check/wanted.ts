import { CHALLENGE_LABEL, challengeNameOf, isChallengeName } from '../challenge/challenge.ts';
import { type Fqdn, normaliseName } from '../names.ts';

/** What a certificate is for, and where its challenge is. */
export interface Wanted {
  /** The name that findings use. */
  readonly subject: string;
  readonly domain: Fqdn;
  readonly challenge: Fqdn;
  readonly wildcard: boolean;
}

/** A name as users write it: `example.com`, `*.example.com`, or a challenge name. @throws E_USAGE */
export function wantedName(text: string): Wanted {
  const wildcard = text.trim().startsWith('*.');
  const name = normaliseName(wildcard ? text.trim().slice(2) : text);
  return { ...placesOf(name), subject: `name ${wildcard ? '*.' : ''}${name}`, wildcard };
}

/** A zone of the config, which may itself be a challenge name. */
export function wantedZone(zone: Fqdn): Wanted {
  return { ...placesOf(zone), subject: `zone ${zone}`, wildcard: false };
}

function placesOf(name: Fqdn): Pick<Wanted, 'domain' | 'challenge'> {
  if (!isChallengeName(name)) return { domain: name, challenge: challengeNameOf(name) };
  return { domain: normaliseName(name.slice(CHALLENGE_LABEL.length + 1)), challenge: name };
}
