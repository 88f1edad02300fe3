import { domainToASCII } from 'node:url';
import { Dns01Error } from './errors.ts';

/** A fully qualified name: lower-case A-labels, no trailing dot. */
export type Fqdn = string;

/**
 * A name in the one form that it has everywhere inside: lower-case A-labels (RFC 5890), no trailing dot.
 * @throws E_USAGE when it is no domain name
 */
export function normaliseName(text: string): Fqdn {
  const name = toAscii(text.trim().replace(/\.$/, '')).toLowerCase();
  const problem = problemOf(name);
  if (problem) throw new Dns01Error('E_USAGE', `"${text}" is not a domain name: ${problem}`);
  return name;
}

function toAscii(text: string): string {
  return /^[\u0000-\u007f]*$/.test(text) ? text : domainToASCII(text);
}

/** What keeps a text from being a host-like name (RFC 1035 section 2.3.4, and the underscore of RFC 8552). */
function problemOf(name: string): string | undefined {
  if (name === '') return 'it is empty or cannot be written in ASCII';
  if (name.length > 253) return 'it is longer than 253 characters';
  const labels = name.split('.');
  if (labels.includes('')) return 'it has an empty label';
  if (labels.some((label) => label.length > 63)) return 'a label is longer than 63 characters';
  // RFC 5891 section 4.2.3.1: hyphens in places 3 and 4 belong to A-labels. Panels are known to store others as "".
  const bad = labels.find((label) => !/^(?!-)(?!(?!xn)..--)[a-z0-9_-]+(?<!-)$/.test(label));
  return bad === undefined ? undefined : `the label "${bad}" is not made of letters, digits and inner hyphens`;
}

/** True where `name` is the zone's own name or lies below it, at a label border. */
export function isWithin(name: Fqdn, zone: Fqdn): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

/**
 * The names that could be the zone of `name`, longest first, down to two labels:
 * `_acme-challenge.www.example.com` gives itself, `www.example.com` and `example.com`.
 * @param likely the one to try first
 */
export function zoneCandidates(name: Fqdn, likely?: Fqdn): Fqdn[] {
  const labels = name.split('.');
  const all = labels.slice(0, Math.max(1, labels.length - 1)).map((_, index) => labels.slice(index).join('.'));
  return likely !== undefined && all.includes(likely) ? [likely, ...all.filter((zone) => zone !== likely)] : all;
}

/** The most specific of the entries whose zone holds the name. */
export function longestZone<Entry extends { readonly zone: string }>(
  entries: readonly Entry[],
  name: string,
): Entry | undefined {
  return entries.filter(({ zone }) => isWithin(name, zone)).sort((a, b) => b.zone.length - a.zone.length)[0];
}
