import { Dns01Error } from '../errors.ts';
import { type Fqdn, isWithin, parseName } from '../names.ts';
import { firstUseful } from './first-useful.ts';
import { answersFor, type DnsMessage, type ResourceRecord } from './message.ts';
import { query } from './query.ts';
import type { Resolver } from './resolver.ts';
import type { ServerAddress } from './server-address.ts';

/** One address of one name server. */
export interface NameServer extends ServerAddress {
  readonly name: string;
}

/** The servers of a zone. */
export interface ZoneServers {
  readonly zone: Fqdn;
  readonly servers: readonly NameServer[];
}

/** What a search in the DNS needs. */
export interface ZoneCutSettings {
  readonly resolver: Resolver;
  /** The port of authoritative servers. */
  readonly port: number;
  /** Whether an address from the DNS may be queried. */
  readonly mayAsk: (address: string) => boolean;
  readonly signal: AbortSignal;
}

/** For one query to one authoritative server, and for one question to all servers of a zone. */
export const QUERY_TIMEOUT_MS = 2000;
export const ZONE_RACE = { staggerMs: 200, timeoutMs: 3000 } as const;

/** The search ends after this much time without an answer from any resolver. */
const MAX_SILENCE_MS = 6000;

/** No honest zone needs more delegations below each other. */
export const MAX_DELEGATIONS = 8;

/** As many as the root has, with an IPv4 and an IPv6 address each. */
export const MAX_NAME_SERVERS = 13;
export const MAX_ADDRESSES = 26;

/** The zone that holds a domain, by its NS records, walking up (RFC 1034 section 4.2.1). */
export async function findCut(domain: Fqdn, settings: ZoneCutSettings): Promise<ZoneServers> {
  let failure: unknown;
  let silentMs = 0;
  for (let at = domain; at.includes('.') && silentMs < MAX_SILENCE_MS; ) {
    const asked = performance.now();
    const message = await settings.resolver.resolve({ name: at, type: 'NS' }).catch((error: unknown) => {
      failure ??= error;
      silentMs += performance.now() - asked;
      return undefined;
    });
    const names = nameServersOf(message?.answers ?? [], at);
    if (names.length > 0) return { zone: at, servers: await locate(names, [], settings) };
    at = soaOwner(message, at) ?? parentOf(at);
  }
  throw (
    failure ??
    new Dns01Error('E_ZONE', `the DNS has no zone that holds ${domain}`, {
      hint: 'check the spelling, and that the domain is registered and delegated',
    })
  );
}

/** A negative answer names its zone, which saves the steps in between (RFC 2308 section 3). */
function soaOwner(message: DnsMessage | undefined, below: Fqdn): Fqdn | undefined {
  const owner = ownerOf(
    message?.authorities.find(({ type }) => type === 'SOA'),
    below,
  );
  return owner === below ? undefined : owner;
}

/** The owner of a record, if it is the given name or one above it. */
export function ownerOf(record: ResourceRecord | undefined, name: Fqdn): Fqdn | undefined {
  const owner = record && parseName(record.name);
  return owner !== undefined && isWithin(name, owner) ? owner : undefined;
}

export const parentOf = (name: Fqdn): Fqdn => name.slice(name.indexOf('.') + 1) as Fqdn;

/** The result of a search. */
export interface Descent {
  readonly found: ZoneServers;
  /** False where none of its servers said whether another zone is below. */
  readonly certain: boolean;
}

/** From a zone down to the one that holds the name, by what its servers say. */
export async function descend(name: Fqdn, from: ZoneServers, settings: ZoneCutSettings): Promise<Descent> {
  let found = from;
  for (let depth = 0; depth < MAX_DELEGATIONS; depth++) {
    if (found.zone === name) return { found, certain: true };
    const below = await cutBelow(found, name, settings.signal);
    if (below === undefined || !('names' in below)) return { found, certain: below !== undefined };
    found = { zone: below.zone, servers: await locate(below.names, below.glue, settings) };
  }
  throw new Dns01Error('E_ZONE', `${name}: more than ${MAX_DELEGATIONS} delegations below each other`);
}

/** A zone below another one. */
export interface Cut {
  readonly zone: Fqdn;
  readonly names: readonly string[];
  readonly glue: readonly ResourceRecord[];
  /** The parent's servers refer to it. False where they serve it themselves: the names are then the zone's own. */
  readonly isReferral: boolean;
}

/** No zone is below: the name is in this one, if it exists. */
export interface NoCut {
  readonly rcode: string;
}

