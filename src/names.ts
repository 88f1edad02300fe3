import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { Dns01Error } from './errors.ts';

declare const normalised: unique symbol;

/** A fully qualified name: lower-case A-labels, no trailing dot. Only `normaliseName` makes one. */
export type Fqdn = string & { readonly [normalised]: true };

/**
 * A name in its only form inside dns01: lower-case A-labels (RFC 5890), no trailing dot.
 * @throws E_USAGE when it is not a domain name
 */
export function normaliseName(text: string): Fqdn {
  const name = toAscii(text.trim().replace(/\.$/, '')).toLowerCase();
  const problem = problemOf(name);
  if (problem) throw new Dns01Error('E_USAGE', `${JSON.stringify(text)} is not a domain name: ${problem}`);
  return name as Fqdn;
}

/** The same for a name from outside, like an API or the DNS; `undefined` when it is not a domain name. */
export function parseName(text: string): Fqdn | undefined {
  const name = toAscii(text.replace(/\.$/, '')).toLowerCase();
  return problemOf(name) === undefined ? (name as Fqdn) : undefined;
}

/** `domainToASCII` reads its input like a URL: it would cut off a path, decode percent escapes and read numbers as addresses. */
function toAscii(text: string): string {
  if (!/^(?:[\w.-]|[^\u0000-\u007f])*$/.test(text) || /^[\u0000-\u007f]*$/.test(text)) return text;
  const name = domainToASCII(text);
  return isIP(name) === 0 ? name : '';
}

/** Why a text is not a host-like name (RFC 1035 section 2.3.4, with the underscore of RFC 8552). */
function problemOf(name: string): string | undefined {
  if (name === '') return 'it is empty or cannot be written in ASCII';
  if (name.length > 253) return 'it is longer than 253 characters';
  const labels = name.split('.');
  if (labels.includes('')) return 'it has an empty label';
  if (labels.some((label) => label.length > 63)) return 'a label is longer than 63 characters';
  // RFC 5891 section 4.2.3.1: only A-labels have hyphens in places 3 and 4. Some panels store other such names as "".
  const bad = labels.find((label) => !/^(?!-)(?!(?!xn)..--)[a-z0-9_-]+(?<!-)$/.test(label));
  return bad === undefined
    ? undefined
    : `the label ${JSON.stringify(bad)} may only have letters, digits and inner hyphens`;
}

/** True where `name` is the zone's own name or below it, at a label border. */
export function isWithin(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

/** The name and those above it, down to two labels: `a.example.com`, `example.com`. A single label returns itself. */
export function nameAndAbove(name: Fqdn): Fqdn[] {
  const labels = name.split('.');
  return labels.slice(0, Math.max(1, labels.length - 1)).map((_, index) => labels.slice(index).join('.') as Fqdn);
}

/** The entry with the longest zone that holds the name. */
export function longestZone<Entry extends { readonly zone: string }>(
  entries: readonly Entry[],
  name: string,
): Entry | undefined {
  return entries.filter(({ zone }) => isWithin(name, zone)).sort((a, b) => b.zone.length - a.zone.length)[0];
}

/** Whether an address stays on this machine, where no other host can read the traffic. */
export function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
}
