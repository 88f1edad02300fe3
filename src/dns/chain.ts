import { randomBytes } from 'node:crypto';
import { Dns01Error } from '../errors.ts';
import { type Fqdn, parseName } from '../names.ts';
import { askAny } from './ask-any.ts';
import type { AuthorityFinder } from './authority.ts';

/** No honest chain has more aliases, and CAs stop earlier. */
const MAX_CHAIN = 8;

/**
 * Follows the CNAMEs from a name, each as its own authoritative servers have it. The result begins with the name itself
 * and ends where the chain ends. An alias that a wildcard makes for every name below a domain does not count, because a
 * record at the name itself hides it (RFC 4592 section 2.2).
 * @param unanswered called where the DNS does not answer; the chain then ends there
 * @throws E_ZONE with the chain, for a loop, a chain that is too long, or a target that is not a domain name
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
    const alias = await aliasAt(at);
    if (alias === undefined) return chain;
    if (chain.length === 1 && (await aliasAt(siblingOf(name))) === alias) return chain;
    const target = parseName(alias);
    if (target === undefined) throw badTarget(chain, alias);
    if (chain.includes(target)) throw badChain([...chain, target], 'is a loop');
    chain.push(target);
    if (chain.length > MAX_CHAIN) throw badChain(chain, `is longer than ${MAX_CHAIN}`);
    at = target;
  }
}

/** A random name beside the given one, which only a wildcard can answer for. */
export function siblingOf(name: Fqdn): Fqdn {
  const label = `_dns01-${randomBytes(8).toString('hex')}`;
  return (name.includes('.') ? `${label}${name.slice(name.indexOf('.'))}` : label) as Fqdn;
}

/** The target as the answer has it, which may not be a domain name. @throws E_REMOTE where no server answers */
async function aliasOf(name: Fqdn, finder: AuthorityFinder, signal: AbortSignal): Promise<string | undefined> {
  const { servers, zone, configured } = await finder.find(name);
  const authority = configured ? 'ignored' : 'preferred';
  const message = await askAny(servers, { name, type: 'CNAME' }, { signal, authority });
  if (message) return message.answers.find((record) => record.type === 'CNAME' && record.name === name)?.data;
  throw new Dns01Error('E_REMOTE', `no name server of ${zone} answers for ${name}`, {
    hint: 'check the delegation of the zone, or name its servers in dns.nameservers of the config',
  });
}

function badChain(chain: readonly string[], what: string): Dns01Error {
  return new Dns01Error('E_ZONE', `the CNAME chain ${what}: ${chain.join(' -> ')}`, {
    hint: 'correct the CNAME records in the zone',
  });
}

function badTarget(chain: readonly Fqdn[], target: string): Dns01Error {
  return badChain([...chain, JSON.stringify(target)], 'leads to something that is not a domain name');
}
