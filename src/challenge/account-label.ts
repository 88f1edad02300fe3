import { createHash } from 'node:crypto';
import { Dns01Error } from '../errors.ts';

/** RFC 4648 section 6, in lower case. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * The label that dns-account-01 puts before `_acme-challenge` (draft-ietf-acme-dns-account-label): the first 80 bits of
 * the SHA-256 of the account's URL. The URL counts exactly as the CA gave it in the `Location` header.
 * @throws E_USAGE for a text that is not an http or https URL
 */
export function accountLabelOf(accountUrl: string): string {
  if (!/^https?:\/\/[!-~]+$/i.test(accountUrl) || !URL.canParse(accountUrl)) throw notAccountUrl(accountUrl);
  const digest = createHash('sha256').update(accountUrl).digest('hex');
  const digits = BigInt(`0x${digest.slice(0, 20)}`)
    .toString(32)
    .padStart(16, '0');
  return `_${[...digits].map((digit) => BASE32[Number.parseInt(digit, 32)]).join('')}`;
}

function notAccountUrl(text: string): Dns01Error {
  return new Dns01Error('E_USAGE', `${JSON.stringify(text)} is not the URL of an ACME account`, {
    hint: 'give it exactly as your ACME client shows it, e.g. https://acme-v02.api.letsencrypt.org/acme/acct/1234567890',
  });
}
