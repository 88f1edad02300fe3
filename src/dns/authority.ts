import { Dns01Error } from '../errors.ts';
import { type Fqdn, isWithin, longestZone } from '../names.ts';
import { ask } from './ask.ts';
import type { DnsMessage, ResourceRecord } from './message.ts';
import { openResolver, type Resolver } from './resolver.ts';
import { DNS_PORT, parseServerAddress, type ServerAddress } from './server-address.ts';

/** One address of one name server. */
export interface NameServer extends ServerAddress {
  readonly name: string;
}

/** The servers that speak for a name. */
export interface Authority {
  readonly zone: Fqdn;
  readonly servers: readonly NameServer[];
  /** The user named the servers: what they say counts, be they authoritative or not. */
  readonly configured: boolean;
}

export interface DnsSettings {
  /** Empty: the system's. */
  readonly resolvers: readonly string[];
  readonly nameservers: readonly { readonly zone: Fqdn; readonly servers: readonly string[] }[];
  /** Where authoritative servers listen; tests cannot have 53. */
  readonly port?: number;
}

export interface AuthorityFinder {
  /**
   * The authoritative servers of the zone that really holds the name. The name itself is asked of them alone: a caching
   * resolver that hears of it too early remembers that it is not there (RFC 2308).
   * @throws E_REMOTE when DNS does not answer; E_ZONE when no zone holds the name
   */
  find(name: Fqdn): Promise<Authority>;
  /** The zone that holds the name, where the DNS tells. */
  zoneOf(name: Fqdn): Promise<Fqdn | undefined>;
}

/** Milliseconds for one question to one authoritative server. */
const TIMEOUT = 2000;

/** More delegations below each other do not happen by honest means. */
const DEEPEST_DELEGATION = 8;

/** Names whose servers are remembered at once: a batch may have any number. */
const MOST_NAMES = 10_000;

/** What looking around in the DNS needs. */
interface Outlook {
  readonly resolver: Resolver;
  readonly port: number;
  readonly signal: AbortSignal;
}

export function openAuthorityFinder(settings: DnsSettings, signal: AbortSignal): AuthorityFinder {
  const outlook = { resolver: openResolver(settings.resolvers, signal), port: settings.port ?? DNS_PORT, signal };
  const cuts = new Map<Fqdn, Authority>();
  const searches = new Map<string, Promise<unknown>>();
  const found = new Map<Fqdn, Promise<Authority>>();

  async function search(name: Fqdn): Promise<Authority> {
    const underWay = searches.get(family(name));
    // Not even a tick may pass before the first search is known to the others.
    if (underWay) await underWay.catch(() => {});
    const near = nearestCut(name, cuts);
    const below = near && (await descend(name, near, outlook));
    if (below?.certain) return keep(below.authority);
    const cut = findCut(above(name), outlook).then(keep);
    searches.set(family(name), cut);
    return keep((await descend(name, await cut, outlook)).authority);
  }

  const keep = (authority: Authority): Authority => {
    cuts.set(authority.zone, authority);
    return authority;
  };

  const finder: AuthorityFinder = {
    zoneOf: (name) =>
      finder.find(name).then(
        ({ zone }) => zone,
        () => undefined,
      ),
    async find(name) {
      const configured = longestZone(settings.nameservers, name);
      if (configured) {
        const servers = configured.servers.map((text) => ({ name: text, ...parseServerAddress(text) }));
        return { zone: configured.zone, servers, configured: true };
      }
      const known = found.get(name);
      if (known) return known;
      const authority = search(name);
      found.set(name, authority);
      authority.catch(() => found.delete(name));
      const [oldest] = found.keys();
      if (found.size > MOST_NAMES && oldest !== undefined) found.delete(oldest);
      return authority;
    },
  };
  return finder;
}

/** Names that may share a zone: the second search of such a name waits for what the first one finds. */
const family = (name: Fqdn): string => name.split('.').slice(-2).join('.');

