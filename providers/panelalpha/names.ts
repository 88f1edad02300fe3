import { domainToASCII } from 'node:url';
import { type Fqdn, isWithin } from '../../src/provider.ts';

/** How a name is written: `www`, `www.example.com` or `www.example.com.`. */
export type NameStyle = 'relative' | 'fqdn' | 'fqdn-dot';

/**
 * How the panel writes names, learnt from those that it shows; undefined where they tell nothing. It depends on the DNS
 * server behind the panel. `@` tells nothing: it stands for the zone in every style.
 */
export function styleOf(shown: readonly string[], zone: Fqdn): NameStyle | undefined {
  const telling = shown.map(plainName).filter((name) => !isApexSign(name));
  if (telling.some((name) => name.endsWith('.'))) return 'fqdn-dot';
  if (telling.some((name) => !isWithin(name, zone))) return 'relative';
  return telling.length > 0 ? 'fqdn' : undefined;
}

export function writtenAs(style: NameStyle, name: Fqdn, zone: Fqdn): string {
  if (style === 'fqdn-dot') return `${name}.`;
  if (style === 'fqdn') return name;
  return name === zone ? '@' : name.slice(0, -(zone.length + 1));
}

/** The full name that a shown one stands for, in a list of this style. */
export function fullName(shown: string, zone: Fqdn, style: NameStyle | undefined): Fqdn {
  const name = plainName(shown);
  if (name.endsWith('.')) return name.slice(0, -1);
  if (isApexSign(name)) return zone;
  const isFull = (style === 'fqdn' || style === undefined) && isWithin(name, zone);
  return isFull ? name : `${name}.${zone}`;
}

/** A shown name in lower-case ASCII, its dot at the end, if any, left where it is. */
export function plainName(shown: string): string {
  const lower = shown.trim().toLowerCase();
  return /^[\x20-\x7e]*$/.test(lower) ? lower : domainToASCII(lower) || lower;
}

/** What becomes of a full name where the server behind the panel takes it for a relative one. */
export const doubled = (name: Fqdn, zone: Fqdn): Fqdn => `${name}.${zone}`;

const isApexSign = (name: string): boolean => name === '@' || name === '';
