import { Dns01Error } from '../../src/errors.ts';
import type { AddedTxt, DnsProvider, Fqdn, ProviderContext, TxtRecord } from '../../src/provider.ts';
import type { ZoneidClient } from './client.ts';
import { isSameName, isSameValue, unquoted } from './match.ts';
import { mayAlreadyBeThere, type Outcome, refused } from './refusal.ts';
import type { TxtEntry } from './schema.ts';
import { inZoneOf, type Where } from './zones.ts';

/** Milliseconds before a DELETE whose answer was lost is sent again. */
const PAUSE_BEFORE_REPEAT = 500;

/** The provider's verbs, in as few requests as the API allows: it asks for that, and counts 60 a minute. */
export function createRecords(client: ZoneidClient, context: ProviderContext): DnsProvider {
  /** One POST and nothing before it. Only where it is refused for a conflict, or its answer is lost, a list follows. */
  async function addTo(zone: Fqdn, record: TxtRecord): Promise<Outcome<AddedTxt>> {
    let mayBeOurs = false;
    const created = await context.writeOnce<Outcome<string | undefined>>({
      write: () => client.createTxt(zone, record.name, record.value),
      look: async () => {
        mayBeOurs = true;
        const found = await find(zone, record);
        return found && { result: found.id };
      },
    });
    if (!created.refusal) return { result: { zone, id: created.result, changed: true } };
    if (!mayAlreadyBeThere(created.refusal)) return created;
    const found = await find(zone, record);
    // What is in the way may be a POST of this run that arrived after all.
    return found ? { result: { zone, id: found.id, changed: mayBeOurs } } : created;
  }

  async function find(zone: Fqdn, record: TxtRecord): Promise<TxtEntry | undefined> {
    const listed = await client.searchTxt(zone, (entry) => isRecord(entry, record, zone), 1);
    if (!listed.refusal) return listed.result[0];
    if (listed.refusal.status === 404) return undefined;
    throw refused(listed.refusal, record.name);
  }

  /** The wanted records of the zone that holds the name, together with that zone. */
  async function search(
    where: Where,
    isWanted: (entry: TxtEntry, zone: Fqdn) => boolean,
  ): Promise<{ zone: Fqdn; entries: TxtEntry[] }> {
    return inZoneOf(where, async (zone) => {
      const listed = await client.searchTxt(zone, (entry) => isWanted(entry, zone));
      return listed.refusal ? listed : { result: { zone, entries: listed.result } };
    });
  }

  /** Deleting twice does no harm, so that a lost answer needs no look: the second DELETE tells. */
  async function remove(zone: Fqdn, id: string, name: Fqdn): Promise<'removed' | 'absent'> {
    let repeated = false;
    const { refusal } = await context.writeOnce<Outcome<undefined>>({
      write: () => client.deleteTxt(zone, id),
      look: async () => {
        repeated = true;
        await context.sleep(PAUSE_BEFORE_REPEAT);
        return undefined;
      },
    });
    if (refusal && refusal.status !== 404) throw refused(refusal, name);
    return refusal && !repeated ? 'absent' : 'removed';
  }

  return {
    addTxt: (record) => inZoneOf(record, (zone) => addTo(zone, record)),

    async removeTxt(record, handle) {
      if (handle?.id !== undefined) return remove(handle.zone, handle.id, record.name);
      const where = { ...record, zone: record.zone ?? handle?.zone };
      // All pages: there may be the same record twice. Only then is anything deleted, for a deletion moves the pages.
      const { zone, entries } = await search(where, (entry, shown) => isRecord(entry, record, shown));
      const locked = entries.find((entry) => entry.delete === false);
      if (locked) throw notDeletable(locked, zone);
      let result: 'removed' | 'absent' = 'absent';
      for (const { id } of entries) {
        if ((await remove(zone, id, record.name)) === 'removed') result = 'removed';
      }
      return result;
    },

    async listTxt(name, known) {
      const { entries } = await search({ name, zone: known }, (entry, zone) => isSameName(entry.name, name, zone));
      return entries.map((entry) => unquoted(entry.destination));
    },
  };
}

function isRecord(entry: TxtEntry, { name, value }: TxtRecord, zone: Fqdn): boolean {
  return isSameName(entry.name, name, zone) && isSameValue(entry.destination, value);
}

function notDeletable({ id, name }: TxtEntry, zone: Fqdn): Dns01Error {
  return new Dns01Error('E_REJECTED', `the API does not allow TXT record ${id} (${name}) in ${zone} to be deleted`, {
    hint: 'delete the record in the ZoneID web interface, or ask zone.eu to',
  });
}
