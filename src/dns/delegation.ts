import type { Fqdn } from '../names.ts';
import type { DnsSettings } from './authority.ts';
import type { NameServer } from './zone-cut.ts';

/** A name server as the DNS names it. */
export interface NameServerHost {
  readonly name: Fqdn;
  /** The addresses that the parent has beside its NS records; empty where it has none. */
  readonly glue: readonly string[];
  /** The addresses by the servers that hold its name. */
  readonly addresses: readonly string[];
}

/** One zone on the way from the root to a name. */
export interface Delegation {
  readonly zone: Fqdn;
  /** The NS records that the parent's servers have; undefined where they serve this zone too and so do not show them. */
  readonly parentNames: readonly string[] | undefined;
  /** The NS records that the zone's own servers have; undefined where none of them answers. */
  readonly childNames: readonly string[] | undefined;
  /** Every name server of both that is a domain name. */
  readonly hosts: readonly NameServerHost[];
  /** Every address of them that may be queried. */
  readonly servers: readonly NameServer[];
  /** Addresses that no CA queries: loopback, private and similar (RFC 6890). */
  readonly refused: readonly NameServer[];
}

/** The way from the root to a name. */
export interface DelegationWay {
  /** From the top level down to the zone that holds the name, as far as it is known. The root is not among them. */
  readonly zones: readonly Delegation[];
  /** Why the way ends too early: no server answers there. */
  readonly failure?: string | undefined;
}

export interface Delegations {
  /** The way to a name, by the answers of authoritative servers alone. Every zone is looked up once in a run. */
  find(name: Fqdn): Promise<DelegationWay>;
}

export function openDelegations(_dns: DnsSettings, _signal: AbortSignal): Delegations {
  return { find: async () => ({ zones: [] }) };
}
