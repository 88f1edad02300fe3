import { Dns01Error } from '../../src/errors.ts';
import { type Fqdn, isWithin, type RecordHandle } from '../../src/provider.ts';
import type { PanelClient, Place } from './client.ts';
import { type Refusal, refused } from './refusal.ts';

/** What is known of the place before anything is asked. */
export interface Known {
  readonly account?: string | undefined;
  readonly zone?: Fqdn | undefined;
  readonly handle?: RecordHandle | undefined;
}

/** What was looked at: the zones, and the accounts without DNS. */
interface Survey {
  readonly places: readonly Place[];
  readonly without: readonly { readonly account: string; readonly refusal: Refusal }[];
}

/**
 * The zone that holds the name, and its hosting account: nothing is asked where both are known, else the longest zone
 * of the accounts counts.
 * @throws E_ZONE when no account has such a zone, or two have it
 */
export async function findPlace(client: PanelClient, name: Fqdn, known: Known): Promise<Place> {
  const { handle } = known;
  if (handle?.id !== undefined && /^\d+$/.test(handle.id)) return { account: handle.id, zone: handle.zone };
  const zone = known.zone ?? handle?.zone;
  if (known.account !== undefined && zone !== undefined) return { account: known.account, zone };

  const survey = await surveyAccounts(client, known.account);
  const holders = survey.places.filter((place) =>
    zone === undefined ? isWithin(name, place.zone) : place.zone === zone,
  );
  const longest = Math.max(...holders.map((place) => place.zone.length));
  const [place, twin] = holders.filter((holder) => holder.zone.length === longest);
  if (!place) throw noZone(zone ?? name, survey);
  if (twin && twin.account !== place.account) throw twoAccounts(place, twin);
  return place;
}

/** All zones of the account, or of all accounts. One without DNS is passed over: its plan may not have it. */
export async function surveyAccounts(client: PanelClient, only: string | undefined): Promise<Survey> {
  const places: Place[] = [];
  const without: { account: string; refusal: Refusal }[] = [];
  for (const account of only === undefined ? await client.accounts() : [only]) {
    const outcome = await client.zones(account);
    if (!outcome.refusal) places.push(...outcome.result.map((zone) => ({ account, zone })));
    else if (only === undefined && [403, 404, 422].includes(outcome.refusal.status)) {
      without.push({ account, refusal: outcome.refusal });
    } else throw refused(outcome.refusal);
  }
  return { places, without };
}

/** How many zones an error names. */
const NAMED = 10;

function noZone(name: Fqdn, { places, without }: Survey): Dns01Error {
  const zones = places.slice(0, NAMED).map(({ zone }) => zone);
  const more = places.length > NAMED ? `, and ${places.length - NAMED} more` : '';
  const skipped = without.map(({ account, refusal }) => `account ${account} has no DNS (status ${refusal.status})`);
  const looked = [`zones: ${zones.join(', ') || 'none'}${more}`, ...skipped].join('; ');
  return new Dns01Error('E_ZONE', `no zone for ${name} in the hosting accounts (${looked})`, {
    hint: 'check that the panel holds the DNS of the zone, and that userId is the user whose hosting account it is',
  });
}

function twoAccounts({ account, zone }: Place, twin: Place): Dns01Error {
  return new Dns01Error('E_ZONE', `the hosting accounts ${account} and ${twin.account} both have the zone ${zone}`, {
    hint: 'set accountId to the one whose name servers the zone is delegated to',
  });
}
