import { Dns01Error, isDns01Error } from '../errors.ts';
import { type Fqdn, isWithin, nameAndAbove } from '../names.ts';
import { isChallengeName } from './challenge.ts';
import { isPersistName } from './persist.ts';

/**
 * The zones that may hold a name, the likeliest first: the hints, then every name from the longest on. A challenge name
 * is rarely a zone of its own, so it comes last, unless it is a hint.
 * @param hints e.g. the zone of last time and the zone that the DNS shows
 */
export function zonesToTry(name: Fqdn, hints: readonly (Fqdn | undefined)[] = []): Fqdn[] {
  const known = hints.filter((zone) => zone !== undefined && isWithin(name, zone)) as Fqdn[];
  const all = nameAndAbove(name);
  return [...new Set([...known, ...all.filter((zone) => !isOwnName(zone)), ...all.filter(isOwnName)])];
}

/** A challenge name is seldom a zone itself. */
const isOwnName = (zone: Fqdn): boolean => isChallengeName(zone) || isPersistName(zone);

/**
 * Runs the attempt in the zone that holds the name: the first zone that the provider does not refuse. An attempt that
 * is refused because of its zone has changed nothing.
 * @throws E_ZONE with the zones tried, where the provider holds none of them; what the attempt throws otherwise
 */
export async function inFirstZone<Result>(
  name: Fqdn,
  zones: readonly Fqdn[],
  attempt: (zone: Fqdn) => Promise<Result>,
): Promise<Result> {
  const refusals: Dns01Error[] = [];
  for (const zone of zones) {
    try {
      return await attempt(zone);
    } catch (error) {
      if (zones.length === 1 || !isDns01Error(error) || !error.tryNextZone || error.outcomeUnknown) throw error;
      refusals.push(error);
    }
  }
  throw noZone(name, zones, refusals);
}

/** A provider's hint that says more than "no such zone" is more useful than ours. */
function noZone(name: Fqdn, zones: readonly Fqdn[], refusals: readonly Dns01Error[]): Dns01Error {
  const telling =
    refusals.find(({ code }) => code !== 'E_ZONE') ?? refusals.findLast((_, index) => !isOwnName(zones[index] ?? name));
  const tried = zones.map((zone, index) => {
    const status = refusals[index]?.status;
    return status === undefined ? zone : `${zone} (status ${status})`;
  });
  return new Dns01Error('E_ZONE', `no zone of this account holds ${name}, tried: ${tried.join(', ')}`, {
    hint: telling?.hint ?? 'check that the account holds the zone, or name it with --zone or in the config',
    cause: telling,
  });
}
