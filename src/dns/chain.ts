import { randomBytes } from 'node:crypto';
import { Dns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import { ask } from './ask.ts';
import type { AuthorityFinder } from './authority.ts';
import type { DnsMessage } from './message.ts';

/** More aliases after each other do not happen by honest means; CAs stop earlier. */
const LONGEST_CHAIN = 8;

/** Milliseconds for one question to one authoritative server. */
const TIMEOUT = 2000;

/**
 * Follow the CNAMEs from a name, each by the word of its own authoritative servers. The result begins with the name
 * itself and ends where the chain ends; alone, it has no CNAME. An alias that a wildcard makes up for every name below a
 * domain is none: a record at the name itself hides it (RFC 4592 section 2.2).
 * @param unanswered told where the DNS does not answer: there, as far as anybody can tell, the chain ends
 * @throws E_ZONE for a loop or a chain without end, showing it
 */
export async function followCnames(
  name: Fqdn,
  finder: AuthorityFinder,
  signal: AbortSignal,
  unanswered: (name: Fqdn, reason: string) => void,
): Promise<Fqdn[]> {
  const aliasAt = (at: Fqdn) =>
    aliasOf(at, finder, signal).catch((error: Error) => {
      unanswered(at, error.message);
      return undefined;
    });
  const chain = [name];
  for (let at = name; ; ) {
    const target = await aliasAt(at);
    if (target === undefined) return chain;
    if (chain.length === 1 && (await aliasAt(siblingOf(name))) === target) return chain;
    if (chain.includes(target)) throw badChain([...chain, target], 'goes round in a circle');
    chain.push(target);
    if (chain.length > LONGEST_CHAIN) throw badChain(chain, `is longer than ${LONGEST_CHAIN}`);
    at = target;
  }
}

/** A name beside the given one that nobody can have made a record for. */
function siblingOf(name: Fqdn): Fqdn {
  const label = `_dns01-${randomBytes(8).toString('hex')}`;
  return name.includes('.') ? `${label}${name.slice(name.indexOf('.'))}` : label;
}

async function aliasOf(name: Fqdn, finder: AuthorityFinder, signal: AbortSignal): Promise<Fqdn | undefined> {
  const { servers, zone } = await finder.find(name);
  for (const server of servers) {
    const reply = await ask(server, { name, type: 'CNAME' }, { recursive: false, timeout: TIMEOUT, signal });
    if (reply.kind !== 'answer' || !KNOWS.has(reply.message.rcode)) continue;
    return targetIn(reply.message, name);
  }
  throw new Dns01Error('E_REMOTE', `no name server of ${zone} answers for ${name}`, {
    hint: 'check the delegation of the zone, or name its servers in dns.nameservers of the config',
  });
}

const KNOWS = new Set(['NOERROR', 'NXDOMAIN']);

function targetIn({ answers }: DnsMessage, name: Fqdn): Fqdn | undefined {
  return answers.find((record) => record.type === 'CNAME' && record.name === name)?.data;
}

function badChain(chain: readonly Fqdn[], what: string): Dns01Error {
  return new Dns01Error('E_ZONE', `the CNAME chain ${what}: ${chain.join(' -> ')}`, {
    hint: 'mend the CNAME records in the zone',
  });
}
