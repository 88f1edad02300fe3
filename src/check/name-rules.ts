import { isIP } from 'node:net';
import { domainToUnicode } from 'node:url';
import { parse } from 'tldts';
import { challengeParts } from '../challenge/challenge.ts';
import { parseName } from '../names.ts';

/** What is wrong with a name, and the one thing to do. */
export interface NameProblem {
  readonly text: string;
  readonly hint: string;
}

export interface NameRules {
  /** The root is a private one, whose top-level domains are on no list. */
  readonly privateRoot: boolean;
}

/** Boulder's limit (policy/pa.go). */
const MAX_LABELS = 10;

/** What `_acme-challenge.` leaves of 253 characters (RFC 1035 section 2.3.4). */
const MAX_LENGTH = 253 - '_acme-challenge.'.length;

/** Why no CA issues for a name as the user writes it (Boulder's policy/pa.go; Baseline Requirements 3.2.2.6). */
export function problemOfName(text: string, rules: NameRules): NameProblem | undefined {
  const given = text.trim();
  const isWildcard = given.startsWith('*.');
  const base = isWildcard ? given.slice(2) : given;
  const parsed = parseName(base);
  const challenge = parsed && challengeParts(parsed);
  if (challenge && isWildcard) return problem('a challenge name has no wildcard', `check *.${challenge.domain}`);
  const name = challenge?.domain ?? parsed ?? base;
  return problemOfSpelling(base) ?? problemOfLabels(name) ?? problemOfSuffix(name, isWildcard, rules);
}

const problem = (text: string, hint: string): NameProblem => ({ text, hint });

function problemOfSpelling(base: string): NameProblem | undefined {
  if (base === '') return problem('the name is empty', 'name a domain, like example.com');
  if (base.includes('*')) {
    return problem('an asterisk may only be the first label, once', 'write it like *.example.com');
  }
  if (isIP(base.replace(/^\[(.*)\]$/, '$1')) !== 0) {
    return problem('it is an IP address, for which there is no dns-01', 'name a domain that leads to it');
  }
  if (base.endsWith('.'))
    return problem('it ends in a dot, which a certificate cannot hold', `write ${base.slice(0, -1)}`);
  if (base.includes('..')) return problem('it has an empty label', 'remove the second dot');
  return undefined;
}

function problemOfLabels(name: string): NameProblem | undefined {
  const labels = name.toLowerCase().split('.');
  if (labels.some((label) => label.length > 63)) return problem('a label is longer than 63 characters', 'shorten it');
  if (name.length > 253) return problem('it is longer than 253 characters', 'shorten it');
  if (name.length > MAX_LENGTH) {
    const text = `it is longer than ${MAX_LENGTH} characters, so its challenge name is longer than 253`;
    return problem(text, 'use a wildcard of a shorter name');
  }
  const reserved = labels.find((label) => /^..--/.test(label) && !label.startsWith('xn--'));
  if (reserved !== undefined) {
    return problem(
      `${JSON.stringify(reserved)} has hyphens in places 3 and 4, which are reserved`,
      'choose another name',
    );
  }
  const bad = labels.find((label) => !/^(?!-)[a-z0-9-]+(?<!-)$/.test(label));
  if (bad !== undefined) {
    const text = `${JSON.stringify(bad)} has other characters than letters, digits and inner hyphens`;
    return problem(text, 'no CA issues for such a name: choose another one');
  }
  // An A-label is valid exactly if it can be decoded and is in the normal form (RFC 5891 section 4.4, UTS 46).
  const encoded = labels.find((label) => label.startsWith('xn--') && domainToUnicode(label) === '');
  if (encoded !== undefined) return problem(`${encoded} is not valid punycode`, 'write the name in its own script');
  if (labels.length > MAX_LABELS) {
    return problem(
      `it has ${labels.length} labels; Let's Encrypt takes ${MAX_LABELS}`,
      'use a wildcard of a shorter name',
    );
  }
  return undefined;
}

function problemOfSuffix(name: string, isWildcard: boolean, { privateRoot }: NameRules): NameProblem | undefined {
  const { publicSuffix, isIcann } = parse(name);
  if (!isIcann && !privateRoot) {
    const text = name.includes('.')
      ? `${publicSuffix ?? name} is not a public top-level domain`
      : 'it has one label only';
    return problem(text, 'only names in the public DNS get certificates from public CAs');
  }
  if (publicSuffix !== name) return undefined;
  const text = isWildcard ? 'it is a wildcard of a public suffix' : 'it is a public suffix';
  return problem(text, `no CA issues for all domains of others: name a domain below ${name}`);
}

/** The domain that somebody registers: the label below the public suffix, with it. */
export const registeredDomain = (name: string): string | undefined => parse(name).domain ?? undefined;
