import type { Config } from '../config/load.ts';
import { type AuthorityFinder, type DnsSettings, openAuthorityFinder } from '../dns/authority.ts';
import { type Delegations, openDelegations } from '../dns/delegation.ts';
import { openResolver, type Resolver } from '../dns/resolver.ts';
import { openVantages, type Vantages, validatingResolver } from '../dns/validating.ts';
import { createRunMemory } from '../toolbox/memory.ts';
import { type ProbedZone, probeZone, type ServerState } from './server-probe.ts';

/** What the checks of a name may use. Needs no config. */
export interface CheckContext {
  readonly dns: DnsSettings;
  readonly signal: AbortSignal;
  readonly authorities: AuthorityFinder;
  /** A caching resolver, validating where one is known: never for a challenge name. */
  readonly resolver: Resolver;
  readonly vantages: Vantages;
  readonly delegations: Delegations;
  /** What every server of a zone answers; each zone is asked once in a run. */
  probe(zone: ProbedZone): Promise<ServerState[]>;
  /** Only to say who may write at the end of a CNAME. */
  readonly config: Config | undefined;
}

/** @param env may name a proxy for DNS over HTTPS */
export function openCheckContext(
  dns: DnsSettings,
  signal: AbortSignal,
  config: Config | undefined,
  env: Readonly<Record<string, string | undefined>>,
): CheckContext {
  const vantages = openVantages(dns, signal, env);
  const probes = createRunMemory<ServerState[]>();
  return {
    dns,
    signal,
    authorities: openAuthorityFinder(dns, signal),
    resolver: validatingResolver(vantages, openResolver(dns.resolvers, signal)),
    vantages,
    delegations: openDelegations(dns, signal),
    probe: (zone) => probes.get(zone.zone, () => probeZone(zone, signal)),
    config,
  };
}
