import { caaZones } from './zones-caa.ts';
import { dnssecZones } from './zones-dnssec.ts';
import { serverZones } from './zones-servers.ts';
import { wayZones } from './zones-way.ts';

/** What a validating resolver says of a name; `fails`: no answer at all. */
export type Resolved = 'secure' | 'insecure' | 'bogus' | 'fails';

/** How a zone is signed. */
export interface Signing {
  readonly algorithm?: 'ECDSAP256SHA256' | 'ECDSAP384SHA384' | 'ED25519' | 'RSASHA256';
  readonly denial?: 'NSEC' | 'NSEC3' | 'opt-out';
  /** One key for the keys and one for the rest, not one for all. */
  readonly twoKeys?: boolean;
  /** Keys that are published and sign nothing. */
  readonly spareKeys?: number;
  /** Seconds from now; default: from an hour ago to a month ahead. */
  readonly from?: number;
  readonly until?: number;
}

/** The servers of the laboratory. All but the first two do something wrong. */
export type ServerKind =
  | 'bind'
  | 'knot'
  | 'old'
  | 'lame'
  | 'closed'
  | 'silent'
  | 'noTcp'
  | 'lowercase'
  | 'dropsMixedCase'
  | 'slow'
  | 'nxdomain'
  | 'noCaa'
  | 'noEdns'
  | 'forwards'
  | 'noUdp'
  | 'truncates'
  | 'servfail'
  | 'ignoresCaa'
  | 'private'
  | 'ipv6';

/** One name for `dns01 check`. */
export interface Expected {
  /** Default: the zone. */
  readonly ask?: string;
  readonly args?: readonly string[];
  /** What Unbound says of its challenge name and its CAA records. */
  readonly resolves: Resolved;
  /** Why a CA refuses although everything resolves. */
  readonly refuses?: string;
  /** The worst finding that `check` must have, of this check if one is given. */
  readonly level: 'good' | 'warning' | 'bad';
  readonly check?: string;
  readonly says?: RegExp;
}

/** One zone of the private root. Names are without the final dot, records relative to the zone. */
export interface LabZone {
  readonly zone: string;
  readonly what: string;
  /** Not signed where it is missing. */
  readonly signed?: Signing;
  /** In the zone; default: bind and knot. */
  readonly servers?: readonly ServerKind[];
  /** In the parent; default: the same. */
  readonly delegatedTo?: readonly ServerKind[];
  /** The NS records' own domain, where it is not the zone's. */
  readonly hostsIn?: string;
  /** Addresses that the parent's glue has in place of the right ones. */
  readonly glue?: readonly ServerKind[] | 'none';
  readonly records?: readonly string[];
  /** The SOA's last number. */
  readonly negativeTtl?: number;
  /** DS records of the parent, from the right ones; default: the right ones. */
  readonly ds?: (right: readonly string[]) => readonly string[];
  /** Spoils the finished zone file, one record a line. */
  readonly spoil?: (lines: readonly string[]) => readonly string[];
  /** What the server `old` has of this zone: an older serial, or signatures that have expired. */
  readonly old?: 'serial' | 'expired';
  readonly expected: readonly Expected[];
}

/** In whole: what exists, how it is made, what a CA's resolver says and what `dns01 check` says. */
export const LAB_ZONES: readonly LabZone[] = [...dnssecZones, ...serverZones, ...wayZones, ...caaZones];
