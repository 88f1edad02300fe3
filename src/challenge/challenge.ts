import type { Config } from '../config/load.ts';
import type { Fqdn } from '../names.ts';
import { parseChallengeName } from './name.ts';
import { isDelegatedZone } from './route.ts';
import { looksLikeChallenge, parseValue } from './value.ts';

/** A value at a name that may be written: whoever has one has passed the guard. */
export interface Challenge {
  readonly name: Fqdn;
  readonly value: string;
}

/**
 * The guard before every write: only challenge names, only values that a zone can hold.
 * @throws E_USAGE with the right name as the hint
 */
export function guard(
  given: { readonly name: string; readonly value: string },
  config: Config,
  warn: (message: string) => void,
): Challenge {
  const name = parseChallengeName(given.name, isDelegatedZone(config));
  const value = parseValue(given.value);
  if (!looksLikeChallenge(value)) warn('the value is not what dns-01 publishes: 43 characters of base64url');
  return { name, value };
}
