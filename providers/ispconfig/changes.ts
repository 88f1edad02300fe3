/** Adding and removing TXT rows. Each change raises the zone's serial, because secondaries never fetch it otherwise. */
import pLimit from 'p-limit';
import { asDns01Error, asUnknown, Dns01Error } from '../../src/errors.ts';
import {
  absoluteName,
  createKeyedMutex,
  createRunMemory,
  type DnsProvider,
  type Fqdn,
  type ProviderContext,
  type RunMemory,
  relativeName,
  type TxtChange,
  type TxtOutcome,
  type TxtRecord,
} from '../../src/provider.ts';
import type { Panel } from './client.ts';
import { serialHint } from './faults.ts';
import {
  fullName,
  type HeldZone,
  holds,
  isServed,
  readZone,
  refuseBesideCname,
  refuseUnstorable,
  rowsAt,
} from './lookups.ts';
import { type IspconfigOptions, MIN_TTL, type Row, type Zone } from './schema.ts';

/** Requests at the same time, in one session. */
export const CONCURRENCY = 4;

/** Shared by the changes of one run. */
interface Work {
  readonly panel: Panel;
  readonly options: IspconfigOptions;
  readonly context: ProviderContext;
  readonly zones: RunMemory<HeldZone>;
}

const zoneOf = ({ panel, zones }: Work, name: Fqdn): Promise<HeldZone> => zones.get(name, () => readZone(panel, name));

type Changes = Required<Pick<DnsProvider, 'addTxt' | 'removeTxt' | 'listTxt' | 'changeTxt'>>;

export function createChanges(panel: Panel, options: IspconfigOptions, context: ProviderContext): Changes {
  const work: Work = { panel, options, context, zones: createRunMemory() };
  // What a change has read must still be true when it writes, because ISPConfig stores duplicates.
  const inTurn = createKeyedMutex();
  const limit = pLimit(CONCURRENCY);

  return {
    async addTxt(record) {
      refuseUnstorable(record);
      return inTurn(record.zone, async () => {
        const held = await zoneOf(work, record.zone);
        const rows = await rowsAt(panel, held, [record.name]);
        const { id, changed } = await add(work, record, held, rows.get(record.name) ?? []);
        return { zone: record.zone, id, changed: changed === true };
      });
    },
    removeTxt: (record) =>
      inTurn(record.zone, async () => {
        const removed = await remove(work, record.zone, await rowsToRemove(work, record));
        return removed === false ? 'absent' : 'removed';
      }),
    async listTxt(name, zone) {
      const rows = await rowsAt(panel, await zoneOf(work, zone), [name]);
      const served = (rows.get(name) ?? []).filter((row) => row.type === 'TXT' && isServed(row));
      return [...new Set(served.map(({ data }) => data))];
    },
    changeTxt: (zone, changes) =>
      inTurn(zone, async () => {
        const held = await zoneOf(work, zone);
        const names = changes.map(({ record }) => record.name);
        const rows = await rowsAt(panel, held, names);
        return limit.map(changes, (change) => outcomeOf(work, change, held, rows.get(change.record.name) ?? []));
      }),
  };
}

/** One of many changes. `rows` are the rows at its name before. */
async function outcomeOf(
  work: Work,
  { action, record }: TxtChange,
  held: HeldZone,
  rows: readonly Row[],
): Promise<TxtOutcome> {
  try {
    if (action === 'remove') {
      const mine = rows.filter((row) => holds(row, record.value));
      return { state: 'done', changed: await remove(work, held.name, mine) };
    }
    refuseUnstorable(record);
    const { id, changed } = await add(work, record, held, rows);
    return { state: 'done', changed, handle: { id } };
  } catch (failure) {
    const error = asDns01Error(failure);
    return { state: error.outcomeUnknown ? 'unknown' : 'refused', error };
  }
}

interface Added {
  readonly id: string;
  /** Undefined after a lost answer, if the row that was found may be another process's. */
  readonly changed: boolean | undefined;
}

