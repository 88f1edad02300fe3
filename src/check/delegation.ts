import { followCnames } from '../dns/chain.ts';
import type { Delegation } from '../dns/delegation.ts';
import { type Fqdn, isWithin, parseName } from '../names.ts';
import { listed } from '../output/text.ts';
import { checkAnswerSize } from './answer-size.ts';
import { type CheckContext, configuredZone } from './context.ts';
import { ahead, type Finding, type Findings, type Reporter, reporterFor } from './finding.ts';
import { registeredDomain } from './name-rules.ts';
import { serverText } from './server-probe.ts';
import { judgeServers } from './servers.ts';
import type { Wanted } from './wanted.ts';

/** The zones that hold the challenge name and what its CNAMEs lead to, from each registered domain down. */
export async function* checkDelegation({ challenge }: Wanted, context: CheckContext, report: Reporter): Findings {
  const { authorities, signal } = context;
  const first = ahead(checkZonesOf(challenge, context, report));
  // Where the CNAMEs cannot be followed is a matter of the way of the challenge.
  const chain = await followCnames(challenge, authorities, signal, () => {}).catch(() => []);
  yield* first;
  for (const name of chain.slice(1)) yield* checkZonesOf(name, context, report);
}

async function* checkZonesOf(name: Fqdn, context: CheckContext, report: Reporter): Findings {
  const configured = configuredZone(name, context);
  const passed = configured === undefined ? yield* checkWalk(name, context, report) : [];
  if (configured !== undefined) {
    const text = `dns.nameservers says which servers to ask for ${configured}`;
    yield reporterFor(`zone ${configured}`).notChecked(CHECK, text);
  }
  const authority = await context.authorities.find(name).catch(() => undefined);
  if (!authority) return;
  const states = await context.probe(authority);
  if (!passed.includes(authority.zone)) {
    yield* judgeServers(states, authority.configured, reporterFor(`zone ${authority.zone}`));
  }
  yield* checkAnswerSize(name, states, context, report);
}

/** Returns the zones that it has passed. */
async function* checkWalk(name: Fqdn, context: CheckContext, report: Reporter): AsyncGenerator<Finding, Fqdn[]> {
  const registered = registeredDomain(name) as Fqdn | undefined;
  const { zones, failure } = await context.delegations.find(name);
  const own = registered === undefined ? zones : zones.filter(({ zone }) => isWithin(zone, registered));
  const found = await Promise.all(own.map((zone) => findingsOf(zone, context)));
  yield* found.flat();
  if (failure && !own.some(({ zone }) => zone === failure.zone)) {
    const at = failure.zone === '' ? 'the root' : failure.zone;
    yield report.notChecked(
      CHECK,
      `the way to ${name} ends at ${at}: ${failure.text}`,
      'open port 53 of this machine to the Internet, for UDP and TCP, or run this where it is open',
    );
  }
  // Those above the registered domain are a registry's, so nothing is said of them.
  return zones.map(({ zone }) => zone);
}

async function findingsOf(zone: Delegation, context: CheckContext): Promise<Finding[]> {
  const report = reporterFor(`zone ${zone.zone}`);
  const states = await context.probe(zone);
  return [...judgeAddresses(zone, report), ...judgeNames(zone, report), ...judgeServers(states, false, report)];
}

const CHECK = 'delegation';

function* judgeAddresses({ zone, hosts, servers, refused }: Delegation, report: Reporter): Generator<Finding> {
  const level = servers.length > 0 ? 'warning' : 'bad';
  const without = hosts.filter(({ glue, addresses }) => glue.length + addresses.length === 0).map(({ name }) => name);
  if (without.length > 0 || hosts.length === 0) {
    const who = without.length > 0 ? listed(without) : `no name server of ${zone}`;
    yield report[level](CHECK, `${who} has no address`, 'add its A or AAAA record, or remove it from the NS records');
  }
  if (refused.length > 0) {
    const text = `private or special addresses, which no CA asks: ${listed(refused.map(serverText))}`;
    yield report[level](
      'name server',
      text,
      'give the name servers public addresses, or remove them from the NS records',
    );
  }
}

function* judgeNames({ parentNames, childNames, hosts }: Delegation, report: Reporter): Generator<Finding> {
  const [parents, own] = [parentNames ?? [], childNames ?? []];
  const bad = [...new Set([...parents, ...own])].filter((each) => parseName(each) === undefined);
  if (bad.length > 0) {
    yield report.warning(CHECK, `NS records hold what is not a host name: ${listOf(bad.map(quoted))}`, 'correct them');
  }
  if (parentNames && childNames && !sameMembers(parentNames, childNames)) {
    yield report.warning(
      CHECK,
      `the parent zone names ${listOf(parentNames)}, the zone itself ${listOf(childNames)}`,
      'make both the same, at the registrar or in the zone: some resolvers ask the ones, some the others',
    );
  }
  for (const { name, alias } of hosts) {
    if (alias === undefined) continue;
    const text = `${name} is a CNAME to ${alias}, which some resolvers do not follow for a name server`;
    yield report.warning(CHECK, text, `name ${alias} in the NS records, or give ${name} addresses of its own`);
  }
  const wrong = hosts.filter(
    ({ glue, addresses }) => addresses.length > 0 && glue.some((each) => !addresses.includes(each)),
  );
  for (const { name, glue, addresses } of wrong) {
    yield report.warning(
      CHECK,
      `the parent zone gives ${listOf(glue)} as the address of ${name}, which has ${listOf(addresses)}`,
      'correct the address (glue) at the registrar',
    );
  }
  if (parentNames && childNames && wrong.length === 0 && sameMembers(parentNames, childNames)) {
    yield report.good(CHECK, `delegated to ${listOf(childNames)}`);
  }
}

const sameMembers = (some: readonly string[], others: readonly string[]): boolean =>
  some.every((each) => others.includes(each)) && others.every((each) => some.includes(each));

/** Servers show sets in changing order. */
const listOf = (texts: readonly string[]): string => listed([...texts].sort());

const quoted = (text: string): string => JSON.stringify(text);