function nearestCut(name: Fqdn, cuts: ReadonlyMap<Fqdn, Authority>): Authority | undefined {
  for (let at = name; at.includes('.'); at = parentOf(at)) {
    const authority = cuts.get(at);
    if (authority) return authority;
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

const parentOf = (name: Fqdn): Fqdn => name.slice(name.indexOf('.') + 1);

/** The zone that holds a domain, by its NS records, walking up (RFC 1034 section 4.2.1). */
async function findCut(domain: Fqdn, { resolver, port }: Outlook): Promise<Authority> {
  let failure: unknown;
  for (let at = domain; at.includes('.'); ) {
    const message = await resolver.resolve({ name: at, type: 'NS' }).catch((error: unknown) => {
      failure ??= error;
      return undefined;
    });
    const names = nameServersOf(message?.answers ?? [], at);
    if (names.length > 0) return { zone: at, servers: await locate(names, [], resolver, port), configured: false };
    at = soaOwner(message, at) ?? parentOf(at);
  }
  throw (
    failure ??
    new Dns01Error('E_ZONE', `the DNS knows no zone that holds ${domain}`, {
      hint: 'check the spelling, and that the domain is registered and delegated',
    })
  );
}

/** A negative answer names the zone that it comes from: that saves the steps in between (RFC 2308 section 3). */
function soaOwner(message: DnsMessage | undefined, below: Fqdn): Fqdn | undefined {
  const soa = message?.authorities.find(({ type }) => type === 'SOA');
  return soa && soa.name !== below && isWithin(below, soa.name) ? soa.name : undefined;
}

/** Where a search ended. */
interface Descent {
  readonly authority: Authority;
  /** False where none of its servers said whether there is another zone below. */
  readonly certain: boolean;
}

/** From a zone down to the one that holds the name, by the word of its servers. */
async function descend(name: Fqdn, from: Authority, { resolver, port, signal }: Outlook): Promise<Descent> {
  let authority = from;
  for (let depth = 0; depth < DEEPEST_DELEGATION; depth++) {
    if (authority.zone === name) return { authority, certain: true };
    const below = await cutBelow(authority, name, signal);
    if (below === 'none' || below === 'unknown') return { authority, certain: below === 'none' };
    authority = { zone: below.zone, servers: await locate(below.names, below.glue, resolver, port), configured: false };
  }
  throw new Dns01Error('E_ZONE', `${name}: more than ${DEEPEST_DELEGATION} delegations below each other`);
}

interface Cut {
  readonly zone: Fqdn;
  readonly names: readonly string[];
  readonly glue: readonly ResourceRecord[];
}

/**
 * The next zone below, as the first server tells that knows: by a referral, or because it serves that zone too, which
 * the SOA of a negative answer shows.
 */
async function cutBelow(
  { zone, servers }: Authority,
  name: Fqdn,
  signal: AbortSignal,
): Promise<Cut | 'none' | 'unknown'> {
  for (const server of servers) {
    for (let at = name; ; ) {
      const reply = await ask(server, { name: at, type: 'NS' }, { recursive: false, timeout: TIMEOUT, signal });
      if (reply.kind !== 'answer') break;
      const { authoritative, answers, authorities, additionals } = reply.message;
      const records = authoritative ? answers : authorities;
      const ns = records.find((record) => record.type === 'NS' && isBetween(zone, record.name, at));
      if (ns) return { zone: ns.name, names: nameServersOf(records, ns.name), glue: additionals };
      if (!authoritative) break;
      const served = authorities.find((record) => record.type === 'SOA' && isBetween(zone, record.name, at))?.name;
      if (served === undefined || served === at) return 'none';
      at = served;
    }
  }
  return 'unknown';
}

/** Whether a cut lies below the zone and holds the name: whatever else a server refers to is not for us. */
const isBetween = (zone: Fqdn, cut: Fqdn, name: Fqdn): boolean =>
  cut !== zone && isWithin(cut, zone) && isWithin(name, cut);

function nameServersOf(records: readonly ResourceRecord[], owner: Fqdn): string[] {
  return records.filter(({ type, name }) => type === 'NS' && name === owner).map(({ data }) => data);
}

/** Every address of every server, from the referral's glue or from the resolver. */
async function locate(
  names: readonly string[],
  glue: readonly ResourceRecord[],
  resolver: Resolver,
  port: number,
): Promise<NameServer[]> {
  const servers = await Promise.all(
    names.map(async (name) => {
      const known = addressesOf(glue, name);
      const addresses = known.length > 0 ? known : await lookUpAddresses(name, resolver);
      return addresses.map((address) => ({ name, address, port }));
    }),
  );
  const found = servers.flat();
  if (found.length > 0) return found;
  throw new Dns01Error('E_REMOTE', `none of the name servers ${names.join(', ')} has an address`, {
    hint: 'check the delegation, or name the servers in dns.nameservers of the config',
  });
}

async function lookUpAddresses(name: string, resolver: Resolver): Promise<string[]> {
  const answers = await Promise.all(
    (['A', 'AAAA'] as const).map((type) => resolver.resolve({ name, type }).catch(() => undefined)),
  );
  return answers.flatMap((message) => addressesOf(message?.answers ?? [], undefined));
}

/** An alias between the name and its addresses does no harm here, so the owner only counts for glue. */
function addressesOf(records: readonly ResourceRecord[], owner: string | undefined): string[] {
  return records
    .filter(({ type, name }) => (type === 'A' || type === 'AAAA') && (owner === undefined || name === owner))
    .map(({ data }) => data);
}
