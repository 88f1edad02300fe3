import { Dns01Error, isDns01Error } from '../../src/errors.ts';
import {
  createRunMemory,
  type Fqdn,
  type ProviderContext,
  parseZones,
  type RecordHandle,
  type ZoneInfo,
} from '../../src/provider.ts';
import type { PanelClient, Place } from './client.ts';

/** The zones of the hosting accounts. */
interface Survey {
  readonly accountsByZone: ReadonlyMap<Fqdn, readonly string[]>;
  /** Accounts that were skipped, in the words of an error. */
  readonly without: readonly string[];
}

/** How many zones an error names. */
const MAX_NAMED = 10;

/** Finds the hosting account of a zone, where the config does not name it. */
export function createPlaces(client: PanelClient, context: ProviderContext, accountId: string | undefined) {
  const surveys = createRunMemory<Survey>();
  const survey = () => surveys.get('all', () => surveyAccounts(client));

  return {
    /** @throws E_ZONE when no account has this zone, or two have it */
    async find(zone: Fqdn, handle?: RecordHandle): Promise<Place> {
      if (accountId !== undefined) return { account: accountId, zone };
      if (handle?.zone === zone && /^\d+$/.test(handle.id ?? '')) return { account: handle.id ?? '', zone };
      return { account: await context.zoneId(zone, async () => accountOf(zone, await survey())), zone };
    },

    async *zones(): AsyncGenerator<ZoneInfo> {
      if (accountId !== undefined) yield* parseZones(client.zones(accountId));
      else for (const name of (await survey()).accountsByZone.keys()) yield { name };
    },
  };
}

/** Accounts without DNS are skipped: their plan may not have it. */
async function surveyAccounts(client: PanelClient): Promise<Survey> {
  const accountsByZone = new Map<Fqdn, string[]>();
  const without: string[] = [];
  for await (const account of client.accounts()) {
    try {
      for await (const { name } of parseZones(client.zones(account))) {
        accountsByZone.set(name, [...(accountsByZone.get(name) ?? []), account]);
      }
    } catch (error) {
      if (!isDns01Error(error) || ![403, 404, 422].includes(error.status ?? 0)) throw error;
      without.push(`account ${account} has no DNS (status ${error.status})`);
    }
  }
  return { accountsByZone, without };
}

function accountOf(zone: Fqdn, { accountsByZone, without }: Survey): string {
  const [account, twin] = accountsByZone.get(zone) ?? [];
  if (twin !== undefined) {
    throw new Dns01Error('E_ZONE', `the hosting accounts ${account} and ${twin} both have the zone ${zone}`, {
      hint: 'set accountId to the one whose name servers the zone is delegated to',
      tryNextZone: false,
    });
  }
  if (account !== undefined) return account;
  const zones = [...accountsByZone.keys()];
  const unnamed = zones.length > MAX_NAMED ? `, and ${zones.length - MAX_NAMED} more` : '';
  const found = [`zones: ${zones.slice(0, MAX_NAMED).join(', ') || 'none'}${unnamed}`, ...without].join('; ');
  throw new Dns01Error('E_ZONE', `no zone ${zone} in the hosting accounts (${found})`, {
    hint: 'check that the panel holds the DNS of the zone, and that userId is the user of its hosting account',
  });
}
