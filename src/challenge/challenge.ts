import { createHash } from 'node:crypto';
import { Dns01Error } from '../errors.ts';
import { type Fqdn, normaliseName } from '../names.ts';
import { isPersistName, requirePersistRecord } from './persist.ts';

const CHALLENGE_LABEL = '_acme-challenge';

/** The label of an ACME account before it is that of dns-account-01 (draft-ietf-acme-dns-account-label). */
const CHALLENGE_NAME = /^(?:(?<accountLabel>_[a-z2-7]{16})\.)?_acme-challenge\.(?<domain>.+)$/;

/** In octets. A value of RFC 8555 has 43, a record of dns-persist-01 a few hundred. */
const MAX_VALUE_LENGTH = 1024;

/** A value at a name that may be written. Only `parseChallenge` makes one. */
export interface Challenge {
  readonly name: Fqdn;
  readonly value: string;
}

/**
 * The check before every write: only challenge names, only values that a zone can hold; at names of dns-persist-01 only
 * its records.
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
  if (isPersistName(name)) requirePersistRecord(name, value);
  else if (!looksLikeChallenge(value)) warn('the value is not what dns-01 publishes: 43 characters of base64url');
  return { name, value };
}

/**
 * The challenge name of a domain; `*.example.com` shares that of `example.com` (RFC 8555 section 8.4).
 * @param accountLabel for dns-account-01
 */
export function challengeNameOf(domain: string, accountLabel?: string): Fqdn {
  const name = `${CHALLENGE_LABEL}.${domain.trim().replace(/^\*\./, '')}`;
  return normaliseName(accountLabel === undefined ? name : `${accountLabel}.${name}`);
}

/** What a challenge name consists of. */
export interface ChallengeParts {
  /** The domain whose control it proves. */
  readonly domain: Fqdn;
  /** Only for dns-account-01. */
  readonly accountLabel: string | undefined;
}

/** Decides what a challenge name is: undefined for every other name. */
export function challengeParts(name: Fqdn): ChallengeParts | undefined {
  const { domain, accountLabel } = CHALLENGE_NAME.exec(name)?.groups ?? {};
  if (domain === undefined || domain.split('.').includes(CHALLENGE_LABEL)) return undefined;
  return { domain: domain as Fqdn, accountLabel };
}

export const isChallengeName = (name: Fqdn): boolean => challengeParts(name) !== undefined;

/** The TXT value of a key authorization (RFC 8555 section 8.4). */
export function challengeValue(keyAuthorization: string): string {
  return createHash('sha256').update(keyAuthorization).digest('base64url');
}

/** True for what dns-01 publishes: an unpadded base64url SHA-256 (RFC 8555 section 8.4). */
export function looksLikeChallenge(value: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(value);
}

function parseChallengeName(text: string, isDelegated: (name: Fqdn) => boolean): Fqdn {
  if (text.trim().startsWith('*.')) throw notChallenge(text, rightNameFor(normaliseName(text.trim().slice(2))));
  const name = normaliseName(text);
  if (isChallengeName(name) || isPersistName(name) || isDelegated(name)) return name;
  throw hasOtherLabel(name) ? otherLabel(text, rightNameFor(name)) : notChallenge(text, rightNameFor(name));
}

/**
 * A name that is only read: any, except one with a label before `_acme-challenge` that is not an account's. No CA looks
 * there, so a wait would be in vain.
 * @throws E_USAGE with the right name as the hint
 */
export function parseReadName(text: string, isDelegated: (name: Fqdn) => boolean = () => false): Fqdn {
  const name = normaliseName(text);
  if (hasOtherLabel(name) && !isDelegated(name)) throw otherLabel(text, rightNameFor(name));
  return name;
}

function hasOtherLabel(name: Fqdn): boolean {
  return !isChallengeName(name) && name.split('.').lastIndexOf(CHALLENGE_LABEL) > 0;
}

/** Corrects a challenge label that is in the wrong place or has a common misspelling. */
function rightNameFor(name: Fqdn): Fqdn {
  const labels = name.split('.').filter((label) => !label.startsWith('_'));
  const domain = labels.join('.').replace(/^(www\.)?acme[-_]?challenge\./, '$1');
  return challengeNameOf(domain || name);
}

function otherLabel(text: string, right: Fqdn): Dns01Error {
  const what = `only the label of an ACME account may come before ${CHALLENGE_LABEL}`;
  return new Dns01Error('E_USAGE', `"${text}" is not the name of a challenge: ${what}`, {
    hint: `did you mean ${right}? An account's label is _ and 16 of a-z and 2-7: dns01 account-label ACCOUNT-URL prints it`,
  });
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
