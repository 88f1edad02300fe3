import { answersFor, endOfAliases } from '../dns/message.ts';
import type { Resolver } from '../dns/resolver.ts';
import { asDns01Error, Dns01Error } from '../errors.ts';
import { type Fqdn, parseName } from '../names.ts';
import { type CaaRecord, parseCaaRecord } from './caa-rules.ts';

/** The CAA records that count for a domain (RFC 8659 section 3). */
export type CaaSet =
  | { readonly kind: 'none' }
  | FoundSet
  /** The records that count could be at this name, so a CA does not issue. */
  | { readonly kind: 'failed'; readonly at: Fqdn; readonly error: Dns01Error }
  /** The top-level domain does not exist, and nothing below it has records. */
  | { readonly kind: 'no-top'; readonly at: Fqdn };

export interface FoundSet {
  readonly kind: 'found';
  readonly at: Fqdn;
  /** Where the records are: the name itself, or the end of its CNAMEs. */
  readonly owner: Fqdn;
  readonly records: readonly CaaRecord[];
}

/** The names that a CA asks for CAA records: the domain and everything above it, the top level included. */
export function caaOwners(domain: Fqdn): Fqdn[] {
  const labels = domain.split('.');
  return labels.map((_, index) => labels.slice(index).join('.') as Fqdn);
}

/**
 * The closest set on the way up. The resolver follows CNAMEs at each step; the names above a CNAME's target do not count.
 * All names are asked at once, as Boulder does (va/caa.go, parallelCAALookup); what fails above the set does no harm.
 */
export async function closestSet(domain: Fqdn, resolver: Resolver): Promise<CaaSet> {
  const steps = caaOwners(domain).map((at) => setAt(at, resolver));
  for (const step of steps) {
    const set = await step;
    if (set.kind !== 'none') return set;
  }
  return { kind: 'none' };
}

/** Never rejects. */
async function setAt(at: Fqdn, resolver: Resolver): Promise<CaaSet> {
  try {
    const question = { name: at, type: 'CAA' } as const;
    const message = await resolver.resolve(question);
    const records = answersFor(message, question).map(({ data }) => parseCaaRecord(data) ?? malformed(at));
    const owner = parseName(endOfAliases(message, at)) ?? at;
    if (records.length > 0) return { kind: 'found', at, owner, records };
    // Boulder takes NXDOMAIN for "no records", but not where it says that the top-level domain is gone.
    return message.rcode === 'NXDOMAIN' && !at.includes('.') ? { kind: 'no-top', at } : { kind: 'none' };
  } catch (error) {
    return { kind: 'failed', at, error: asDns01Error(error) };
  }
}

function malformed(at: Fqdn): never {
  throw new Dns01Error('E_REMOTE', `${at} has a CAA record that cannot be read`);
}
