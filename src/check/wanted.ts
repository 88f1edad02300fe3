import { accountLabelOf } from '../challenge/account-label.ts';
import { challengeNameOf, challengeParts, parseReadName } from '../challenge/challenge.ts';
import { persistNameOf } from '../challenge/persist.ts';
import { Dns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';

/** The validation methods that look at the DNS, as CAA records call them. */
export const METHODS = ['dns-01', 'dns-account-01', 'dns-persist-01'] as const;

export type Method = (typeof METHODS)[number];

/** What a certificate is for, and where its challenge is. */
export interface Wanted {
  /** The name that findings use. */
  readonly subject: string;
  readonly domain: Fqdn;
  readonly challenge: Fqdn;
  /** The label in the challenge name: the CA validates by dns-account-01. */
  readonly accountLabel: string | undefined;
  readonly method: Method;
  readonly wildcard: boolean;
}

export interface WantedSettings {
  /** Default: what the name is for. */
  readonly method?: Method | undefined;
  /** The URL of the ACME account: dns-account-01 makes its label from it. */
  readonly accountUri?: string | undefined;
}

/** A name as users write it: `example.com`, `*.example.com`, or a challenge name. @throws E_USAGE */
export function wantedName(text: string, { method, accountUri }: WantedSettings = {}): Wanted {
  const wildcard = text.trim().startsWith('*.');
  const name = parseReadName(wildcard ? text.trim().slice(2) : text);
  const named = placesOf(name);
  const subject = `name ${wildcard ? '*.' : ''}${name}`;
  if (method === undefined || method === named.method) return { ...named, subject, wildcard };
  const { domain, accountLabel } = named;
  if (accountLabel !== undefined) {
    throw new Dns01Error('E_USAGE', `${name} is a name of dns-account-01, not of ${method}`, {
      hint: `name the domain alone: ${domain}`,
    });
  }
  const places = { domain, subject, wildcard, method };
  switch (method) {
    case 'dns-01':
      return { ...places, accountLabel, challenge: challengeNameOf(domain) };
    case 'dns-persist-01':
      return { ...places, accountLabel, challenge: persistNameOf(domain) };
    case 'dns-account-01': {
      const label = accountUri === undefined ? undefined : accountLabelOf(accountUri);
      if (label !== undefined) return { ...places, accountLabel: label, challenge: challengeNameOf(domain, label) };
      throw new Dns01Error('E_USAGE', `dns-account-01 needs the label of an ACME account, which ${name} has not`, {
        hint: 'add --account-uri URL, or put what dns01 account-label URL prints before _acme-challenge',
      });
    }
  }
}

/** A zone of the config, which may itself be a challenge name. */
export function wantedZone(zone: Fqdn): Wanted {
  return { ...placesOf(zone), subject: `zone ${zone}`, wildcard: false };
}

function placesOf(name: Fqdn): Pick<Wanted, 'domain' | 'challenge' | 'accountLabel' | 'method'> {
  const { domain, accountLabel } = challengeParts(name) ?? {};
  const method = accountLabel === undefined ? 'dns-01' : 'dns-account-01';
  return domain === undefined
    ? { domain: name, challenge: challengeNameOf(name), accountLabel, method }
    : { domain, challenge: name, accountLabel, method };
}
