import { type Fqdn, type TxtRecord, zoneCandidates } from '../../src/provider.ts';
import { mayBeNoZone, noZone, type Outcome, type Refusal, refused } from './refusal.ts';

/** A name, and what is known of its zone. */
export type Where = Pick<TxtRecord, 'name' | 'zone' | 'likelyZone'>;

/**
 * Do something in the zone that holds the name. The API has no list of DNS zones, so where the user has not said which
 * one it is, the request itself is the probe: what is refused for want of a zone has changed nothing.
 * @throws E_ZONE no candidate is a zone of this account; what `refused` makes of any other refusal
 */
export async function inZoneOf<Result>(
  { name, zone, likelyZone }: Where,
  attempt: (zone: Fqdn) => Promise<Outcome<Result>>,
): Promise<Result> {
  const refusals: Refusal[] = [];
  for (const candidate of zone === undefined ? zonesToTry(name, likelyZone) : [zone]) {
    const outcome = await attempt(candidate);
    if (!outcome.refusal) return outcome.result;
    if (zone !== undefined || !mayBeNoZone(outcome.refusal)) throw refused(outcome.refusal, name);
    refusals.push(outcome.refusal);
  }
  throw noZone(name, refusals);
}

/**
 * The likely one, then longest first, down to two labels; a zone at the challenge name itself is possible, but nobody
 * has reported one.
 */
function zonesToTry(name: Fqdn, likely: Fqdn | undefined): Fqdn[] {
  const candidates = zoneCandidates(name, likely).filter((candidate) => candidate.includes('.'));
  const isChallenge = (candidate: Fqdn) => candidate.startsWith('_acme-challenge') && candidate !== likely;
  return [...candidates.filter((candidate) => !isChallenge(candidate)), ...candidates.filter(isChallenge)];
}
