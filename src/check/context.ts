import type { Config } from '../config/load.ts';
import type { Authority, AuthorityFinder, DnsSettings } from '../dns/authority.ts';
import { type Delegations, openDelegations } from '../dns/delegation.ts';
import { openResolver, type Resolver } from '../dns/resolver.ts';
import { openVantages, type Vantages, validatingResolver } from '../dns/validating.ts';
import { Dns01Error } from '../errors.ts';
import { type Fqdn, longestZone } from '../names.ts';
import { createRunMemory } from '../toolbox/memory.ts';
import { type ProbedZone, probeZone, type ServerState } from './server-probe.ts';

/** What the checks of a name may use. Needs no config. */
export interface CheckContext {
  readonly dns: DnsSettings;
  readonly signal: AbortSignal;
  /** The servers of a name as a CA finds them: from the root down. Where `asConfigured`, also those that dns01 asks. */
  readonly authorities: AuthorityFinder;
  /** A caching resolver, validating where one is known: never for a challenge name. */
  readonly resolver: Resolver;
  readonly vantages: Vantages;
  readonly delegations: Delegations;
  /** What every server of a zone answers; each zone is asked once in a run. */
  probe(zone: ProbedZone): Promise<ServerState[]>;
  /** Only to say who may write at the end of a CNAME. */
  readonly config: Config | undefined;
  /** What dns01 itself asks counts too, because the CA may be one of your own. False: only what a public CA finds. */
  readonly asConfigured: boolean;
}

/** The zone that `dns.nameservers` names servers for, where they count. */
export function configuredZone(name: Fqdn, { dns, asConfigured }: CheckContext): Fqdn | undefined {
  return asConfigured ? longestZone(dns.nameservers, name)?.zone : undefined;
}

/**
 * @param env may name a proxy for DNS over HTTPS
 * @param own the servers that dns01 asks: those of `dns.nameservers`, and of names that only the resolver here knows
 */
export function openCheckContext(
  dns: DnsSettings,
  signal: AbortSignal,
  config: Config | undefined,
  env: Readonly<Record<string, string | undefined>>,
  own?: AuthorityFinder,
): CheckContext {
  const vantages = openVantages(dns, signal, env);
  const probes = createRunMemory<ServerState[]>();
  const delegations = openDelegations(dns, signal);
  return {
    dns,
    signal,
    authorities: authoritiesOf(delegations, dns, own),
    resolver: validatingResolver(vantages, openResolver(dns.resolvers, signal)),
    vantages,
    delegations,
    probe: (zone) => probes.get(zone.zone, () => probeZone(zone, signal)),
    config,
    asConfigured: own !== undefined,
  };
}

function authoritiesOf(delegations: Delegations, { nameservers }: DnsSettings, own?: AuthorityFinder): AuthorityFinder {
  const walk = async (name: Fqdn): Promise<Authority> => {
    const { zones, failure } = await delegations.find(name);
    const last = zones.at(-1);
    if (last && !failure) return { zone: last.zone, servers: last.servers, configured: false };
    const at = failure?.zone || 'the root';
    throw new Dns01Error('E_REMOTE', `the way to ${name} ends at ${at}: ${failure?.text ?? 'it delegates to nobody'}`);
  };
  const find = (name: Fqdn): Promise<Authority> => {
    if (own && longestZone(nameservers, name)) return own.find(name);
    return walk(name).catch((error) => {
      if (!own) throw error;
      return own.find(name).catch(() => Promise.reject(error));
    });
  };
  return {
    find,
    zoneOf: (name) =>
      find(name).then(
        ({ zone }) => zone,
        () => undefined,
      ),
  };
}
