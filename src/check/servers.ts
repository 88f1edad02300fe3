import { randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { challengeNameOf } from '../challenge/challenge.ts';
import type { Run } from '../challenge/run.ts';
import type { Authority, NameServer } from '../dns/authority.ts';
import { type DnsMessage, readSoa } from '../dns/message.ts';
import { query } from '../dns/query.ts';
import { formatServerAddress } from '../dns/server-address.ts';
import type { Fqdn } from '../names.ts';
import { type Findings, type Reporter, reporterFor } from './finding.ts';

/** For one question to one server. */
const TIMEOUT_MS = 3000;

/** A resolver that caches "not there" for longer can outlast an authorization. */
const MAX_NEGATIVE_TTL_S = 900;

/** Whether every server of a zone answers for it: an add waits for all of them, and a CA may ask any. */
export async function* checkServers({ zone, servers, configured }: Authority, run: Run): Findings {
  const report = reporterFor(`zone ${zone}`);
  const answers = await Promise.all(servers.map((server) => soaFrom(server, zone, configured, run)));
  const good = answers.filter(({ state }) => state === 'good').length;
  const heard = answers.some(({ state }) => state !== 'unreachable');
  const hint = configured
    ? 'dns01 waits until each of dns.nameservers shows a value: repair this one, or remove it'
    : 'dns01 waits for this server, and a CA may ask it: repair it, or remove it from the NS records';
  for (const [index, server] of servers.entries()) {
    const { state, problem } = answers[index] ?? {};
    if (problem === undefined) continue;
    const text = `${nameOf(server)} ${problem}`;
    if (state === 'unreachable' && heard) yield report.notChecked('name server', text);
    else if (good > 0) yield report.warning('name server', text, hint);
    else yield report.bad('name server', text);
  }
  if (good > 0) yield report.good('name server', `${good} of ${servers.length} addresses answer`);
  if (!configured && servers.every(({ address }) => isIPv6(address))) {
    yield report.warning('name server', 'all name servers have IPv6 addresses only', 'some resolvers have IPv4 only');
  }
  const negativeTtl = Math.max(0, ...answers.map(({ negativeTtl: seconds }) => seconds));
  if (negativeTtl > MAX_NEGATIVE_TTL_S) {
    const lower = `set the last number of the SOA record to ${MAX_NEGATIVE_TTL_S} or less`;
    yield report.warning(
      'negative ttl',
      `resolvers may remember for ${negativeTtl} s that a value is not there`,
      lower,
    );
  }
}

function nameOf(server: NameServer): string {
  const address = formatServerAddress(server);
  return server.name === address ? address : `${server.name} ${address}`;
}

interface SoaAnswer {
  readonly state: 'good' | 'bad' | 'unreachable';
  readonly problem?: string | undefined;
  readonly negativeTtl: number;
}

/** Servers that the config names need not be authoritative. */
async function soaFrom(server: NameServer, zone: Fqdn, configured: boolean, { deadline }: Run): Promise<SoaAnswer> {
  const options = { recursive: false, timeoutMs: TIMEOUT_MS, signal: deadline.signal };
  const result = await query(server, { name: zone, type: 'SOA' }, options);
  if (result.kind === 'silent') return { state: 'bad', problem: result.reason, negativeTtl: 0 };
  if (result.kind === 'unreachable') return { state: 'unreachable', problem: result.reason, negativeTtl: 0 };
  const { rcode, authoritative } = result.message;
  if (rcode !== 'NOERROR') return { state: 'bad', problem: `answers ${rcode}`, negativeTtl: 0 };
  const negativeTtl = negativeTtlIn(result.message);
  if (authoritative || configured) return { state: 'good', negativeTtl };
  return { state: 'bad', problem: 'does not serve the zone', negativeTtl };
}

function negativeTtlIn({ answers, authorities }: DnsMessage): number {
  const soa = [...answers, ...authorities].find(({ type }) => type === 'SOA');
  return soa ? readSoa(soa).negativeTtlS : 0;
}

/** A wildcard TXT record answers at every challenge name without a value, with values that are not ours. */
export async function* checkWildcard(domain: Fqdn, { servers }: Authority, run: Run, report: Reporter): Findings {
  const nowhere = challengeNameOf(`dns01-${randomBytes(6).toString('hex')}.${domain}`);
  const options = { recursive: false, timeoutMs: TIMEOUT_MS, signal: run.deadline.signal };
  for (const server of servers) {
    const result = await query(server, { name: nowhere, type: 'TXT' }, options);
    if (result.kind !== 'answer') continue;
    const made = result.message.answers.find(({ type }) => type === 'TXT' || type === 'CNAME');
    if (!made) return;
    yield report.warning(
      'wildcard',
      `a wildcard ${made.type} record answers at names that do not exist`,
      `it does not show at a name below ${domain} that holds a value, but resolvers may remember it from before`,
    );
    return;
  }
}
