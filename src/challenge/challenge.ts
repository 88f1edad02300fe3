import { createHash } from 'node:crypto';
import { Dns01Error } from '../errors.ts';
import { type Fqdn, normaliseName } from '../names.ts';

export const CHALLENGE_LABEL = '_acme-challenge';

/** In octets. A value of RFC 8555 has 43, a record of dns-persist-01 a few hundred. */
const MAX_VALUE_LENGTH = 1024;

/** A value at a name that may be written. Only `parseChallenge` makes one. */
export interface Challenge {
  readonly name: Fqdn;
  readonly value: string;
}

/**
 * The check before every write: only challenge names, only values that a zone can hold.
 * @param isDelegated true for names in a zone that CNAMEs point to, where any name may be written
 * @throws E_USAGE with the right name as the hint
 */
export function parseChallenge(
  given: { readonly name: string; readonly value: string },
  isDelegated: (name: Fqdn) => boolean,
  warn: (message: string) => void,
): Challenge {
  const name = parseChallengeName(given.name, isDelegated);
  const value = parseValue(given.value);
  if (!looksLikeChallenge(value)) warn('the value is not what dns-01 publishes: 43 characters of base64url');
  return { name, value };
}

/** The challenge name of a domain; `*.example.com` shares that of `example.com` (RFC 8555 section 8.4). */
export function challengeNameOf(domain: string): Fqdn {
  return normaliseName(`${CHALLENGE_LABEL}.${domain.trim().replace(/^\*\./, '')}`);
}

export function isChallengeName(name: Fqdn): boolean {
  return name.startsWith(`${CHALLENGE_LABEL}.`);
}

/** The TXT value of a key authorization (RFC 8555 section 8.4). */
export function challengeValue(keyAuthorization: string): string {
  return createHash('sha256').update(keyAuthorization).digest('base64url');
}

/** True for what dns-01 publishes: an unpadded base64url SHA-256 (RFC 8555 section 8.4). */
export function looksLikeChallenge(value: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(value);
}

function parseChallengeName(text: string, isDelegated: (name: Fqdn) => boolean): Fqdn {
  if (text.trim().startsWith('*.')) throw notChallenge(text, challengeNameOf(text));
  const name = normaliseName(text);
  if (isChallengeName(name) || isDelegated(name)) return name;
  throw notChallenge(text, rightNameFor(name));
}

/** Corrects a challenge label that is in the wrong place or has a common misspelling. */
function rightNameFor(name: Fqdn): Fqdn {
  const withoutLabel = name.replace(/^(www\.)?_?acme[-_]?challenge\./, '$1').replace(`.${CHALLENGE_LABEL}.`, '.');
  return challengeNameOf(withoutLabel);
}

function notChallenge(text: string, right: Fqdn): Dns01Error {
  return new Dns01Error('E_USAGE', `"${text}" is not the name of a challenge: it must begin with ${CHALLENGE_LABEL}.`, {
    hint: `did you mean ${right}? A zone that CNAMEs delegate to can be marked with delegated: true`,
  });
}

/** A value that fits into every zone file: printable ASCII without quotes and backslashes. @throws E_USAGE */
export function parseValue(text: string): string {
  if (text === '') throw new Dns01Error('E_USAGE', 'the value is empty');
  if (text.length > MAX_VALUE_LENGTH) {
    throw new Dns01Error(
      'E_USAGE',
      `the value has ${text.length} characters, at most ${MAX_VALUE_LENGTH} are possible`,
    );
  }
  if (!/^[ !#-[\]-~]+$/.test(text)) {
    throw new Dns01Error('E_USAGE', 'the value has characters that are not allowed', {
      hint: 'use printable ASCII, without quotes and backslashes',
    });
  }
  return text;
}
