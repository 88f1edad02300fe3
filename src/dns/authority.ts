import { isIP } from 'node:net';
import { type Fqdn, longestZone } from '../names.ts';
import { firstUseful } from './first-useful.ts';
import { query } from './query.ts';
import { openResolver } from './resolver.ts';
import { createAddressFilter, parseServerAddress } from './server-address.ts';
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

/** The servers to query about a name. */
export interface Authority extends ZoneServers {
  /** The config names the servers: their answers count even if they are not authoritative. */
  readonly configured: boolean;
}

export interface DnsSettings {
  /** Empty: the system's resolvers. */
  readonly resolvers: readonly string[];
  /** The servers for the names in a zone, which need not be a zone in the DNS. */
  readonly nameservers: readonly { readonly zone: Fqdn; readonly servers: readonly string[] }[];
  /** Networks (CIDR) of name servers that are allowed although they are loopback, link-local or similar. */
  readonly allowNetworks?: readonly string[];
  /** The root servers to start from, as `HOST` or `HOST:PORT`; empty: the public ones. */
  readonly roots?: readonly string[];
  /** URLs of resolvers that answer over HTTPS (RFC 8484). */
  readonly doh?: readonly string[] | undefined;
  /** The port of authoritative servers; tests cannot use 53. Default: the one that `roots` names. */
  readonly port?: number;
}

/** A private root with a port of its own has all of its servers there. */
export const authorityPort = ({ port, roots = [] }: DnsSettings): number =>
  port ?? parseServerAddress(roots[0] ?? '').port;

export interface AuthorityFinder {
  /**
   * The servers for the name: those of `dns.nameservers`, else those of the zone that really holds it. Only these get
   * queries for the name itself: a caching resolver that is queried too early caches that it is not there (RFC 2308).
   * @throws E_REMOTE when the DNS does not answer; E_ZONE when no zone holds the name
   */
  find(name: Fqdn): Promise<Authority>;
  /** The zone that holds the name, by the answers of those servers; undefined where they do not say. */
  zoneOf(name: Fqdn): Promise<Fqdn | undefined>;
}

/** How many names are remembered: a batch may have any number. */
const MAX_NAMES = 10_000;

export function openAuthorityFinder(settings: DnsSettings, signal: AbortSignal): AuthorityFinder {
  const named = settings.nameservers
    .flatMap(({ servers }) => servers.map((text) => parseServerAddress(text).address))
    .filter((address) => isIP(address) !== 0);
  const zoneCuts = {
    resolver: openResolver(settings.resolvers, signal, { alsoUnchecked: true }),
    port: authorityPort(settings),
    mayAsk: createAddressFilter([...(settings.allowNetworks ?? []), ...named]),
    signal,
  };
  const cuts = new Map<Fqdn, ZoneServers>();
  const searches = new Map<string, Promise<unknown>>();

  async function search(name: Fqdn): Promise<ZoneServers> {
    const underWay = searches.get(family(name));
    // Set before the first await, so that other searches see it.
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

/** Each name is looked up once in a run; a failure is not remembered. */
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
 * The owner of the SOA record names the zone: in the answer, or beside it where the name is not a zone (RFC 2308
 * section 3). A name with a CNAME is never a zone, so it is in its parent's, whatever SOA record the target has.
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

/** Names that may share a zone: the second search in a family waits for the result of the first. */
const family = (name: Fqdn): string => name.split('.').slice(-2).join('.');

function nearestCut(name: Fqdn, cuts: ReadonlyMap<Fqdn, ZoneServers>): ZoneServers | undefined {
  for (let at = name; at.includes('.'); at = parentOf(at)) {
    const found = cuts.get(at);
    if (found) return found;
  }
  return undefined;
}

/**
 * The name to query at a resolver: never the challenge name, which only its own servers may be asked for, nor
 * `_acme-challenge` above an account's label. A resolver that caches that this does not exist may say the same of all
 * names below it (RFC 8020). A host name of two labels is the top of its zone, so it exists already.
 */
function above(name: Fqdn): Fqdn {
  const parent = parentOf(name);
  if (!parent.includes('.') && !name.startsWith('_')) return name;
  return parent.startsWith('_') && parent.includes('.') ? above(parent) : parent;
}
