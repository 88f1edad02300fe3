import { domainToASCII } from 'node:url';
import { Dns01Error } from './errors.ts';
import type { Fqdn } from './provider.ts';

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
  const bad = labels.find((label) => !/^(?!-)[a-z0-9_-]+(?<!-)$/.test(label));
  return bad === undefined ? undefined : `the label "${bad}" has characters that it may not have`;
}
