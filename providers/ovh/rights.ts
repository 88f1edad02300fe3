import type { RightCheck } from '../../src/provider.ts';

export interface Credential {
  readonly status: string;
  readonly expiration?: string | null | undefined;
  readonly rules: readonly { readonly method: string; readonly path: string }[];
}

/** The calls that publishing and withdrawing need. */
export const NEEDED = [
  ['GET', '/record'],
  ['GET', '/record/*'],
  ['POST', '/record'],
  ['DELETE', '/record/*'],
  ['POST', '/refresh'],
] as const;

/** Where nothing but zones in general are in the rules. */
const ANY_ZONE = '*';

/** Which of the needed calls the consumer key may make, in each zone that its rules name, and when it ends. */
export function rightsOf({ status, expiration, rules }: Credential): RightCheck[] {
  const until = expiration ? new Date(expiration) : undefined;
  const key: RightCheck = {
    right: 'consumer key',
    held: status === 'validated',
    hint: `its state is ${/^\w+$/.test(status) ? status : 'unknown'}: create a new consumer key, or open its validation address`,
    ...(until && !Number.isNaN(until.getTime()) ? { until } : {}),
  };
  const named = rules.flatMap(({ path }) => /^\/domain\/zone\/([\w.-]+)(?:\/|$)/.exec(path)?.[1] ?? []);
  const zones = named.length > 0 ? [...new Set(named)] : [ANY_ZONE];
  const calls = zones.flatMap((zone) =>
    NEEDED.map(([method, end]): RightCheck => {
      const path = `/domain/zone/${zone}${end}`;
      return {
        right: `${method} ${path}`,
        held: rules.some((rule) => rule.method === method && covers(rule.path, path)),
        hint: 'create a consumer key with this right',
      };
    }),
  );
  return [key, ...calls];
}

/** In a rule's path, `*` stands for any text, slashes included. */
function covers(rule: string, path: string): boolean {
  const [first = '', ...others] = rule.split('*');
  if (others.length === 0) return rule === path;
  if (!path.startsWith(first)) return false;
  let at = first.length;
  for (const [index, part] of others.entries()) {
    const isLast = index === others.length - 1;
    const next = isLast && part !== '' ? path.length - part.length : path.indexOf(part, at);
    if (next < at || !path.startsWith(part, next)) return false;
    at = next + part.length;
  }
  return true;
}
