import { Dns01Error } from '../errors.ts';
import { normaliseName } from '../names.ts';
import type { Fqdn } from '../provider.ts';

export const CHALLENGE_LABEL = '_acme-challenge';

/** The name at which the challenge of a domain stands; `*.example.com` shares that of `example.com` (RFC 8555 section 8.4). */
export function challengeNameOf(domain: string): Fqdn {
  return normaliseName(`${CHALLENGE_LABEL}.${domain.trim().replace(/^\*\./, '')}`);
}

/**
 * The name of a challenge as a user gave it.
 * @throws E_USAGE when it is not a challenge name, with the right one as the hint
 */
export function parseChallengeName(text: string, delegated: (name: Fqdn) => boolean): Fqdn {
  if (text.trim().startsWith('*.')) throw notChallenge(text, challengeNameOf(text));
  const name = normaliseName(text);
  if (isChallengeName(name) || delegated(name)) return name;
  throw notChallenge(text, rightNameFor(name));
}

export function isChallengeName(name: Fqdn): boolean {
  return name.startsWith(`${CHALLENGE_LABEL}.`);
}

/** The challenge label may stand in the wrong place, or be misspelt as people misspell it. */
function rightNameFor(name: Fqdn): Fqdn {
  const withoutLabel = name.replace(/^(www\.)?_?acme[-_]?challenge\./, '$1').replace(`.${CHALLENGE_LABEL}.`, '.');
  return challengeNameOf(withoutLabel);
}

function notChallenge(text: string, right: Fqdn): Dns01Error {
  return new Dns01Error('E_USAGE', `"${text}" is not the name of a challenge: it must begin with ${CHALLENGE_LABEL}.`, {
    hint: `did you mean ${right}? A zone that CNAMEs delegate to can be marked with delegated: true`,
  });
}
