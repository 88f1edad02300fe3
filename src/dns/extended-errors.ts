import { excerpt, printable } from '../output/text.ts';
import type { ExtendedError } from './message.ts';

/** How many errors of one answer are shown. */
const MAX_SHOWN = 3;

/** Characters of what an operator adds to one of them. */
const MAX_EXTRA = 100;

interface Meaning {
  readonly words: string;
  /** The record to look at, and what to do. */
  readonly todo?: string;
  /** The answer was refused because its signatures do not prove it. */
  readonly bogus?: boolean;
}

const RENEW = 'look at the RRSIG records: the zone has to be signed again, so check that its signer runs';

/** RFC 8914 section 4, and what the registry has since then. */
const MEANINGS: Readonly<Record<number, Meaning>> = {
  1: { words: 'no known algorithm in the DNSKEY records', todo: 'look at the DNSKEY records: use algorithm 13 or 8' },
  2: { words: 'no known digest type in the DS records', todo: 'look at the DS records: use digest type 2' },
  3: { words: 'an old answer from the cache, because the name servers do not answer' },
  4: { words: 'the resolver has made up the answer' },
  5: { words: 'it cannot be found out whether the zone is signed', todo: 'look at the DS records of the zone' },
  6: {
    words: 'the signatures do not prove the answer',
    todo: 'look at the RRSIG records, and compare the DS records at the parent with the DNSKEY records of the zone',
    bogus: true,
  },
  7: { words: 'a signature has expired', todo: RENEW, bogus: true },
  8: {
    words: 'a signature is not valid yet',
    todo: 'look at the RRSIG records: check the clock of the machine that signs the zone',
    bogus: true,
  },
  9: {
    words: 'no DNSKEY record belongs to the DS records',
    todo: 'compare the DS records at the parent with the DNSKEY records of the zone: replace the DS at the registrar, or remove it if the zone is not signed',
    bogus: true,
  },
  10: {
    words: 'signatures are missing',
    todo: 'look at the RRSIG records: sign the zone, or remove its DS records at the registrar',
    bogus: true,
  },
  11: {
    words: 'no DNSKEY record is a zone key',
    todo: 'look at the flags of the DNSKEY records: 256 or 257',
    bogus: true,
  },
  12: {
    words: 'there is no proof that a name or a record does not exist',
    todo: 'look at the NSEC or NSEC3 records: the zone has to be signed again as a whole',
    bogus: true,
  },
  13: { words: 'an error from the cache' },
  14: { words: 'the resolver is not ready' },
  15: { words: 'the operator blocks the name' },
  16: { words: 'the operator has to block the name' },
  17: { words: 'the operator filters the name for its users' },
  18: { words: 'the operator does not answer this machine' },
  19: { words: 'an old answer from the cache, because the name servers do not answer' },
  20: { words: 'the resolver does not serve the zone' },
  21: { words: 'the resolver does not support the query' },
  22: {
    words: 'no name server of the zone can be reached',
    todo: 'look at the NS records and the addresses of the name servers',
  },
  23: {
    words: 'a name server cannot be reached',
    todo: 'look at the NS records and the addresses of the name servers',
  },
  24: { words: 'the name servers answer something that is no valid answer' },
  25: { words: 'a signature ends before it begins', todo: RENEW, bogus: true },
  27: { words: 'too many NSEC3 iterations', todo: 'look at the NSEC3PARAM record: use 0 iterations (RFC 9276)' },
};

/** Whether a resolver says that the answer is bogus. */
export const saysBogus = (errors: readonly ExtendedError[]): boolean =>
  errors.some(({ code }) => MEANINGS[code]?.bogus === true);

/** The errors in words, for one line; empty without any. What the operator adds is shown as its own words. */
export function explainErrors(errors: readonly ExtendedError[]): string {
  const shown = errors.slice(0, MAX_SHOWN).map(({ code, text }) => {
    const words = MEANINGS[code]?.words ?? `extended error ${code}`;
    const extra = excerpt(printable(text), MAX_EXTRA);
    return extra === '' ? words : `${words} (${JSON.stringify(extra)})`;
  });
  return [...new Set(shown)].join('; ');
}

/** What to do about the first error that says it. */
export const hintOf = (errors: readonly ExtendedError[]): string | undefined =>
  errors.map(({ code }) => MEANINGS[code]?.todo).find((todo) => todo !== undefined);
