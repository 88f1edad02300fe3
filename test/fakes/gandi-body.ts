/** The bodies of requests to LiveDNS, and values as it keeps them. */

const [LEAST_TTL, MOST_TTL] = [300, 2_592_000];
export const DEFAULT_TTL = 10_800;
const MAX_VALUE_LENGTH = 16_384;

interface Body {
  readonly values: readonly string[];
  readonly add: readonly string[];
  readonly remove: readonly string[];
  readonly ttl: number | undefined;
}

/** The body of a request, or what is wrong with it. */
export function parsed(text: string, isPatch: boolean): Body | string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return 'Invalid JSON';
  }
  if (typeof body !== 'object' || body === null) return 'Not an object';
  const {
    rrset_values = [],
    add_rrset_values = [],
    remove_rrset_values = [],
    rrset_ttl,
    ...more
  } = body as Record<string, unknown>;
  const [unknown] = Object.keys(more).filter((key) => key !== 'rrset_name' && key !== 'rrset_type');
  if (unknown !== undefined) return `Unrecognized key ${unknown}`;
  if (isPatch ? 'rrset_values' in body : 'add_rrset_values' in body || 'remove_rrset_values' in body)
    return 'Unrecognized key';
  const lists = [rrset_values, add_rrset_values, remove_rrset_values];
  if (
    !lists.every(
      (list) =>
        Array.isArray(list) &&
        list.every(
          (value) => typeof value === 'string' && value.length <= MAX_VALUE_LENGTH && /^[\x20-\x7e]+$/.test(value),
        ),
    )
  )
    return 'Not a list of values';
  const [values, add, remove] = lists as string[][];
  // acme.sh removes the last value by a PUT of none, which leaves an empty set.
  if (!isPatch && !('rrset_values' in body)) return 'rrset_values: Required';
  if (rrset_ttl !== undefined && (typeof rrset_ttl !== 'number' || rrset_ttl < LEAST_TTL || rrset_ttl > MOST_TTL))
    return `${rrset_ttl} is not between ${LEAST_TTL} and ${MOST_TTL}`;
  return { values: values ?? [], add: add ?? [], remove: remove ?? [], ttl: rrset_ttl };
}

export const unquoted = (text: string): string =>
  [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, part = '']) => part.replace(/\\(.)/g, '$1')).join('');

/** As the API shows a TXT value: quoted, in strings of up to 255 characters. */
export function stored(value: string): string {
  const text = value.startsWith('"') ? unquoted(value) : value;
  const strings = text.match(/[\s\S]{1,255}/g) ?? [''];
  return strings.map((string) => `"${string.replace(/["\\]/g, '\\$&')}"`).join(' ');
}
