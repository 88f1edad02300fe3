import { Dns01Error, isDns01Error } from '../errors.ts';
import { type Fqdn, isWithin, nameAndAbove } from '../names.ts';

/**
 * The zones that may hold a name, likeliest first: the hints, then every name from the longest on. A challenge name is
 * hardly ever a zone of its own, so it comes last, unless a hint says that it is.
 * @param hints e.g. the zone of last time and the zone that the DNS shows
 */
export function zonesToTry(name: Fqdn, hints: readonly (Fqdn | undefined)[] = []): Fqdn[] {
  const known = hints.filter((zone) => zone !== undefined && isWithin(name, zone)) as Fqdn[];
  const all = nameAndAbove(name);
  const isChallenge = (zone: Fqdn) => zone.startsWith('_acme-challenge.');
  return [...new Set([...known, ...all.filter((zone) => !isChallenge(zone)), ...all.filter(isChallenge)])];
}

/**
 * Do something in the zone that holds the name: the first of these that the provider does not deny. A request that is
 * refused for the zone has changed nothing.
 * @throws E_ZONE listing the zones where the provider held none of them; what the attempt throws otherwise
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

/** The hint of a refusal that says more than "no such zone" is worth more than ours. */
function noZone(name: Fqdn, zones: readonly Fqdn[], refusals: readonly Dns01Error[]): Dns01Error {
  const telling = refusals.find(({ code }) => code !== 'E_ZONE') ?? refusals.at(-1);
  const tried = zones.map((zone, index) => {
    const status = refusals[index]?.status;
    return status === undefined ? zone : `${zone} (status ${status})`;
  });
  return new Dns01Error('E_ZONE', `no zone of this account holds ${name}, tried: ${tried.join(', ')}`, {
    hint: telling?.hint ?? 'check that the account holds the zone, or name it with --zone or in the config',
    cause: telling,
  });
}
