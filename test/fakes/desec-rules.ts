import { quoteTxt, unquoteTxt } from '../../src/provider.ts';

/** What deSEC's server checks of record sets, by the source of its serializers, validators and token policies. */
export interface DesecPolicy {
  readonly domain: string | null;
  readonly subname: string | null;
  readonly type: string | null;
  readonly perm_write?: boolean;
}

export interface RRset {
  readonly domain: string;
  readonly subname: string;
  readonly type: string;
  readonly ttl: number;
  readonly records: readonly string[];
}

export const STAMP = '2026-01-18T18:01:35.454616Z';
const SUBNAME = /^([*]|(([*][.])?([a-z0-9_-]{1,63}[.])*[a-z0-9_-]{1,63}))?$/;
const EXISTS = 'Another RRset with the same subdomain and type exists for this domain. (Try modifying it.)';
const REQUIRED = ['This field is required.'];

export type Body = Readonly<Record<string, unknown>>;
type Errors = Readonly<Record<string, readonly string[]>>;
/** What a write does with one record set: undefined is a deletion of nothing. */
export type Valid = { readonly set: RRset } | { readonly errors: Errors };

/** One item of a write. @param sets all sets of the server */
export function validate(
  sets: readonly RRset[],
  domain: string,
  item: Body,
  { method, isList, minimumTtl }: { readonly method: string; readonly isList: boolean; readonly minimumTtl: number },
): Valid {
  const { type, subname = isList ? undefined : '', records } = item;
  if (typeof subname !== 'string') return { errors: { subname: REQUIRED } };
  if (typeof type !== 'string') return { errors: { type: REQUIRED } };
  if (!SUBNAME.test(subname) || subname.length > 178) {
    return { errors: { subname: ['Subname can only use (lowercase) a-z, 0-9, ., -, and _, may start with a …'] } };
  }
  if (type === 'SOA')
    return { errors: { type: ['You cannot tinker with the SOA RR set. It is managed automatically.'] } };
  const known = find(sets, domain, subname, type);
  if (method === 'POST' && known) return { errors: { non_field_errors: [EXISTS] } };
  const isPartial = method === 'PATCH' && known !== undefined;
  const isDeletion = Array.isArray(records) && records.length === 0 && method !== 'POST';
  const ttl = item['ttl'] ?? (isPartial || isDeletion ? (known?.ttl ?? minimumTtl) : undefined);
  if (ttl === undefined) return { errors: { ttl: REQUIRED } };
  if (!Number.isInteger(ttl)) return { errors: { ttl: ['A valid integer is required.'] } };
  const least = `Ensure this value is greater than or equal to ${minimumTtl}.`;
  if (Number(ttl) < minimumTtl) return { errors: { ttl: [least] } };
  if (Number(ttl) > 86_400) return { errors: { ttl: ['Ensure this value is less than or equal to 86400.'] } };
  const contents = records ?? (isPartial ? known.records : undefined);
  if (!Array.isArray(contents)) return { errors: { records: REQUIRED } };
  if (method === 'POST' && contents.length === 0) {
    return { errors: { records: ['This field must not be empty when using POST.'] } };
  }
  const set = {
    domain,
    subname,
    type,
    ttl: Number(ttl),
    records: contents.map((content) => canonical(type, content)),
  };
  if (set.records.includes('')) return { errors: { non_field_errors: ['Content must be quoted.'] } };
  if (new Set(set.records).size < set.records.length) {
    return { errors: { non_field_errors: ['Duplicate: records must be semantically unique'] } };
  }
  const beside = sets.filter((other) => other.domain === domain && other.subname === subname);
  const conflicts = beside
    .filter((other) => (other.type === 'CNAME') !== (type === 'CNAME'))
    .map((other) => other.type);
  if (conflicts.length > 0 && !isDeletion) {
    const text = `RRset with conflicting type present at same subname: database (${conflicts.join(', ')}).`;
    return { errors: { non_field_errors: [`${text} (No other RRsets are allowed alongside CNAME.)`] } };
  }
  return { set };
}

/** The policy that fits best decides; without any policy everything is allowed. */
export function mayWrite(policies: readonly DesecPolicy[], { domain, subname, type }: RRset): boolean {
  const fits = (wanted: string | null, value: string) => wanted === null || wanted === value;
  const weight = (policy: DesecPolicy) =>
    (policy.domain === null ? 0 : 4) + (policy.subname === null ? 0 : 2) + (policy.type === null ? 0 : 1);
  const [best] = policies
    .filter((policy) => fits(policy.domain, domain) && fits(policy.subname, subname) && fits(policy.type, type))
    .sort((a, b) => weight(b) - weight(a));
  return best?.perm_write ?? policies.length === 0;
}

export const nameOfSet = ({ subname, domain }: RRset): string => (subname === '' ? domain : `${subname}.${domain}`);

export const shownSet = (set: RRset) => ({ created: STAMP, ...set, name: `${nameOfSet(set)}.`, touched: STAMP });

/** LongQuotedTXT: every string quoted, of any length, shown in strings of 255 octets. Empty where it is not. */
function canonical(type: string, content: unknown): string {
  if (typeof content !== 'string') return '';
  if (type !== 'TXT') return content;
  return content.trim().startsWith('"') ? quoteTxt(unquoteTxt(content)) : '';
}

export const isSet = (set: RRset, domain: string, subname: string, type: string): boolean =>
  set.domain === domain && set.subname === subname && set.type === type;

export const find = (sets: readonly RRset[], domain: string, subname: string, type: string): RRset | undefined =>
  sets.find((set) => isSet(set, domain, subname, type));
