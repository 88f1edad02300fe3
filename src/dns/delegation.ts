import { type Fqdn, isWithin, parseName } from '../names.ts';
import { askAny } from './ask-any.ts';
import { authorityPort, type DnsSettings } from './authority.ts';
import type { DnsMessage, QuestionType, ResourceRecord } from './message.ts';
import { ROOT_HINTS } from './root-hints.ts';
import { createAddressFilter, parseServerAddress, SPECIAL_NETWORKS } from './server-address.ts';
import {
  type Cut,
  cutBelow,
  isAddress,
  MAX_ADDRESSES,
  MAX_DELEGATIONS,
  MAX_NAME_SERVERS,
  type NameServer,
  nameServersOf,
  parentOf,
  ROOT,
  type ZoneServers,
} from './zone-cut.ts';

/** A name server as the DNS names it. */
export interface NameServerHost {
  readonly name: Fqdn;
  /** The addresses that the parent has beside its NS records; empty where it has none. */
  readonly glue: readonly string[];
  /** The addresses by the servers that hold its name. */
  readonly addresses: readonly string[];
  /** Where its name is a CNAME, which NS records may not name (RFC 2181 section 10.3). */
  readonly alias?: Fqdn | undefined;
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
  /** From below the top level down to the zone that holds the name, as far as it is known. */
  readonly zones: readonly Delegation[];
  /** What the servers of the last zone say of the name: NOERROR or NXDOMAIN. Undefined where the way ends too early. */
  readonly rcode?: string | undefined;
  /** Why the way ends too early, and the zone whose servers do not answer; that of the root is empty. */
  readonly failure?: { readonly zone: Fqdn; readonly text: string } | undefined;
}

export interface Delegations {
  /** The way to a name, by the answers of authoritative servers alone. Every zone is looked up once in a run. */
  find(name: Fqdn): Promise<DelegationWay>;
}

/** How many questions one search may ask, with those for addresses of name servers. An honest one needs a few dozen. */
const MAX_QUESTIONS = 300;

/** Name servers in zones whose name servers are in other zones, and so on. */
const MAX_DEPTH = 4;

/** For the addresses of one name server. */
const ADDRESS_TIMEOUT_MS = 4000;

/** What one search may still do; shared by the searches inside it. */
interface Work {
  readonly questions: { left: number };
  readonly depth: number;
}

/** A zone as the search passes it. */
interface Passed extends ZoneServers {
  readonly cut: Cut;
  readonly above: Passed | undefined;
}

interface Walk {
  readonly last: Passed | undefined;
  readonly rcode?: string | undefined;
  readonly failure?: DelegationWay['failure'];
}

