import { type DnsMessage, readSoa, type Soa } from '../dns/message.ts';
import { type QueryOptions, type QueryResult, query } from '../dns/query.ts';
import { formatServerAddress } from '../dns/server-address.ts';
import { type NameServer, QUERY_TIMEOUT_MS } from '../dns/zone-cut.ts';
import type { Fqdn } from '../names.ts';

/** Resolvers are far away from some servers themselves, and give up after about a second. */
const SLOW_MS = 500;

/** What a server answers badly, although it serves the zone. */
export type Defect = 'no-tcp' | 'no-edns' | 'mixed-case-dropped' | 'mixed-case-changed' | 'slow';

/** What one address of a name server answers about its zone. */
export interface ServerState {
  /** Name and address, or the address alone where it has no name. */
  readonly server: string;
  readonly address: NameServer;
  /** `unreachable`: this machine has no way to it, which says nothing about it. */
  readonly state: 'good' | 'bad' | 'unreachable';
  /** Why it is not good, as the rest of a sentence about it. */
  readonly problem?: string | undefined;
  readonly soa?: Soa | undefined;
  readonly defects: readonly Defect[];
  readonly took: number;
}

export interface ProbedZone {
  readonly zone: Fqdn;
  readonly servers: readonly NameServer[];
  /** The config names the servers: they need not be authoritative. */
  readonly configured?: boolean | undefined;
}

/** Asks every server of a zone for its SOA record in all the ways in which a CA's resolver may ask. */
export async function probeZone(zone: ProbedZone, signal: AbortSignal): Promise<ServerState[]> {
  const states = await Promise.all(zone.servers.map((server) => probe(server, zone, signal)));
  if (new Set(serialsOf(states)).size <= 1) return states;
  // A transfer may be under way: what counts is whether they still differ a moment later.
  return Promise.all(states.map((state) => withNewSerial(state, zone, signal)));
}

export const serialsOf = (states: readonly ServerState[]): number[] => states.flatMap(({ soa }) => soa?.serial ?? []);

/** A server by name and address. */
export function serverText(server: NameServer): string {
  const address = formatServerAddress(server);
  return server.name === address ? address : `${server.name} ${address}`;
}

async function probe(address: NameServer, zone: ProbedZone, signal: AbortSignal): Promise<ServerState> {
  const ask = (how: Partial<QueryOptions>) => askSoa(address, zone.zone, { signal, ...how });
  let took = Number.POSITIVE_INFINITY;
  const timed = async (asked: Promise<QueryResult>) => {
    const started = performance.now();
    const result = await asked;
    took = Math.min(took, performance.now() - started);
    return result;
  };
  const [plain, mixed, bare, tcp] = await Promise.all([
    timed(ask({ transport: 'udp' })),
    timed(ask({ transport: 'udp', mixedCase: true })),
    ask({ transport: 'udp', edns: false }),
    ask({ transport: 'tcp' }),
  ]);
  const base = () => ({ server: serverText(address), address, took });
  const first = [plain, mixed, bare].find(({ kind }) => kind === 'answer') ?? plain;
  const useful = first.kind === 'answer' && first.message.truncated && tcp.kind === 'answer' ? tcp : first;
  if (useful.kind === 'unreachable') return { ...base(), state: 'unreachable', problem: useful.reason, defects: [] };
  if (useful.kind === 'silent') {
    const problem = tcp.kind === 'answer' ? 'answers over TCP, but not over UDP' : useful.reason;
    return { ...base(), state: 'bad', problem, defects: [] };
  }
  const soa = soaOf(useful.message, zone.zone);
  const problem = problemOf(useful.message, zone.configured ?? false);
  if (problem !== undefined) return { ...base(), state: 'bad', problem, soa, defects: [] };
  // This machine may have been slow, with all zones at once.
  if (took > SLOW_MS) await timed(ask({ transport: 'udp' }));
  const found: (Defect | false | undefined)[] = [
    tcp.kind !== 'answer' && 'no-tcp',
    (first === bare || !useful.message.edns) && 'no-edns',
    first !== bare && caseDefect(useful.message, mixed),
    took > SLOW_MS && 'slow',
  ];
  return { ...base(), state: 'good', soa, defects: found.filter((defect) => typeof defect === 'string') };
}

const askSoa = (server: NameServer, name: Fqdn, how: Partial<QueryOptions>): Promise<QueryResult> =>
  query(server, { name, type: 'SOA' }, { recursive: false, timeoutMs: QUERY_TIMEOUT_MS, ...how });

function problemOf({ rcode, authoritative, truncated }: DnsMessage, configured: boolean): string | undefined {
  if (rcode !== 'NOERROR') return `answers ${rcode}`;
  if (truncated) return 'has an answer that is too long for UDP, and does not answer over TCP';
  return authoritative || configured ? undefined : 'does not serve the zone';
}

function caseDefect(plain: DnsMessage, mixed: QueryResult): Defect | undefined {
  if (mixed.kind !== 'answer' || mixed.message.rcode !== plain.rcode) return 'mixed-case-dropped';
  return mixed.message.keepsCase ? undefined : 'mixed-case-changed';
}

function soaOf({ answers }: DnsMessage, zone: Fqdn): Soa | undefined {
  const record = answers.find(({ type, name }) => type === 'SOA' && name === zone);
  return record && readSoa(record);
}

async function withNewSerial(state: ServerState, { zone }: ProbedZone, signal: AbortSignal): Promise<ServerState> {
  if (!state.soa) return state;
  const result = await askSoa(state.address, zone, { signal });
  return result.kind === 'answer' ? { ...state, soa: soaOf(result.message, zone) ?? state.soa } : state;
}
