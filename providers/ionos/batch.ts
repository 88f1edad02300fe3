import { isDns01Error } from '../../src/errors.ts';
import type {
  DnsProvider,
  Fqdn,
  ProviderContext,
  ShownTxt,
  TxtChange,
  TxtOutcome,
  TxtRecord,
} from '../../src/provider.ts';

interface BatchCalls {
  readonly readTxt: (zone: Fqdn, name?: Fqdn) => Promise<readonly ShownTxt[]>;
  readonly create: (zone: Fqdn, records: readonly TxtRecord[]) => Promise<readonly ShownTxt[]>;
  readonly isRecord: (shown: ShownTxt, record: TxtRecord) => boolean;
  readonly removeTxt: DnsProvider['removeTxt'];
}

/** Many changes of a zone: one read, one POST with all new records, and one DELETE for each removal. */
export function createBatch(
  { readTxt, create, isRecord, removeTxt }: BatchCalls,
  { writeOnce }: Pick<ProviderContext, 'writeOnce'>,
): (zone: Fqdn, changes: readonly TxtChange[]) => Promise<TxtOutcome[]> {
  /** The records after all of these are there. Records that are there already are replaced, so a repeat does no harm. */
  function createAll(zone: Fqdn, records: readonly TxtRecord[], name?: Fqdn): Promise<readonly ShownTxt[]> {
    return writeOnce({
      write: () => create(zone, records),
      async look() {
        const shown = await readTxt(zone, name);
        return records.every((record) => shown.some((one) => isRecord(one, record))) ? shown : undefined;
      },
    });
  }

  async function removed({ record }: TxtChange, shown: readonly ShownTxt[]): Promise<TxtOutcome> {
    try {
      const own = shown.filter((one) => isRecord(one, record));
      const results: string[] = [];
      for (const { id } of own) results.push(await removeTxt(record, { zone: record.zone, id, proven: true }));
      return { state: 'done', changed: results.includes('removed') };
    } catch (error) {
      if (!isDns01Error(error)) throw error;
      return { state: error.outcomeUnknown ? 'unknown' : 'refused', error };
    }
  }

  return async (zone, changes) => {
    const names = new Set(changes.map(({ record }) => record.name));
    const name = names.size === 1 ? changes[0]?.record.name : undefined;
    const before = await readTxt(zone, name);
    const isThere = ({ record }: TxtChange) => before.find((one) => isRecord(one, record));
    const missing = changes.filter((change) => change.action === 'add' && !isThere(change));
    let after: readonly ShownTxt[] = [];
    let failure: TxtOutcome | undefined;
    if (missing.length > 0) {
      try {
        after = await createAll(
          zone,
          missing.map(({ record }) => record),
          name,
        );
      } catch (error) {
        failure = failed(error);
      }
    }
    const outcomes: TxtOutcome[] = [];
    for (const change of changes) {
      const present = isThere(change);
      if (change.action === 'remove') outcomes.push(await removed(change, before));
      else if (present) outcomes.push({ state: 'done', changed: false, handle: { id: present.id, proven: true } });
      else outcomes.push(failure ?? added(after.find((one) => isRecord(one, change.record))));
    }
    return outcomes;
  };
}

function added(shown: ShownTxt | undefined): TxtOutcome {
  return { state: 'done', changed: true, ...(shown ? { handle: { id: shown.id, proven: true } } : {}) };
}

/** @throws what is about the whole zone, login or server, before anything was changed */
function failed(error: unknown): TxtOutcome {
  if (!isDns01Error(error)) throw error;
  if (error.outcomeUnknown) return { state: 'unknown', error };
  if (error.code !== 'E_REJECTED' || error.status === undefined) throw error;
  return { state: 'refused', error };
}
