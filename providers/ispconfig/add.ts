import { asDns01Error, Dns01Error } from '../../src/errors.ts';
import type { AddedTxt, ProviderContext, TxtRecord } from '../../src/provider.ts';
import type { Panel } from './client.ts';
import { RIGHTS_PLACE, ZONE_BOX } from './faults.ts';
import type { RowBook } from './row-book.ts';
import { holds, isServed, refuseBesideCname, refuseUnstorable } from './rows.ts';
import { type IspconfigOptions, type Row, SHORTEST_TTL, type Zone } from './schema.ts';
import type { TakeTurns } from './turns.ts';
import { dotted, type ZoneBook } from './zone-book.ts';
import { findZone } from './zones.ts';

/** What earlier adds of the same session have learnt. */
export interface Knowledge {
  readonly zones: ZoneBook;
  readonly rows: RowBook;
  /** Two adds of one value must not both find it missing. */
  readonly inTurn: TakeTurns;
}

/**
 * Publish a value: the zone, what its name holds, the new row. ISPConfig keeps duplicates, so that what is there
 * already is looked at first; that same request shows a CNAME in the way. What earlier adds have seen is not asked
 * again, until something goes wrong.
 * @throws E_ZONE no usable zone; E_REJECTED, E_AUTH, E_CONFIG the panel refuses; E_REMOTE, E_PROTOCOL no usable answer
 */
export async function addTxt(
  panel: Panel,
  record: TxtRecord,
  options: IspconfigOptions,
  context: ProviderContext,
  known: Knowledge,
): Promise<AddedTxt> {
  refuseUnstorable(record);
  known.rows.expectAdd();
  return known.inTurn(`${record.name} ${record.value}`, () => addInTurn(panel, record, options, context, known));
}

async function addInTurn(
  panel: Panel,
  record: TxtRecord,
  options: IspconfigOptions,
  context: ProviderContext,
  known: Knowledge,
): Promise<AddedTxt> {
  let seen = await findZone(known.zones, record);
  const zoneName = seen.zone.origin.replace(/\.$/, '').toLowerCase();
  const seeAnew = async () => {
    known.zones.forget();
    seen = await findZone(known.zones, { ...record, zone: zoneName });
  };

  const before = await known.rows.at(seen.zone, record.name);
  refuseBesideCname(before, record.name);
  const present = before.find((row) => holds(row, record) && isServed(row));
  if (present) return { zone: zoneName, id: present.id, changed: false };

  const earlier = new Set(before.map(({ id }) => id));
  const newRows = async () => {
    const now = await panel.rows({ zone: seen.zone.id, name: dotted(record.name) });
    return now.filter((row) => holds(row, record) && !earlier.has(row.id));
  };

  let mayStay = false;
  let isOutdated = false;
  const add = context.writeOnce({
    async write() {
      if (isOutdated) await seeAnew();
      isOutdated = false;
      const result = await panel.insertRow(newRow(record, seen.zone, options));
      if (!('refusal' in result)) return result.id;
      const left = await takeOut(panel, newRows);
      mayStay = left.kind === 'unknown' || left.kind === 'still there';
      throw explain(result.refusal, left, zoneName);
    },
    /**
     * Since 3.2.12 the row comes first and the new serial after it. PHP finishes both when only the connection broke,
     * so that a row which is there was published; but a server that failed in between leaves a row that no secondary
     * ever fetches. A new serial tells the two apart, unless other writes of ours may have raised it. A row that is not
     * surely published is taken out, and then the add may be repeated.
     */
    async look() {
      const [stored] = await newRows();
      if (!stored) return undefined;
      const { zone, mark } = seen;
      isOutdated = true;
      if (panel.writes.isOnlyOneSince(mark)) {
        isOutdated = await seeAnew().then(
          () => false,
          () => true,
        );
        if (seen.zone.serial !== zone.serial && panel.writes.isOnlyOneSince(mark)) return stored.id;
      }
      const left = await takeOut(panel, newRows);
      if ('why' in left) throw new Dns01Error('E_REMOTE', left.why);
      return undefined;
    },
  });
  // A refusal is not repeated, but what it may have left behind has to be found again.
  const id = await add.catch((failure: unknown) => {
    known.zones.forget();
    known.rows.forget();
    throw mayStay ? withAnswerLost(asDns01Error(failure)) : failure;
  });
  known.rows.keep(seen.zone, { id, name: dotted(record.name), type: 'TXT', data: record.value, active: 'Y' });
  return { zone: zoneName, id, changed: true };
}

