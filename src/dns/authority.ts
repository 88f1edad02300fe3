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
}

/** Milliseconds for one question to one authoritative server. */
const TIMEOUT = 2000;

/** More delegations below each other do not happen by honest means. */
const DEEPEST_DELEGATION = 8;

/** Looks every zone up once a run, however many names it holds. */
export function openAuthorityFinder(settings: DnsSettings, signal: AbortSignal): AuthorityFinder {
  const resolver = openResolver(settings.resolvers, signal);
  const port = settings.port ?? DNS_PORT;
  const cuts = new Map<Fqdn, Promise<Authority>>();

  function enclosing(domain: Fqdn): Promise<Authority> {
    let cut = cuts.get(domain);
    if (!cut) {
      cut = findCut(domain, resolver, port);
      cuts.set(domain, cut);
    }
    return cut;
  }

  return {
    async find(name) {
      const configured = longestZone(settings.nameservers, name);
      if (configured) {
        const servers = configured.servers.map((text) => ({ name: text, ...parseServerAddress(text) }));
        return { zone: configured.zone, servers, configured: true };
      }
      // The challenge label goes first: nothing but the zone's own servers may be asked about it.
      return descend(name, await enclosing(parentOf(name)), resolver, port, signal);
    },
  };
}

const parentOf = (name: Fqdn): Fqdn => (name.includes('.') ? name.slice(name.indexOf('.') + 1) : name);

/** The zone that holds a domain, by its NS records, walking up (RFC 1034 section 4.2.1). */
async function findCut(domain: Fqdn, resolver: Resolver, port: number): Promise<Authority> {
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

/** From a zone down to the one that holds the name, by the referrals of its servers. */
async function descend(
  name: Fqdn,
  from: Authority,
  resolver: Resolver,
  port: number,
  signal: AbortSignal,
): Promise<Authority> {
  let at = from;
  for (let depth = 0; depth < DEEPEST_DELEGATION; depth++) {
    const message = await firstAnswer(name, at.servers, signal);
    const referral = message && referralBelow(message, at.zone, name);
    if (!referral) return at;
    const names = nameServersOf(message.authorities, referral);
    at = { zone: referral, servers: await locate(names, message.additionals, resolver, port), configured: false };
  }
  throw new Dns01Error('E_ZONE', `${name}: more than ${DEEPEST_DELEGATION} delegations below each other`);
}

async function firstAnswer(
  name: Fqdn,
  servers: readonly NameServer[],
  signal: AbortSignal,
): Promise<DnsMessage | undefined> {
  for (const server of servers) {
    const reply = await ask(server, { name, type: 'TXT' }, { recursive: false, timeout: TIMEOUT, signal });
    if (reply.kind === 'answer' && ['NOERROR', 'NXDOMAIN'].includes(reply.message.rcode)) return reply.message;
  }
  return undefined;
}

function referralBelow(message: DnsMessage, zone: Fqdn, name: Fqdn): Fqdn | undefined {
  if (message.authoritative || message.answers.length > 0) return undefined;
  const ns = message.authorities.find(({ type }) => type === 'NS');
  return ns && ns.name !== zone && isWithin(ns.name, zone) && isWithin(name, ns.name) ? ns.name : undefined;
}

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
