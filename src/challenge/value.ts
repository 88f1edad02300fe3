import { Dns01Error } from '../errors.ts';

const LONGEST_VALUE = 255;

/**
 * A TXT value that every provider and every zone file can hold: printable ASCII without quotes or backslash.
 * @throws E_USAGE
 */
export function parseValue(text: string): string {
  if (text === '') throw new Dns01Error('E_USAGE', 'the value is empty');
  if (text.length > LONGEST_VALUE) {
    throw new Dns01Error('E_USAGE', `the value has ${text.length} characters, at most ${LONGEST_VALUE} are possible`);
  }
  if (!/^[ !#-[\]-~]+$/.test(text)) {
    throw new Dns01Error('E_USAGE', 'the value has characters that it may not have', {
      hint: 'give the value bare: printable ASCII, without quotes and backslashes',
    });
  }
  return text;
}

/** True for what dns-01 publishes: an unpadded base64url SHA-256 (RFC 8555 section 8.4). */
export function looksLikeChallenge(value: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(value);
}
