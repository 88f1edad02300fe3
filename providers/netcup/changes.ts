import { asUnknown, type Dns01Error, isDns01Error } from '../../src/errors.ts';
import {
  type Fqdn,
  isSameName,
  type ProviderContext,
  relativeName,
  type TxtChange,
  type TxtOutcome,
  type TxtRecord,
  unquoteTxt,
} from '../../src/provider.ts';
import type { Edit, NetcupClient, NetcupRecord } from './client.ts';

/** How often records are cleared away that a change has left: more copies of a value than one, or than none. */
const MAX_ROUNDS = 3;

/**
 * Makes all changes in one request. Its answer shows the whole zone, so a single change needs no list before: a second
 * copy of a value that was there already is then seen and deleted. A removal whose id is not proven needs the list, and
 * so do several changes, because a refusal may be of only some of them.
 * @throws what applies to all changes, before anything was changed
 */
export async function changeAll(
  zone: Fqdn,
  changes: readonly TxtChange[],
  client: NetcupClient,
  context: ProviderContext,
): Promise<TxtOutcome[]> {
  const isUnproven = changes.some((change) => change.action === 'remove' && provenId(change) === undefined);
  const before = isUnproven || changes.length > 1 ? await client.records(zone) : undefined;
  const edits = changes.flatMap((change) => editsFor(change, before));
  if (edits.length === 0) return changes.map((change) => outcomeOf(change, before ?? [], before));
  let after: readonly NetcupRecord[];
  try {
    after = await write(zone, edits, changes, client, context);
  } catch (error) {
    if (!isDns01Error(error) || (error.code !== 'E_REJECTED' && !error.outcomeUnknown)) throw error;
    return afterFailure(zone, changes, error, { client, before });
  }
  const outcomes = changes.map((change) => outcomeOf(change, after, before));
  await clear(zone, changes, after, client, context);
  return outcomes;
}

/** After a lost answer, the list tells what is left to do. */
function write(
  zone: Fqdn,
  edits: readonly Edit[],
  changes: readonly TxtChange[],
  client: NetcupClient,
  context: ProviderContext,
): Promise<readonly NetcupRecord[]> {
  let missing = edits;
  return context.writeOnce({
    write: () => client.update(zone, missing),
    async look() {
      const now = await client.records(zone);
      missing = changes.flatMap((change) => editsFor(change, now));
      return missing.length === 0 ? now : undefined;
    },
  });
}

/** The API does not say whether it makes all changes of a request or none, so a refusal is looked into. */
async function afterFailure(
  zone: Fqdn,
  changes: readonly TxtChange[],
  error: Dns01Error,
  { client, before }: { readonly client: NetcupClient; readonly before: readonly NetcupRecord[] | undefined },
): Promise<TxtOutcome[]> {
  if (error.outcomeUnknown) return changes.map(() => ({ state: 'unknown', error }));
  const now = await client.records(zone).catch(() => undefined);
  if (!now) return changes.map(() => ({ state: 'unknown', error: asUnknown(error) }));
  return changes.map((change) => {
    if (!isReached(change, now)) return { state: 'refused', error };
    // A single change that was refused was not made.
    const wasReached = changes.length === 1 || (before && isReached(change, before));
    return { state: 'done', changed: wasReached ? false : undefined };
  });
}

/** Keeps the first copy of each added value and no copy of a removed one. @throws with `outcomeUnknown` */
async function clear(
  zone: Fqdn,
  changes: readonly TxtChange[],
  after: readonly NetcupRecord[],
  client: NetcupClient,
  context: ProviderContext,
): Promise<void> {
  let now = after;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const edits = changes.flatMap((change) => surplusOf(change, now).map(deletion));
    if (edits.length === 0) return;
    context.log.debug('deleting copies of records', { zone, count: edits.length });
    try {
      now = await client.update(zone, edits);
    } catch (error) {
      throw isDns01Error(error) ? asUnknown(error) : error;
    }
  }
}

/** Two clients that add the same value at the same time both keep the record with the lowest id. */
function surplusOf({ action, record }: TxtChange, now: readonly NetcupRecord[]): readonly NetcupRecord[] {
  const copies = copiesOf(record, now);
  return action === 'add' ? copies.slice(1) : copies;
}

function outcomeOf(
  change: TxtChange,
  after: readonly NetcupRecord[],
  before: readonly NetcupRecord[] | undefined,
): TxtOutcome {
  const { action, record } = change;
  const wasThere = before && copiesOf(record, before).length > 0;
  if (action === 'remove') return { state: 'done', changed: wasThere ?? true };
  const [kept, ...others] = copiesOf(record, after);
  const changed = !wasThere && others.length === 0;
  return { state: 'done', changed, ...(kept ? { handle: { id: kept.id, proven: true } } : {}) };
}

function editsFor(change: TxtChange, now: readonly NetcupRecord[] | undefined): Edit[] {
  const { action, record } = change;
  const copies = now && copiesOf(record, now);
  const edit = { hostname: relativeName(record.name, record.zone), type: 'TXT', destination: record.value } as const;
  if (action === 'add') return copies?.length ? [] : [{ ...edit, deleterecord: false }];
  if (copies) return copies.map(deletion);
  const id = provenId(change);
  return id === undefined ? [] : [{ ...edit, id, deleterecord: true }];
}

const deletion = ({ id, hostname, destination }: NetcupRecord): Edit => ({
  id,
  hostname,
  type: 'TXT',
  destination,
  deleterecord: true,
});

const isReached = ({ action, record }: TxtChange, now: readonly NetcupRecord[]): boolean =>
  copiesOf(record, now).length > 0 === (action === 'add');

const provenId = ({ handle, record }: TxtChange): string | undefined =>
  handle?.proven && handle.zone === record.zone ? handle.id : undefined;

/** The TXT records with this name and value, the oldest first. */
const copiesOf = ({ name, value, zone }: TxtRecord, records: readonly NetcupRecord[]): readonly NetcupRecord[] =>
  records
    .filter(
      ({ type, hostname, destination }) =>
        type === 'TXT' && unquoteTxt(destination) === value && isSameName(absolute(hostname, zone), name, zone),
    )
    .toSorted((a, b) => Number(a.id) - Number(b.id));

/** A host is relative to the zone, `@`, or absolute with a dot at its end. */
export const absolute = (hostname: string, zone: Fqdn): string =>
  hostname.endsWith('.') ? hostname : hostname === '@' || hostname === '' ? `${zone}.` : `${hostname}.${zone}.`;