export function openDelegations(dns: DnsSettings, signal: AbortSignal): Delegations {
  const port = authorityPort(dns);
  const mayAsk = createAddressFilter(dns.allowNetworks ?? [], SPECIAL_NETWORKS);
  const hints = dns.roots?.length ? dns.roots : ROOT_HINTS;
  const roots = { zone: ROOT, servers: hints.map((text) => ({ name: text, ...parseServerAddress(text) })) };
  const passed = new Map<Fqdn, Passed>();
  const details = new Map<Fqdn, Promise<Delegation>>();
  const addresses = new Map<Fqdn, readonly string[]>();
  // Where port 53 is closed, every further name would cost a time-out.
  let isRootSilent = false;
  const aliases = new Map<Fqdn, Fqdn>();

  const serversOf = (found: readonly NameServerHost[]): NameServer[] => {
    const all = found.flatMap(({ name, glue, addresses }) =>
      [...new Set([...glue, ...addresses])].map((address) => ({ name, address, port })),
    );
    return all.filter((server, index) => all.findIndex(({ address }) => address === server.address) === index);
  };
  const usable = (found: readonly NameServerHost[]): NameServer[] =>
    serversOf(found)
      .filter(({ address }) => mayAsk(address))
      .slice(0, MAX_ADDRESSES);

  async function walk(name: Fqdn, work: Work, onPassed: (each: Passed) => void = () => {}): Promise<Walk> {
    let last = nearest(name, passed);
    for (let depth = 0; depth < MAX_DELEGATIONS && work.questions.left-- > 0; depth++) {
      if (last?.zone === name) return { last, rcode: 'NOERROR' };
      const { zone, servers }: ZoneServers = last ?? roots;
      if (servers.length === 0) return { last, failure: { zone, text: 'none of its name servers can be asked' } };
      const below = last || !isRootSilent ? await cutBelow({ zone, servers }, name, signal) : undefined;
      if (!last) isRootSilent = below === undefined;
      if (below === undefined) return { last, failure: { zone, text: 'none of its name servers answers' } };
      if (!('names' in below)) return { last, rcode: below.rcode };
      last = await pass(below, last, work);
      onPassed(last);
    }
    return { last, failure: { zone: last?.zone ?? ROOT, text: 'its delegations lead too far' } };
  }

  /** Goes on with the glue where there is any, so that two zones with a server in the other one do not wait for each other. */
  async function pass(cut: Cut, above: Passed | undefined, work: Work): Promise<Passed> {
    const withGlue = hostsOf(cut.names).map((name) => ({ name, glue: glueFor(name, cut, above?.zone), addresses: [] }));
    let servers = usable(withGlue);
    if (servers.length === 0) {
      const outside = withGlue.filter(({ name }) => !isWithin(name, cut.zone));
      const located = outside.map(async ({ name }) => ({ name, glue: [], addresses: await addressesOf(name, work) }));
      servers = usable(await Promise.all(located));
    }
    const found = { zone: cut.zone, servers, cut, above };
    passed.set(cut.zone, found);
    return found;
  }

  /** The results alone are shared: searches that wait for each other would never end. */
  async function addressesOf(name: Fqdn, work: Work): Promise<readonly string[]> {
    const known = addresses.get(name);
    if (known || work.depth >= MAX_DEPTH) return known ?? [];
    const timeUp = AbortSignal.any([signal, AbortSignal.timeout(ADDRESS_TIMEOUT_MS)]);
    const stopped = new Promise<readonly string[]>((resolve) => timeUp.addEventListener('abort', () => resolve([])));
    const found = await Promise.race([lookUp(name, { ...work, depth: work.depth + 1 }), stopped]);
    addresses.set(name, found);
    return found;
  }

  async function lookUp(name: Fqdn, work: Work): Promise<readonly string[]> {
    const { last, failure } = await walk(name, work);
    work.questions.left -= 2;
    if (!last || failure || work.questions.left < 0) return [];
    const found = await Promise.all((['A', 'AAAA'] as const).map((type) => ask(last.servers, name, type)));
    const records = found.flatMap((message) => message?.answers ?? []);
    const target = parseName(records.find((record) => record.type === 'CNAME' && record.name === name)?.data ?? '');
    if (target === undefined) {
      return addressesIn(records, name);
    }
    aliases.set(name, target);
    return addressesOf(target, work);
  }

  const ask = (servers: readonly NameServer[], name: Fqdn, type: QuestionType): Promise<DnsMessage | undefined> =>
    askAny(servers, { name, type }, { signal, authority: 'required' });

  async function detailsOf({ zone, servers, cut, above }: Passed, work: Work): Promise<Delegation> {
    const own = await ask(servers, zone, 'NS');
    const childNames = own && nameServersOf(own.answers, zone);
    const names = [...new Set([...hostsOf(cut.names), ...hostsOf(childNames ?? [])])];
    const found = await Promise.all(
      names.map(async (name) => {
        const glue = cut.names.includes(name) && cut.isReferral ? glueFor(name, cut, above?.zone) : [];
        const isKnown = own !== undefined || !isWithin(name, zone);
        const found = isKnown ? await addressesOf(name, work) : [];
        return { name, glue, addresses: found, alias: aliases.get(name) };
      }),
    );
    return {
      zone,
      parentNames: cut.isReferral ? cut.names : undefined,
      childNames,
      hosts: found,
      servers: usable(found),
      refused: serversOf(found).filter(({ address }) => !mayAsk(address)),
    };
  }

  return {
    async find(name) {
      const work = { questions: { left: MAX_QUESTIONS }, depth: 0 };
      const withDetails = (each: Passed): Promise<Delegation> => {
        const known = details.get(each.zone) ?? detailsOf(each, work);
        details.set(each.zone, known);
        return known;
      };
      const isShown = ({ zone }: Passed): boolean => zone.includes('.');
      // Asked for while the search goes on below.
      const { last, rcode, failure } = await walk(name, work, (each) => isShown(each) && withDetails(each));
      return { zones: await Promise.all(chainOf(last).filter(isShown).map(withDetails)), rcode, failure };
    },
  };
}

/** The zones from the top down to this one. */
function chainOf(last: Passed | undefined): Passed[] {
  return last ? [...chainOf(last.above), last] : [];
}

function nearest(name: Fqdn, passed: ReadonlyMap<Fqdn, Passed>): Passed | undefined {
  for (let at = name; ; at = parentOf(at)) {
    const found = passed.get(at);
    if (found || !at.includes('.')) return found;
  }
}

const hostsOf = (names: readonly string[]): Fqdn[] =>
  names.slice(0, MAX_NAME_SERVERS).flatMap((text) => parseName(text) ?? []);

/** A server's addresses of names outside its own zone do not count: anybody may give them (RFC 2181 section 5.4.1). */
function glueFor(name: Fqdn, { glue }: Cut, zone: Fqdn = ROOT): string[] {
  if (zone !== ROOT && !isWithin(name, zone)) return [];
  return addressesIn(glue, name);
}

function addressesIn(records: readonly ResourceRecord[], name: Fqdn): string[] {
  const found = records.filter((record) => isAddress(record) && record.name === name);
  return found.slice(0, MAX_ADDRESSES).map(({ data }) => data);
}
