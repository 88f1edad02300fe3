/** Names and TXT values in the forms of APIs. */
import { domainToASCII } from 'node:url';
import * as z from 'zod/mini';
import { type Fqdn, parseName } from '../names.ts';
import type { ZoneInfo } from '../provider.ts';

/** An id in an answer: a text, or a number that becomes a text. */
export const shownId = z.pipe(
  z.union([z.string().check(z.minLength(1)), z.number()]),
  z.transform((id: string | number) => String(id)),
);

/** The longest string inside a TXT record, in octets (RFC 1035 section 3.3). */
const MAX_STRING_OCTETS = 255;

/**
 * A TXT value as in zone files (RFC 1035 section 5.1): quoted, split into strings of at most 255 octets, with quotes,
 * backslashes and everything outside printable ASCII escaped.
 */
export function quoteTxt(value: string): string {
  const octets = Buffer.from(value);
  const count = Math.max(1, Math.ceil(octets.length / MAX_STRING_OCTETS));
  const strings = Array.from({ length: count }, (_, index) =>
    octets.subarray(index * MAX_STRING_OCTETS, (index + 1) * MAX_STRING_OCTETS),
  );
  return strings.map((string) => `"${[...string].map(escapeOctet).join('')}"`).join(' ');
}

function escapeOctet(octet: number): string {
  if (octet === 0x22 || octet === 0x5c) return `\\${String.fromCharCode(octet)}`;
  if (octet >= 0x20 && octet < 0x7f) return String.fromCharCode(octet);
  return `\\${String(octet).padStart(3, '0')}`;
}

/** The value of such a text; a text without quotes is the value itself. Strings may follow each other without a space. */
export function unquoteTxt(shown: string): string {
  const text = shown.trim();
  if (!/^"(?:[^"\\]|\\[\s\S])*"(?:\s*"(?:[^"\\]|\\[\s\S])*")*$/.test(text)) return shown;
  const octets: Buffer[] = [];
  for (const [, string = ''] of text.matchAll(/"((?:[^"\\]|\\[\s\S])*)"/g)) {
    for (const [, decimal, literal, plain] of string.matchAll(/\\(\d{3})|\\([\s\S])|([^\\]+)/g)) {
      octets.push(decimal === undefined ? Buffer.from(literal ?? plain ?? '') : Buffer.of(Number(decimal) & 0xff));
    }
  }
  return Buffer.concat(octets).toString('utf8');
}

/** The name relative to its zone: `_acme-challenge.www`; for the zone itself `@`, or the given text. */
export function relativeName(name: Fqdn, zone: Fqdn, apex = '@'): string {
  return name === zone ? apex : name.slice(0, -zone.length - 1);
}

/** The name with a dot at its end. */
export const absoluteName = (name: Fqdn): string => `${name}.`;

/** Whether an API's name is this name in any form: absolute, with or without a dot, relative, in Unicode or in upper case. */
export function isSameName(shown: string, name: Fqdn, zone: Fqdn): boolean {
  const plain = plainName(shown);
  return plain === name || `${plain}.${zone}` === name || (name === zone && (plain === '' || plain === '@'));
}

/** An API's name in lower case, in ASCII and without a dot at its end. It may not be a domain name. */
export function plainName(shown: string): string {
  const plain = shown.replace(/\.$/, '').toLowerCase();
  return /^[\x00-\x7f]*$/.test(plain) ? plain : domainToASCII(plain);
}

/** Zones of an API without duplicates, and without texts that are not domain names. */
export async function* parseZones(
  shown: AsyncIterable<{ readonly name: string; readonly active?: boolean | undefined }>,
): AsyncGenerator<ZoneInfo> {
  const seen = new Set<Fqdn>();
  for await (const { name: text, active } of shown) {
    const name = parseName(text);
    if (name === undefined || seen.has(name)) continue;
    seen.add(name);
    yield { name, active };
  }
}
