import { type Fqdn, isWithin } from '../names.ts';
import { challengeParts } from './challenge.ts';
import { isPersistName } from './persist.ts';

/** On whose behalf a run writes. */
export interface Principal {
  /** Of a user of the gateway; the command line has none. */
  readonly name?: string | undefined;
  /** Whether this name, at the end of all CNAMEs, may be written. */
  mayWrite(name: Fqdn): boolean;
}

/** The command line may write everything that the config allows. */
export const WHOLE_CONFIG: Principal = { mayWrite: () => true };

/**
 * A user of the gateway may write the challenge names of these domains and of everything below them. A lasting record lets
 * its account issue for good, so its name has to be among them itself.
 * @param own single names in zones that CNAMEs lead to, which the user may write as well
 */
export function userOf(domains: readonly Fqdn[], name?: string, own: readonly Fqdn[] = []): Principal {
  return {
    name,
    mayWrite(target) {
      if (own.includes(target)) return true;
      if (isPersistName(target)) return domains.includes(target);
      const domain = challengeParts(target)?.domain ?? target;
      return domains.some((allowed) => isWithin(domain, allowed));
    },
  };
}
