import type { Authority } from '../dns/authority.ts';
import { siblingOf } from '../dns/chain.ts';
import { type DnsMessage, endOfAliases, type ResourceRecord } from '../dns/message.ts';
import { parentOf } from '../dns/zone-cut.ts';
import { type Fqdn, isWithin, parseName } from '../names.ts';
import { askAll } from './ask.ts';
import type { CheckContext } from './context.ts';
import type { Finding, Reporter } from './finding.ts';
import type { Wanted } from './wanted.ts';

/** The servers of one zone mostly run the same software, so a few of them show how it behaves. */
const SERVERS_ASKED = 4;

/** What is beside and above the challenge name. Only the zone's own servers are asked, because a resolver would remember. */
export async function checkSurroundings(
  { domain, challenge }: Pick<Wanted, 'domain' | 'challenge'>,
  { authorities, signal }: Pick<CheckContext, 'authorities' | 'signal'>,
  report: Reporter,
): Promise<Finding[]> {
  const { zone, servers, configured } = await authorities.find(challenge);
  const authority = { zone, servers: servers.slice(0, SERVERS_ASKED), configured };
  const found = await Promise.all([
    checkWildcard(challenge, authority, signal, report),
    checkDoubled({ domain, challenge }, authority, signal, report),
    checkEmptyNames(challenge, authority, signal, report),
  ]);
  return found.flat();
}

/** A wildcard record answers at every challenge name without a value, with values that are not ours. */
async function checkWildcard(
  challenge: Fqdn,
  authority: Authority,
  signal: AbortSignal,
  report: Reporter,
): Promise<Finding[]> {
  const [made] = await madeByWildcard(challenge, authority, signal);
  if (!made) return [];
  const text = `a wildcard ${made.type} record answers at names that do not exist`;
  const hint = `it does not show at ${challenge} while that holds a value, but resolvers may remember it from before`;
  return [report.warning('wildcard', text, hint)];
}

/** The records that a wildcard makes at names beside this one, as the first server with any shows them. */
export async function madeByWildcard(
  name: Fqdn,
  authority: Authority,
  signal: AbortSignal,
): Promise<readonly ResourceRecord[]> {
  return recordsAt(siblingOf(name), authority, signal);
}

/** The TXT and CNAME records at a name; not a CNAME that a DNAME makes, which leads everything below it elsewhere. */
async function recordsAt(name: Fqdn, authority: Authority, signal: AbortSignal): Promise<readonly ResourceRecord[]> {
  const { answers } = await askAll(authority, { name, type: 'TXT' }, signal);
  const each = answers.map(({ message }) =>
    message.answers.some(({ type }) => type === 'DNAME')
      ? []
      : message.answers.filter((record) => record.name === name && (record.type === 'TXT' || record.type === 'CNAME')),
  );
  return each.find((records) => records.length > 0) ?? [];
}

/** Where a value ends up that was entered with its whole name into a form that appends the zone. */
async function checkDoubled(
  { domain, challenge }: Pick<Wanted, 'domain' | 'challenge'>,
  authority: Authority,
  signal: AbortSignal,
  report: Reporter,
): Promise<Finding[]> {
  const suffixes = [...new Set([authority.zone, domain])].filter((suffix) => isWithin(suffix, authority.zone));
  const names = suffixes.flatMap((suffix) => parseName(`${challenge}.${suffix}`) ?? []);
  const found = await Promise.all(
    names.map(async (name) => {
      const [record] = await recordsAt(name, authority, signal);
      // A wildcard answers there as well.
      if (!record || (await madeByWildcard(name, authority, signal)).length > 0) return [];
      const text = `there is a ${record.type} record at ${name}: something has appended the zone to a whole name`;
      return [report.warning('doubled name', text, `it belongs at ${challenge}: enter it without the zone there`)];
    }),
  );
  return found.flat();
}

/** A name with something below it exists, also without records of its own (RFC 8020 section 2). */
async function checkEmptyNames(
  challenge: Fqdn,
  authority: Authority,
  signal: AbortSignal,
  report: Reporter,
): Promise<Finding[]> {
  const names = namesBelow(authority.zone, challenge);
  const states = await Promise.all(
    names.map(async (name) => {
      const { answers } = await askAll(authority, { name, type: 'TXT' }, signal);
      return new Map(answers.map(({ server, message }) => [server, exists(message, name)]));
    }),
  );
  for (const [index, above] of names.entries()) {
    for (const [server, isThere] of states[index] ?? []) {
      const below = isThere ? -1 : states.slice(0, index).findIndex((state) => state.get(server) === true);
      if (below < 0) continue;
      const text = `${server} says that ${above} does not exist (NXDOMAIN), but it has ${names[below]} below it`;
      const hint = 'repair the name server: some resolvers do not ask for anything below such a name';
      return [report.warning('empty name', text, hint)];
    }
  }
  return [];
}

/** The name and those above it, down to the ones directly below the zone. */
function namesBelow(zone: Fqdn, name: Fqdn): Fqdn[] {
  const names: Fqdn[] = [];
  for (let at = name; at !== zone && isWithin(at, zone); at = parentOf(at)) names.push(at);
  return names;
}

/** A CNAME is there whatever the RCODE says of its target (RFC 6604 section 3). */
const exists = (message: DnsMessage, name: Fqdn): boolean =>
  message.rcode === 'NOERROR' || endOfAliases(message, name) !== name;
