import { type Fqdn, isWithin } from '../../src/provider.ts';

/** The domain of the panel that a name belongs to: the longest. */
export function domainHolding(name: Fqdn, domains: readonly Fqdn[]): Fqdn | undefined {
  return domains.filter((domain) => isWithin(name, domain)).sort((a, b) => b.length - a.length)[0];
}

/**
 * The DNS zone of a panel's domain: the panel makes none for a sub-domain of a domain that it has, and what is written
 * under the sub-domain is never served. Its rule: the last two labels where these are a domain of the panel, else the
 * domain itself.
 */
export function zoneOf(domain: Fqdn, domains: ReadonlySet<Fqdn>): Fqdn {
  const lastTwo = domain.split('.').slice(-2).join('.');
  return domains.has(lastTwo) ? lastTwo : domain;
}
