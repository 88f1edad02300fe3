import { isIP } from 'node:net';
import { type Fqdn, longestZone } from '../names.ts';
import { firstUseful } from './first-useful.ts';
import { query } from './query.ts';
import { openResolver } from './resolver.ts';
import { createAddressFilter, DNS_PORT, parseServerAddress } from './server-address.ts';
import {
  descend,
  findCut,
  type NameServer,
  ownerOf,
  parentOf,
  QUERY_TIMEOUT_MS,
  ZONE_RACE,
  type ZoneServers,
} from './zone-cut.ts';

export type { NameServer } from './zone-cut.ts';

/** The servers that speak for a name. */
export interface Authority extends ZoneServers {
  /** The user named the servers: what they say counts, be they authoritative or not. */
  readonly configured: boolean;
}

export interface DnsSettings {
  /** Empty: the system's. */
  readonly resolvers: readonly string[];
  /** Who is asked about the names in a zone, which need not be a zone of its own. */
  readonly nameservers: readonly { readonly zone: Fqdn; readonly servers: readonly string[] }[];
  /** Networks (CIDR) whose addresses the DNS may give for name servers although they are loopback, link-local or the like. */
  readonly allowNetworks?: readonly string[];
  /** Where authoritative servers listen; tests cannot have 53. */
  readonly port?: number;
}

export interface AuthorityFinder {
  /**
   * The servers to ask about the name: those of `dns.nameservers`, else those of the zone that really holds it. The name
   * itself is asked of them alone: a caching resolver that hears of it too early remembers that it is not there
   * (RFC 2308).
   * @throws E_REMOTE when DNS does not answer; E_ZONE when no zone holds the name
   */
  find(name: Fqdn): Promise<Authority>;
  /** The zone that holds the name, by what those servers say; undefined where none says it. */
  zoneOf(name: Fqdn): Promise<Fqdn | undefined>;
}

/** Names that are remembered at once: a batch may have any number. */
const MAX_NAMES = 10_000;

export function openAuthorityFinder(settings: DnsSettings, signal: AbortSignal): AuthorityFinder {
  const named = settings.nameservers
    .flatMap(({ servers }) => servers.map((text) => parseServerAddress(text).address))
    .filter((address) => isIP(address) !== 0);
  const zoneCuts = {
    resolver: openResolver(settings.resolvers, signal),
    port: settings.port ?? DNS_PORT,
    mayAsk: createAddressFilter([...(settings.allowNetworks ?? []), ...named]),
    signal,
  };
  const cuts = new Map<Fqdn, ZoneServers>();
  const searches = new Map<string, Promise<unknown>>();

  async function search(name: Fqdn): Promise<ZoneServers> {
    const underWay = searches.get(family(name));
    // Not even a tick may pass before the first search is known to the others.
    if (underWay) await underWay.catch(() => {});
    const near = nearestCut(name, cuts);
    const below = near && (await descend(name, near, zoneCuts));
    if (below?.certain) return keep(below.found);
    const cut = findCut(above(name), zoneCuts).then(keep);
    searches.set(family(name), cut);
    return keep((await descend(name, await cut, zoneCuts)).found);
  }

  const keep = (found: ZoneServers): ZoneServers => {
    cuts.set(found.zone, found);
    return found;
  };

  const find = rememberByName(async (name): Promise<Authority> => {
    const configured = longestZone(settings.nameservers, name);
    if (!configured) return { ...(await search(name)), configured: false };
    const servers = configured.servers.map((text) => ({ name: text, ...parseServerAddress(text) }));
    return { zone: configured.zone, servers, configured: true };
  });

  const zoneOf = rememberByName(async (name): Promise<Fqdn | undefined> => {
    const { zone, servers, configured } = await find(name);
    return configured ? zoneAt(servers, name, signal) : zone;
  });

  return { find, zoneOf: (name) => zoneOf(name).catch(() => undefined) };
}

/** What is found for a name is found once in a run; what failed is tried again. */
function rememberByName<Found>(load: (name: Fqdn) => Promise<Found>): (name: Fqdn) => Promise<Found> {
  const known = new Map<Fqdn, Promise<Found>>();
  return (name) => {
    const before = known.get(name);
    if (before) return before;
    const found = load(name);
    known.set(name, found);
    found.catch(() => known.delete(name));
    const [oldest] = known.keys();
    if (known.size > MAX_NAMES && oldest !== undefined) known.delete(oldest);
    return found;
  };
}

/**
 * The answer to a query for an SOA names the zone: in the answer, or beside it where the name is none (RFC 2308
 * section 3). A name with a CNAME is no zone, so it lies in that of its parent, whatever SOA comes with its target.
 */
function zoneAt(servers: readonly NameServer[], name: Fqdn, signal: AbortSignal): Promise<Fqdn | undefined> {
  const attempt = async (server: NameServer, raceSignal: AbortSignal): Promise<Fqdn | undefined> => {
    for (let at = name; ; at = parentOf(at)) {
      const options = { recursive: false, timeoutMs: QUERY_TIMEOUT_MS, signal: raceSignal };
      const result = await query(server, { name: at, type: 'SOA' }, options);
      if (result.kind !== 'answer') return undefined;
      const { answers, authorities } = result.message;
      const isAlias = answers.some((record) => record.type === 'CNAME' && record.name === at);
      if (isAlias && at.includes('.')) continue;
      const soas = [...answers, ...authorities].filter(({ type }) => type === 'SOA');
      return soas.map((record) => ownerOf(record, at)).find((owner) => owner !== undefined);
    }
  };
  return firstUseful(servers, attempt, { ...ZONE_RACE, signal });
}

/** Names that may share a zone: the second search of such a name waits for what the first one finds. */
const family = (name: Fqdn): string => name.split('.').slice(-2).join('.');

function nearestCut(name: Fqdn, cuts: ReadonlyMap<Fqdn, ZoneServers>): ZoneServers | undefined {
  for (let at = name; at.includes('.'); at = parentOf(at)) {
    const found = cuts.get(at);
    if (found) return found;
  }
  return undefined;
}

/**
 * What a resolver may be asked about: never the challenge name, which only the zone's own servers may hear of. But a host
 * name of two labels is the top of its zone, so it is there already.
 */
function above(name: Fqdn): Fqdn {
  const parent = parentOf(name);
  return parent.includes('.') || name.startsWith('_') ? parent : name;
}
