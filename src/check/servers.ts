import { isIPv6 } from 'node:net';
import type { Fqdn } from '../names.ts';
import type { Finding, Reporter } from './finding.ts';
import { type Defect, type ServerState, serialsOf } from './server-probe.ts';

const CHECK = 'name server';

/** What to say about a defect: for some of the servers it is a warning, for all of them what it says here. */
const DEFECTS: Readonly<Record<Defect, { text: string; hint: string; all: 'warning' | 'bad' }>> = {
  'no-tcp': {
    text: 'does not answer over TCP',
    hint: 'open port 53 for TCP too: resolvers need it where an answer is too long for UDP',
    all: 'warning',
  },
  'no-edns': {
    text: 'does not know EDNS',
    hint: 'update the server, or the firewall before it: DNSSEC and answers of more than 512 bytes over UDP need EDNS',
    all: 'warning',
  },
  'mixed-case-dropped': {
    text: 'does not answer questions in mixed letter case',
    hint: "update the server, or the firewall before it: Let's Encrypt asks like this to notice forged answers",
    all: 'bad',
  },
  'mixed-case-changed': {
    text: 'answers in another letter case than the question',
    hint: 'update the server, or what is before it: resolvers that look at the case ask again, or give up',
    all: 'warning',
  },
  slow: {
    text: 'is slow',
    hint: "look at the server's load and its way to the Internet: a CA asks from far away, and gives up early",
    all: 'warning',
  },
};

/**
 * Whether every server of a zone answers for it: an add waits for all of them, and a CA may ask any.
 * @param configured the config names the servers
 */
export function* judgeServers(
  states: readonly ServerState[],
  configured: boolean,
  report: Reporter,
): Generator<Finding> {
  const good = states.filter(({ state }) => state === 'good');
  const hint = configured
    ? 'dns01 waits until each of dns.nameservers shows a value: repair this one, or remove it'
    : 'dns01 waits for this server, and a CA may ask it: repair it, or remove it from the NS records';
  for (const { server, state, problem } of states) {
    if (state === 'good') continue;
    const text = `${server} ${problem}`;
    if (state === 'unreachable') yield report.notChecked(CHECK, text);
    else if (good.length > 0) yield report.warning(CHECK, text, hint);
    else yield report.bad(CHECK, text, hint);
  }
  for (const [defect, about] of Object.entries(DEFECTS)) {
    const having = good.filter(({ defects }) => defects.includes(defect as Defect));
    if (having.length === 0) continue;
    const who = having.map(({ server, took }) => (defect === 'slow' ? `${server} (${Math.round(took)} ms)` : server));
    yield report[having.length === good.length ? about.all : 'warning'](
      CHECK,
      `${who.join(', ')} ${about.text}`,
      about.hint,
    );
  }
  yield* judgeSerials(good, report);
  if (good.length > 0) yield report.good(CHECK, `${good.length} of ${states.length} addresses answer`);
  if (!configured && states.length > 0 && states.every(({ address }) => isIPv6(address.address))) {
    yield report.warning(CHECK, 'all name servers have IPv6 addresses only', 'some resolvers have IPv4 only');
  }
}

function* judgeSerials(good: readonly ServerState[], report: Reporter): Generator<Finding> {
  const serials = [...new Set(serialsOf(good))].sort((a, b) => b - a);
  if (serials.length < 2) return;
  const each = serials.map((serial) => {
    const who = good.filter(({ soa }) => soa?.serial === serial).map(({ server }) => server);
    return `serial ${serial} at ${who.join(', ')}`;
  });
  yield report.warning(
    CHECK,
    `the servers have different versions of the zone: ${each.join('; ')}`,
    'repair the transfers to the servers with the older one: a CA may ask any of them',
  );
}

/** A resolver that remembers "not there" for longer can outlast an authorization. */
const MAX_NEGATIVE_TTL_S = 900;

/** For how long a value that was not there may stay unseen. */
export function judgeNegativeTtl(zone: Fqdn, states: readonly ServerState[], report: Reporter): Finding | undefined {
  const known = states.flatMap(({ soa }) => soa?.negativeTtlS ?? []);
  if (known.length === 0) return undefined;
  const longest = Math.max(...known);
  const text = `resolvers may remember for ${longest} s that a value is not there`;
  if (longest <= MAX_NEGATIVE_TTL_S) return report.good('negative answers', text);
  const hint = `set the last number of the SOA record of ${zone} to ${MAX_NEGATIVE_TTL_S} or less`;
  return report.warning('negative answers', text, hint);
}
