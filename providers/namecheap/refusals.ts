import type { Refusal } from '../../src/provider.ts';

const keyRefused = {
  code: 'E_AUTH',
  text: 'the API key or user was refused',
  hint: 'turn on API Access under Profile > Tools in the Namecheap account, and set user to its user name and apiKey to the key shown there',
} as const;

const addressHint =
  'add the public IPv4 address of this machine under Profile > Tools > API Access > Whitelisted IPs, and set clientIp to it';

const locked = {
  code: 'E_AUTH',
  text: 'Namecheap has locked this user or address',
  hint: 'sign in at Namecheap and look for a message, or ask its support',
} as const;

const noZone = {
  code: 'E_ZONE',
  text: 'there is no such domain in this account',
  hint: 'check that the domain is registered in this Namecheap account, or that its owner has shared it with the right to change host records',
} as const;

const broken = { code: 'E_REMOTE', text: 'the fault is at Namecheap', hint: 'try again later' } as const;

/** The numbers of errors ("Global Error Codes", and those of getHosts and setHosts). */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  1010101: keyRefused,
  1010102: keyRefused,
  1011102: keyRefused,
  1016103: keyRefused,
  1019103: keyRefused,
  1017101: locked,
  1017103: locked,
  1017105: locked,
  1017150: locked,
  1017411: locked,
  2016166: noZone,
  2019166: noZone,
  2030166: noZone,
  3016166: noZone,
  2030288: {
    code: 'E_REJECTED',
    text: "this domain does not use Namecheap's name servers, so Namecheap cannot change its records",
    hint: 'use the provider that has the DNS of this domain, or choose Namecheap BasicDNS or PremiumDNS for it',
  },
  3050900: broken,
  5050900: broken,
  5019169: broken,
  5050169: broken,
};

/** @param message in the words of the API; of it, only an IPv4 address may be shown after a failed login */
export function refusalFor(number: string, message: string): Refusal {
  if (number === '1011150') {
    const address = /\b\d{1,3}(?:\.\d{1,3}){3}\b/.exec(message)?.[0];
    const text = `requests from ${address ?? 'this address'} are not allowed`;
    return { code: 'E_AUTH', text, hint: addressHint };
  }
  if (Object.hasOwn(REFUSALS, number)) return REFUSALS[number] ?? noZone;
  // Errors about parameters: most likely the zone is none that is registered.
  return { code: 'E_REJECTED', tryNextZone: number.startsWith('20') };
}
