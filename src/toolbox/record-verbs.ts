import { Dns01Error, isDns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import type { AddedTxt, DnsProvider, RecordHandle, TxtRecord } from '../provider.ts';
import type { ProviderContext } from './context.ts';
import { isSameName, unquoteTxt } from './records.ts';

/** Milliseconds before a deletion with an unknown outcome is sent again. */
const PAUSE_BEFORE_REPEAT_MS = 500;

/** A TXT record as an API shows it. */
export interface ShownTxt {
  readonly id: string;
  /** In any form that `isSameName` accepts. */
  readonly name: string;
  /** With or without quotes. */
  readonly value: string;
  /** The API does not allow its deletion. */
  readonly locked?: boolean;
}

/** The calls of an API in which each record has an id of its own. */
export interface RecordCalls {
  /** TXT records of the zone, at least those at the name, page by page. @throws E_ZONE */
  list(zone: Fqdn, name: Fqdn): AsyncIterable<ShownTxt>;
  /**
   * The new record as far as the answer shows it. Where an API refuses a second record, the refusal: the list then decides
   * whether the value is there already.
   */
  create(record: TxtRecord): Promise<Partial<ShownTxt> & { readonly conflict?: Dns01Error }>;
  /** `absent` where the API says that there is no record with this id. */
  remove(zone: Fqdn, id: string): Promise<'removed' | 'absent'>;
  /** True where requests are so limited that a record is created without reading the list first. */
  readonly createsFirst?: boolean;
}

type Added = AddedTxt | { readonly noZone: Dns01Error };

/** The verbs of a provider whose API has these calls. */
export function createRecordVerbs(
  calls: RecordCalls,
  { writeOnce, sleep }: Pick<ProviderContext, 'writeOnce' | 'sleep'>,
): Pick<DnsProvider, 'addTxt' | 'removeTxt' | 'listTxt'> {
  async function* matching(record: TxtRecord): AsyncGenerator<ShownTxt> {
    for await (const shown of calls.list(record.zone, record.name)) if (isRecord(shown, record)) yield shown;
  }

  async function find(record: TxtRecord): Promise<ShownTxt | undefined> {
    for await (const shown of matching(record)) return shown;
    return undefined;
  }

  /** The result of an add with an unknown outcome. In a zone that does not exist, nothing can have been added. */
  async function look(record: TxtRecord): Promise<Added | undefined> {
    try {
      const found = await find(record);
      return found && { ...handleOf(found, record), changed: true };
    } catch (error) {
      if (isDns01Error(error) && error.code === 'E_ZONE') return { noZone: error };
      throw error;
    }
  }

  /** A second deletion does no harm, so an unknown outcome needs no list: the second answer decides. */
  function removeById(zone: Fqdn, id: string): Promise<'removed' | 'absent'> {
    let isRepeated = false;
    return writeOnce<'removed' | 'absent'>({
      async write() {
        const result = await calls.remove(zone, id);
        return isRepeated ? 'removed' : result;
      },
      async look() {
        isRepeated = true;
        await sleep(PAUSE_BEFORE_REPEAT_MS);
        return undefined;
      },
    });
  }

  return {
    async addTxt(record) {
      const present = calls.createsFirst ? undefined : await find(record);
      // It may be there twice, or soon, after an earlier attempt in another process.
      if (present) return { ...unproven(handleOf(present, record)), changed: false };
      let attempts = 0;
      const added = await writeOnce<Added>({
        async write() {
          attempts++;
          const { conflict, ...created } = await calls.create(record);
          if (!conflict) return { ...handleOf(created, record), changed: true };
          const twin = await find(record);
          if (!twin) throw conflict;
          // It may be the record of an earlier attempt with an unknown outcome.
          return { ...handleOf(twin, record), changed: attempts > 1 };
        },
        look: () => look(record),
      });
      if ('noZone' in added) throw added.noZone;
      // The first attempt may arrive late and add the record twice.
      return attempts === 1 ? added : unproven(added);
    },

    async removeTxt(record, handle) {
      const { zone } = record;
      if (handle?.proven && handle.id !== undefined && handle.zone === zone) return removeById(zone, handle.id);
      // Reads the whole list first: the record may be there twice, and a deletion moves the pages.
      const own: ShownTxt[] = [];
      for await (const shown of matching(record)) own.push(shown);
      const locked = own.find((shown) => shown.locked);
      if (locked) throw notDeletable(locked, zone);
      const results = [];
      for (const { id } of own) results.push(await removeById(zone, id));
      return results.includes('removed') ? 'removed' : 'absent';
    },

    async listTxt(name, zone) {
      const values: string[] = [];
      for await (const shown of calls.list(zone, name)) {
        if (isSameName(shown.name, name, zone)) values.push(unquoteTxt(shown.value));
      }
      return values;
    },
  };
}

const isRecord = (shown: ShownTxt, { name, value, zone }: TxtRecord): boolean =>
  isSameName(shown.name, name, zone) && unquoteTxt(shown.value) === value;

/** The handle of a record. An id that came with another name or value is not used. */
function handleOf({ id, name, value }: Partial<ShownTxt>, record: TxtRecord): RecordHandle {
  const { zone } = record;
  const shown = { id: id ?? '', name: name ?? record.name, value: value ?? record.value };
  if (id === undefined || !isRecord(shown, record)) return { zone };
  return { zone, id, proven: name !== undefined && value !== undefined };
}

/** Where the record may be there twice, a removal has to look for both. */
const unproven = <Handle extends RecordHandle>(handle: Handle): Handle =>
  handle.proven ? { ...handle, proven: false } : handle;

function notDeletable({ id, name }: ShownTxt, zone: Fqdn): Dns01Error {
  return new Dns01Error('E_REJECTED', `the API does not allow TXT record ${id} (${name}) in ${zone} to be deleted`, {
    hint: "delete the record in the provider's web interface, or ask the provider to",
  });
}