const withAnswerLost = ({ code, message, hint, cause }: Dns01Error): Dns01Error =>
  new Dns01Error(code, message, { hint, cause, outcomeUnknown: true });

function newRow({ name, value, ttl }: TxtRecord, zone: Zone, options: IspconfigOptions): Record<string, string> {
  return {
    server_id: zone.server_id,
    zone: zone.id,
    name: dotted(name),
    type: 'TXT',
    data: value,
    aux: '0',
    ttl: String(Math.max(SHORTEST_TTL, options.ttl ?? ttl)),
    // The text Y; with true or 1 the row is stored as switched off, and the answer is still "ok".
    active: 'Y',
    // Databases in strict mode refuse a row without a date.
    stamp: new Date().toISOString().slice(0, 19).replace('T', ' '),
    serial: '0',
  };
}

/** What became of the row of an add that failed. */
type Leftover =
  | { readonly kind: 'not stored' }
  | { readonly kind: 'taken out' }
  | { readonly kind: 'still there'; readonly ids: string; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string };

/** Remove the rows that an add has left behind, without asking for a new serial: that is what failed. Never throws. */
async function takeOut(panel: Panel, newRows: () => Promise<Row[]>): Promise<Leftover> {
  const rows = await newRows().catch((cause: unknown) => asDns01Error(cause));
  if (rows instanceof Error) return { kind: 'unknown', why: rows.message };
  if (rows.length === 0) return { kind: 'not stored' };
  try {
    for (const { id } of rows) await panel.deleteRow(id, { updateSerial: false });
    return { kind: 'taken out' };
  } catch (failure) {
    return { kind: 'still there', ids: rows.map(({ id }) => id).join(', '), why: asDns01Error(failure).message };
  }
}

/** The refusal, with what became of the row and with what has to be changed at the panel. */
function explain(refusal: Dns01Error, left: Leftover, zoneName: string): Dns01Error {
  if (left.kind === 'not stored') return refusal;
  if (left.kind === 'unknown') {
    const doubt = `whether the record was stored all the same could not be seen (${left.why})`;
    return new Dns01Error(refusal.code, `${refusal.message}; ${doubt}`, { hint: refusal.hint });
  }
  const cause = `the record was stored, but the serial of ${zoneName} could not be raised, so that no secondary would see it (${refusal.message})`;
  const hint = serialHint(refusal, zoneName);
  if (left.kind === 'taken out') return new Dns01Error(refusal.code, `${cause}; it was taken out again`, { hint });
  const failed = `taking it out again failed (${left.why})`;
  return new Dns01Error(refusal.code, `${cause}; ${failed}`, {
    hint: `${hint}; then delete the record with the id ${left.ids} in the panel`,
  });
}

function serialHint(refusal: Dns01Error, zoneName: string): string {
  if (/may not use this function/.test(refusal.message)) {
    return `tick ${ZONE_BOX} ${RIGHTS_PLACE}: raising the serial needs dns_zone_get and dns_zone_update`;
  }
  // Faults of the zone's own form: `minimum_range_error`, `mbox_error_empty`.
  const fields = [...refusal.message.matchAll(/\b([a-z]+)(?:_range)?_error/g)].map(([, field]) => field);
  if (fields.length > 0) {
    const unique = [...new Set(fields)].join(', ');
    return `correct ${unique} in the settings of the zone ${zoneName}, in the panel under DNS`;
  }
  return refusal.hint ?? `save the settings of the zone ${zoneName} once in the panel under DNS, and see what it says`;
}