/** The root as a zone: the one name that `normaliseName` does not make. */
export const ROOT = '' as Fqdn;

/**
 * The next zone below, from the first server that knows: by a referral, or because it serves that zone too, which the
 * SOA of a negative answer shows.
 */
export function cutBelow(
  { zone, servers }: ZoneServers,
  name: Fqdn,
  signal: AbortSignal,
): Promise<Cut | NoCut | undefined> {
  const attempt = async (server: NameServer, raceSignal: AbortSignal): Promise<Cut | NoCut | undefined> => {
    for (let at = name; ; ) {
      const options = { recursive: false, timeoutMs: QUERY_TIMEOUT_MS, signal: raceSignal };
      const result = await query(server, { name: at, type: 'NS' }, options);
      if (result.kind !== 'answer') return undefined;
      const { rcode, authoritative, answers, authorities, additionals } = result.message;
      const records = authoritative ? answers : authorities;
      const cut = records.map((record) => cutAt(record, 'NS', zone, at)).find((owner) => owner !== undefined);
      if (cut) {
        return { zone: cut, names: nameServersOf(records, cut), glue: additionals, isReferral: !authoritative };
      }
      if (!authoritative) return undefined;
      const served = authorities.map((record) => cutAt(record, 'SOA', zone, at)).find((owner) => owner !== undefined);
      if (served === undefined || served === at) return { rcode };
      at = served;
    }
  };
  return firstUseful(servers, attempt, { ...ZONE_RACE, signal });
}

/** The owner of such a record, if it is below the zone and holds the name. Other referrals are ignored. */
function cutAt(record: ResourceRecord, type: 'NS' | 'SOA', zone: Fqdn, name: Fqdn): Fqdn | undefined {
  const owner = record.type === type ? ownerOf(record, name) : undefined;
  return owner !== undefined && owner !== zone && (zone === ROOT || isWithin(owner, zone)) ? owner : undefined;
}

export function nameServersOf(records: readonly ResourceRecord[], owner: Fqdn): string[] {
  return records.filter(({ type, name }) => type === 'NS' && name === owner).map(({ data }) => data);
}

/** Every address of every server, from the referral's glue or from the resolver. */
async function locate(
  names: readonly string[],
  glue: readonly ResourceRecord[],
  { resolver, port, mayAsk }: ZoneCutSettings,
): Promise<NameServer[]> {
  const hosts = names.slice(0, MAX_NAME_SERVERS).map(parseHost);
  const servers = await Promise.all(
    hosts.map(async (name) => {
      const known = glue.filter((record) => isAddress(record) && record.name === name).map(({ data }) => data);
      const addresses = known.length > 0 ? known : await lookUpAddresses(name, resolver);
      return addresses.map((address) => ({ name, address, port }));
    }),
  );
  const found = servers.flat();
  const usable = found.filter(({ address }) => mayAsk(address)).slice(0, MAX_ADDRESSES);
  if (usable.length > 0) return usable;
  if (found.length > 0) {
    const local = [...new Set(found.map(({ address }) => address))].slice(0, MAX_NAME_SERVERS).join(', ');
    throw new Dns01Error('E_REMOTE', `the name servers ${hosts.join(', ')} have local addresses only: ${local}`, {
      hint: 'if they are yours, put their network into dns.allowNetworks of the config',
    });
  }
  throw new Dns01Error('E_REMOTE', `none of the name servers ${hosts.join(', ')} has an address`, {
    hint: 'check the delegation, or name the servers in dns.nameservers of the config',
  });
}

/** @throws E_ZONE for an NS record that is not a host name, with its text escaped */
function parseHost(text: string): Fqdn {
  const name = parseName(text);
  if (name !== undefined) return name;
  throw new Dns01Error('E_ZONE', `an NS record holds ${JSON.stringify(text)}, which is not a host name`, {
    hint: 'correct the NS records of the zone, or name the servers in dns.nameservers of the config',
  });
}

async function lookUpAddresses(name: Fqdn, resolver: Resolver): Promise<string[]> {
  const found = await Promise.all(
    (['A', 'AAAA'] as const).map((type) =>
      resolver.resolve({ name, type }).then(
        (message) => answersFor(message, { name, type }).map(({ data }) => data),
        () => [],
      ),
    ),
  );
  return found.flat();
}

export const isAddress = ({ type }: ResourceRecord): boolean => type === 'A' || type === 'AAAA';
