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

/** What was looked at, as far as an error tells it. */
interface Survey {
  readonly zones: Fqdn[];
  more: number;
  readonly without: { readonly account: string; readonly refusal: Refusal }[];
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

  const survey: Survey = { zones: [], more: 0, without: [] };
  let holders: Place[] = [];
  for await (const place of surveyAccounts(client, known.account, survey.without)) {
    if (survey.zones.length < NAMED) survey.zones.push(place.zone);
    else survey.more++;
    if (zone === undefined ? !isWithin(name, place.zone) : place.zone !== zone) continue;
    const longest = holders[0]?.zone.length ?? 0;
    if (place.zone.length > longest) holders = [place];
    else if (place.zone.length === longest) holders.push(place);
  }
  const [place, ...others] = holders;
  if (!place) throw noZone(zone ?? name, survey);
  const twin = others.find(({ account }) => account !== place.account);
  if (twin) throw twoAccounts(place, twin);
  return place;
}

/**
 * All zones of the account, or of all accounts. One without DNS is passed over: its plan may not have it.
 * @param without where accounts without DNS are told
 */
export async function* surveyAccounts(
  client: PanelClient,
  only: string | undefined,
  without: Survey['without'] = [],
): AsyncGenerator<Place> {
  for (const account of only === undefined ? await client.accounts() : [only]) {
    for await (const { result, refusal } of client.zones(account)) {
      for (const zone of result ?? []) yield { account, zone };
      if (!refusal) continue;
      if (only !== undefined || ![403, 404, 422].includes(refusal.status)) throw refused(refusal);
      without.push({ account, refusal });
    }
  }
}

/** How many zones an error names. */
const NAMED = 10;

function noZone(name: Fqdn, { zones, more, without }: Survey): Dns01Error {
  const unnamed = more > 0 ? `, and ${more} more` : '';
  const skipped = without.map(({ account, refusal }) => `account ${account} has no DNS (status ${refusal.status})`);
  const looked = [`zones: ${zones.join(', ') || 'none'}${unnamed}`, ...skipped].join('; ');
  return new Dns01Error('E_ZONE', `no zone for ${name} in the hosting accounts (${looked})`, {
    hint: 'check that the panel holds the DNS of the zone, and that userId is the user whose hosting account it is',
  });
}

function twoAccounts({ account, zone }: Place, twin: Place): Dns01Error {
  return new Dns01Error('E_ZONE', `the hosting accounts ${account} and ${twin.account} both have the zone ${zone}`, {
    hint: 'set accountId to the one whose name servers the zone is delegated to',
  });
}