/**
 * Stores one value. ISPConfig stores duplicates, so a value that exists is not stored again.
 * @throws E_REJECTED, E_AUTH, E_CONFIG the panel refuses; E_REMOTE, E_PROTOCOL no usable answer
 */
async function add(work: Work, record: TxtRecord, held: HeldZone, before: readonly Row[]): Promise<Added> {
  const { panel, context } = work;
  refuseBesideCname(before, record.name);
  const present = before.find((row) => holds(row, record.value) && isServed(row));
  if (present) return { id: present.id, changed: false };

  const earlier = new Set(before.map(({ id }) => id));
  // Databases in strict mode refuse a row without a date. It also tells our row from another process's.
  const stamp = new Date().toISOString().slice(0, 19).replace('T', ' ');
  let current: HeldZone | undefined = held;

  const newRows = async () => {
    const rows = await panel.rows({ zone: (current ?? held).zone.id, name: absoluteName(record.name), type: 'TXT' });
    return rows.filter((row) => holds(row, record.value) && !earlier.has(row.id));
  };
  /** Removed without raising the serial, because that is what failed. */
  const takeOut = async (rows: readonly Row[]) => {
    for (const row of rows) await deleteWithoutSerial(work, row);
  };

  let isUnsure = false;
  async function refused(refusal: Dns01Error): Promise<Dns01Error> {
    let own: Row[] | undefined;
    try {
      own = (await newRows()).filter((row) => row.stamp === stamp);
      await takeOut(own);
      return own.length === 0 ? refusal : withoutSerial(refusal, held.name, 'it was removed again');
    } catch (failure) {
      isUnsure = true;
      const why = asDns01Error(failure).message;
      if (own) return withoutSerial(refusal, held.name, `removing it again failed (${why})`, own);
      const message = `${refusal.message}; whether the record was stored is not known (${why})`;
      return new Dns01Error(refusal.code, message, { hint: refusal.hint });
    }
  }

  const adding = context.writeOnce<Added>({
    async write() {
      current ??= await zoneOf(work, held.name);
      const result = await panel.insertRow(newRow(record, current.zone, stamp, work.options));
      if ('refusal' in result) throw await refused(result.refusal);
      return { id: result.id, changed: true };
    },
    /**
     * Since 3.2.12 the row is stored before the serial is raised. PHP finishes both if only the connection broke, so such a
     * row is published. But a server that failed in between, or a session that ended, leaves a row that no secondary fetches.
     * A new serial tells the two apart, unless other writes of ours may have raised it. A row that may be unpublished is
     * removed, and then the add may be repeated.
     */
    async look() {
      const rows = await newRows();
      const own = rows.filter((row) => row.stamp === stamp);
      if (!own[0]) return rows[0] && { id: rows[0].id, changed: undefined };
      const seen = current ?? held;
      work.zones.forget(held.name);
      current = await zoneOf(work, held.name).catch(() => undefined);
      const isRaised = current !== undefined && current.zone.serial !== seen.zone.serial;
      if (isRaised && panel.writes.isOnlyOneSince(seen.snapshot)) return { id: own[0].id, changed: true };
      await takeOut(own);
      return undefined;
    },
  });
  // A refused add is not repeated, but a row that it may have left has to be found.
  return adding.catch((failure: unknown) => {
    work.zones.forget(held.name);
    throw isUnsure ? asUnknown(asDns01Error(failure)) : failure;
  });
}

/** The refusal of a row that was stored without a new serial, with what happened to the row. */
function withoutSerial(refusal: Dns01Error, zone: Fqdn, end: string, left: readonly Row[] = []): Dns01Error {
  const stored = `the record was stored, but the serial of ${zone} could not be raised, so no secondary would see it`;
  const ids = left.map(({ id }) => id).join(', ');
  const then = ids === '' ? '' : `; then delete the record with the id ${ids} in the panel`;
  return new Dns01Error(refusal.code, `${stored} (${refusal.message}); ${end}`, {
    hint: `${serialHint(refusal, zone)}${then}`,
  });
}

