import { TYPE } from '../../dns/wire.ts';
import type { Fqdn } from '../../names.ts';
import type { Prerequisite, Update } from './read-update.ts';
import { RCODE, type Reply, refused } from './reply.ts';

/**
 * The names to read, or a refusal. What can be known is TXT records, and that a name has any records, at names that the
 * user may write. A CNAME there is followed and never shown. The zone itself is there.
 * @param permit the name, or the refusal of one that the user may not write
 */
export function namesToRead(
  { zone, prerequisites }: Update,
  permit: (name: string) => { readonly name: Fqdn } | Reply,
): Reply | Fqdn[] {
  const names = new Set<Fqdn>();
  for (const { name, type } of prerequisites) {
    if (name === zone && isOfZone(type)) continue;
    const permitted = permit(name);
    if ('rcode' in permitted) return permitted;
    if (type === TYPE.CNAME) continue;
    if (type !== TYPE.TXT && type !== TYPE.ANY) return refused('only prerequisites about TXT records');
    names.add(permitted.name);
  }
  return [...names];
}

const isOfZone = (type: number): boolean => type === TYPE.SOA || type === TYPE.NS || type === TYPE.ANY;

/** The response code of the first prerequisite that fails (RFC 2136 section 3.2); undefined if all hold. */
export function failedPrerequisite(
  { zone, prerequisites }: Update,
  values: ReadonlyMap<string, readonly string[]>,
): Reply | undefined {
  const exact = new Map<string, Set<string>>();
  for (const each of prerequisites) {
    const { name, type, expected, value } = each;
    if (expected === 'exactly' && value !== undefined) {
      exact.set(name, (exact.get(name) ?? new Set()).add(value));
      continue;
    }
    const isThere = name === zone && isOfZone(type) ? true : type !== TYPE.CNAME && hasValues(values, name);
    if (isThere !== (expected === 'some')) return { rcode: failureOf(each) };
  }
  for (const [name, wanted] of exact) {
    const there = new Set(values.get(name) ?? []);
    const isSame = there.size === wanted.size && [...wanted].every((value) => there.has(value));
    if (!isSame) return { rcode: RCODE.NXRRSET };
  }
  return undefined;
}

const hasValues = (values: ReadonlyMap<string, readonly string[]>, name: string): boolean =>
  (values.get(name) ?? []).length > 0;

function failureOf({ type, expected }: Prerequisite): number {
  if (expected === 'some') return type === TYPE.ANY ? RCODE.NXDOMAIN : RCODE.NXRRSET;
  return type === TYPE.ANY ? RCODE.YXDOMAIN : RCODE.YXRRSET;
}
