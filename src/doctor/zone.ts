import { randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { CHALLENGE_LABEL, challengeNameOf } from '../challenge/challenge.ts';
import { WHOLE_CONFIG } from '../challenge/principal.ts';
import type { Run } from '../challenge/run.ts';
import { findTarget, type Target } from '../challenge/target.ts';
import type { Authority, NameServer } from '../dns/authority.ts';
import type { DnsMessage } from '../dns/message.ts';
import { query } from '../dns/query.ts';
import { formatServerAddress } from '../dns/server-address.ts';
import type { Fqdn } from '../names.ts';
import { checkCaa } from './caa.ts';
import { type Finding, type Findings, type Reporter, reporterFor } from './finding.ts';
import { checkNameServers } from './name-servers.ts';

/** Milliseconds for one question to one server. */
const TIMEOUT = 3000;

/** Seconds. A longer memory of "not there" can outlast an authorization. */
const LONG_NEGATIVE_TTL = 900;

/** What the public DNS says of a zone, as far as a challenge depends on it. */
export async function* checkZone(zone: Fqdn, issuer: string | undefined, run: Run): Findings {
  const report = reporterFor(`zone ${zone}`);
  try {
    const name = challengeNameOf(zone);
    const authority = await run.authorities.find(name);
    yield* checkDelegation(zone, authority, report);
    yield* checkServers(zone, authority, run, report);
    const target = await findTarget(name, run, { principal: WHOLE_CONFIG });
    yield* checkTarget(name, target, report);
    yield* checkNameServers(target, run, report);
    yield* checkWildcard(zone, authority, run, report);
    yield* checkCaa(zone, issuer, run, report);
  } catch (error) {
    yield report.failed('dns', error);
  }
}

async function* checkDelegation(zone: Fqdn, { zone: cut, configured }: Authority, report: Reporter): Findings {
  if (configured) yield report.good('delegation', 'name servers as the config names them');
  else if (cut === zone) yield report.good('delegation', 'the zone is delegated');
  else {
    const hint = `the record would be written into ${zone}, and the world asks ${cut}: put ${cut} under zones:`;
    yield report.warning('delegation', `the world finds ${CHALLENGE_LABEL}.${zone} in the zone ${cut}`, hint);
  }
}

async function* checkServers(zone: Fqdn, { servers, configured }: Authority, run: Run, report: Reporter): Findings {
  const answers = await Promise.all(servers.map((server) => soaFrom(server, zone, run)));
  const good = servers.filter((_, index) => answers[index]?.problem === undefined);
  for (const [index, server] of servers.entries()) {
    const problem = answers[index]?.problem;
    if (!problem) continue;
    const text = `${server.name} ${formatServerAddress(server)} ${problem}`;
    yield good.length > 0
      ? report.warning('name server', text, 'a CA may ask this one: mend it or take it out of the NS records')
      : report.bad('name server', text);
  }
  if (good.length > 0) yield report.good('name server', `${good.length} of ${servers.length} addresses answer`);
  if (!configured && servers.every(({ address }) => isIPv6(address))) {
    yield report.warning('name server', 'all name servers have IPv6 addresses only', 'some resolvers have IPv4 only');
  }
  const negativeTtl = Math.max(0, ...answers.map(({ negativeTtl: seconds }) => seconds));
  if (negativeTtl > LONG_NEGATIVE_TTL) {
    const hint = `set the last number of the SOA record to ${LONG_NEGATIVE_TTL} or less`;
    yield report.warning('negative ttl', `resolvers may remember for ${negativeTtl} s that a value is not there`, hint);
  }
}

interface SoaAnswer {
  readonly problem: string | undefined;
  readonly negativeTtl: number;
}

async function soaFrom(server: NameServer, zone: Fqdn, { deadline }: Run): Promise<SoaAnswer> {
  const reply = await query(
    server,
    { name: zone, type: 'SOA' },
    { recursive: false, timeoutMs: TIMEOUT, signal: deadline.signal },
  );
  if (reply.kind !== 'answer') return { problem: reply.reason, negativeTtl: 0 };
  const { rcode, authoritative } = reply.message;
  if (rcode !== 'NOERROR') return { problem: `answers ${rcode}`, negativeTtl: 0 };
  return { problem: authoritative ? undefined : 'does not serve the zone', negativeTtl: negativeTtlIn(reply.message) };
}

function negativeTtlIn({ answers, authorities }: DnsMessage): number {
  return Number([...answers, ...authorities].find(({ type }) => type === 'SOA')?.data ?? 0);
}

function* checkTarget(name: Fqdn, { name: target, account }: Target, report: Reporter): Generator<Finding> {
  yield report.good(
    'target',
    target === name
      ? `written at ${name} by account ${account}`
      : `${name} -> ${target}, written by account ${account}`,
  );
}

/** A wildcard TXT record answers at every challenge name until a value stands there, with values that are not ours. */
async function* checkWildcard(zone: Fqdn, { servers }: Authority, run: Run, report: Reporter): Findings {
  const nowhere = challengeNameOf(`dns01-${randomBytes(6).toString('hex')}.${zone}`);
  for (const server of servers) {
    const options = { recursive: false, timeoutMs: TIMEOUT, signal: run.deadline.signal };
    const reply = await query(server, { name: nowhere, type: 'TXT' }, options);
    if (reply.kind !== 'answer') continue;
    const made = reply.message.answers.find(({ type }) => type === 'TXT' || type === 'CNAME');
    if (!made) return;
    const what = `a wildcard answers at names that are not there, with a ${made.type} record`;
    yield report.warning(
      'wildcard',
      what,
      `a challenge below ${zone} hides it while it stands; names beside it may be seen anew`,
    );
    return;
  }
}