function newRow({ name, value, ttl }: TxtRecord, zone: Zone, stamp: string, options: IspconfigOptions) {
  return {
    server_id: zone.server_id,
    zone: zone.id,
    name: absoluteName(name),
    type: 'TXT',
    data: value,
    aux: '0',
    ttl: String(Math.max(MIN_TTL, options.ttl ?? ttl)),
    // The text Y: with true or 1 the row is stored as inactive, and the answer is still "ok".
    active: 'Y',
    stamp,
    serial: '0',
  };
}

/**
 * The rows with exactly this value. A full name is unique, so its zone is only read where a row may be relative to it, or
 * where there is no row.
 * @throws E_ZONE
 */
async function rowsToRemove(work: Work, { name, value, zone }: TxtRecord): Promise<Row[]> {
  const prefix = name === zone ? absoluteName(name) : `${relativeName(name, zone)}%`;
  const found = await work.panel.rows({ name: prefix, type: 'TXT', data: value });
  const rows = found.filter((row) => holds(row, value) && fullName(row.name, zone) === name);
  const isFull = (row: Row) => row.name.endsWith('.');
  if (rows.length > 0 && rows.every(isFull)) return rows;
  const held = await zoneOf(work, zone);
  return rows.filter((row) => isFull(row) || row.zone === held.zone.id);
}

/**
 * Deletes rows by ids that this run has read, because `dns_txt_delete` removes any row with the id, even an A record. True
 * if this call removed a row, false if there was none, undefined where this cannot be known.
 * @throws E_AUTH the user has no right to; E_REMOTE, E_PROTOCOL no usable answer
 */
async function remove(work: Work, zone: Fqdn, rows: readonly Row[]): Promise<boolean | undefined> {
  const ends: (Deletion | 'absent')[] = [];
  try {
    for (const row of rows) ends.push(await removeRow(work, row));
  } catch (failure) {
    const { code, message, hint, cause, outcomeUnknown } = asDns01Error(failure);
    throw new Dns01Error(code, message, {
      // If a removal is refused, raising the serial is what failed.
      hint: code === 'E_REJECTED' ? serialHint(asDns01Error(failure), zone) : hint,
      cause,
      outcomeUnknown: outcomeUnknown || ends.includes('removed'),
    });
  }
  if (ends.includes('removed')) return true;
  return ends.includes('gone') ? undefined : false;
}

async function removeRow(work: Work, row: Row): Promise<Deletion | 'absent'> {
  const end = await deleteRow(work, row, true);
  if (end !== 'kept') return end;
  // Another process was faster, or the row's zone is gone or not this user's: then the panel has no serial to raise, and
  // keeps the row.
  if (!(await isThere(work, row))) return 'absent';
  await deleteWithoutSerial(work, row);
  const slow = 'was removed without a new serial: secondaries may show it for longer';
  work.context.log.warn(`the record with the id ${row.id} ${slow}`);
  return 'removed';
}

async function deleteWithoutSerial(work: Work, row: Row): Promise<void> {
  if ((await deleteRow(work, row, false)) !== 'kept' || !(await isThere(work, row))) return;
  throw new Dns01Error('E_AUTH', `dns_txt_delete: the panel keeps the record with the id ${row.id}`, {
    hint: 'its zone is gone or belongs to another client: delete the record in the panel, or use an account that has the right to',
  });
}

/** `gone`: the answer was lost and the row is not there. The serial is raised before the row is deleted. */
type Deletion = 'removed' | 'kept' | 'gone';

function deleteRow(work: Work, row: Row, updateSerial: boolean): Promise<Deletion> {
  return work.context.writeOnce<Deletion>({
    write: async () => ((await work.panel.deleteRow(row.id, updateSerial)) ? 'removed' : 'kept'),
    look: async () => ((await isThere(work, row)) ? undefined : 'gone'),
  });
}

async function isThere({ panel }: Work, { id, name, data }: Row): Promise<boolean> {
  const rows = await panel.rows({ name, type: 'TXT', data });
  return rows.some((row) => row.id === id);
}
