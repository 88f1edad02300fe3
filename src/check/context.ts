import type { Config } from '../config/load.ts';
import { type AuthorityFinder, type DnsSettings, openAuthorityFinder } from '../dns/authority.ts';
import { type Delegations, openDelegations } from '../dns/delegation.ts';
import { openResolver, type Resolver } from '../dns/resolver.ts';
import { openVantages, type Vantages } from '../dns/validating.ts';

/** What the checks of a name may use. Needs no config. */
export interface CheckContext {
  readonly dns: DnsSettings;
  readonly signal: AbortSignal;
  readonly authorities: AuthorityFinder;
  /** A caching resolver: never for a challenge name. */
  readonly resolver: Resolver;
  readonly vantages: Vantages;
  readonly delegations: Delegations;
  /** Only to say who may write at the end of a CNAME. */
  readonly config: Config | undefined;
}

export function openCheckContext(dns: DnsSettings, signal: AbortSignal, config: Config | undefined): CheckContext {
  return {
    dns,
    signal,
    authorities: openAuthorityFinder(dns, signal),
    resolver: openResolver(dns.resolvers, signal),
    vantages: openVantages(dns, signal),
    delegations: openDelegations(dns, signal),
    config,
  };
}
