import * as z from 'zod/mini';
import { asUnknown } from '../../src/errors.ts';
import {
  disturbed,
  type Fqdn,
  failedTogether,
  isSameName,
  type ProviderContext,
  pathPart,
  refusalBody,
  refusalError,
  type TxtChange,
  type TxtOutcome,
  type TxtRecord,
  unquoteTxt,
} from '../../src/provider.ts';
import { isNoRecord, type PoweradminClient, refusals, type ShownRecord } from './client.ts';

/** How often a batch is sent again where others removed the same records in between. */
const MAX_ATTEMPTS = 3;

const made = z.object({ data: z.object({ created: z.number(), deleted: z.number(), failed: z.literal(0) }) });
const failed = z.object({ data: z.object({ created: z.number(), deleted: z.number() }) });

interface Batch {
  readonly zone: Fqdn;
  readonly changes: readonly TxtChange[];
  readonly newRecord: (record: TxtRecord) => object;
  readonly client: PoweradminClient;
  readonly context: ProviderContext;
}

/**
 * Changes of a zone in one request ("Bulk record operations"). The API makes duplicates, so the records are read first. In
 * a database of its own, all changes are made or none; where Poweradmin itself writes through PowerDNS's API, those before
 * the refused one stay.
 */
export async function changeMany({ zone, changes, newRecord, client, context }: Batch): Promise<TxtOutcome[]> {
  let seen: readonly ShownRecord[] = [];
  let wanted: readonly TxtChange[] = [];
  /** Those that were or may have been made by this call. */
  const touched = new Set<TxtChange>();

  /** False where a record to delete is gone, and nothing was changed. */
  const send = () =>
    client.inZone(zone, async (id) => {
      const operations = wanted.flatMap(({ action, record }) =>
        action === 'add'
          ? [{ action: 'create', ...newRecord(record) }]
          : seen.filter((shown) => isOf(shown, record)).map((shown) => ({ action: 'delete', id: shown.id })),
      );
      const path = `/zones/${pathPart(id)}/records/bulk`;
      const answer = await client.api.send({ method: 'POST', path, json: { operations }, expected: [200, 400, 404] });
      if (answer.status === 200) {
        context.http.decode(answer, made);
        return true;
      }
      const refused = refusalError(answer, refusals);
      const counts = refusalBody(answer, failed)?.data;
      if (counts && counts.created + counts.deleted > 0) throw asUnknown(refused);
      if (isNoRecord(answer)) return false;
      throw refused;
    });

  const outcomes = (): TxtOutcome[] => changes.map((change) => ({ state: 'done', changed: touched.has(change) }));

  async function write(): Promise<TxtOutcome[]> {
    for (let attempt = 1; ; attempt++) {
      wanted = changes.filter((change) => isNeeded(change, seen));
      if (wanted.length === 0) return outcomes();
      if (await send()) {
        for (const change of wanted) touched.add(change);
        return outcomes();
      }
      if (attempt === MAX_ATTEMPTS) throw disturbed(zone, wanted, MAX_ATTEMPTS);
      seen = await client.list(zone, 'TXT');
    }
  }

  try {
    seen = await client.list(zone, 'TXT');
    return await context.writeOnce({
      write,
      async look() {
        for (const change of wanted) touched.add(change);
        seen = await client.list(zone, 'TXT');
        return changes.some((change) => isNeeded(change, seen)) ? undefined : outcomes();
      },
    });
  } catch (error) {
    return failedTogether(changes, error);
  }
}

const isOf = (shown: ShownRecord, { name, value, zone }: TxtRecord): boolean =>
  isSameName(shown.name, name, zone) && unquoteTxt(shown.content) === value;

const isNeeded = ({ action, record }: TxtChange, records: readonly ShownRecord[]): boolean =>
  records.some((shown) => isOf(shown, record)) === (action === 'remove');
