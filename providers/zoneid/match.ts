import { domainToASCII } from 'node:url';
import type { Fqdn } from '../../src/provider.ts';

/**
 * Whether the API's name is this name. It shows full names; letter case, one trailing dot, Unicode and the short form
 * relative to the zone cost nothing to accept, for the value has to be the same as well.
 */
export function isSameName(shown: string, name: Fqdn, zone: Fqdn): boolean {
  const plain = asciiName(shown);
  return plain === name || `${plain}.${zone}` === name || (name === zone && (plain === '' || plain === '@'));
}

/** Whether the API's text is this value: exact, after one pair of quotes is taken off. */
export function isSameValue(shown: string, value: string): boolean {
  return unquoted(shown) === value;
}

/** A TXT value as it is meant: without the pair of quotes that zone files put around it. */
export function unquoted(shown: string): string {
  return /^".*"$/s.test(shown) && shown.length >= 2 ? shown.slice(1, -1) : shown;
}

function asciiName(shown: string): string {
  const plain = shown.replace(/\.$/, '').toLowerCase();
  return /^[\x20-\x7e]*$/.test(plain) ? plain : domainToASCII(plain);
}
