import { asUnknown, Dns01Error } from '../../src/errors.ts';
import {
  createChangeVerbs,
  type DnsProvider,
  disturbed,
  type Fqdn,
  type ProviderContext,
  quoteTxt,
  type TxtChange,
  unquoteTxt,
} from '../../src/provider.ts';
import type { Route53Client } from './client.ts';
import type { SetChange, TxtSet, TxtSets } from './documents.ts';

/** How often a batch is made again, if what is stored has changed in the meantime. */
const MAX_ATTEMPTS = 8;

/** Milliseconds, on average, before a batch is made again. */
const PAUSE_MS = 300;

/** Of the values in one batch, those of deletions included (API reference, "Limits on ChangeResourceRecordSets"). */
const MAX_VALUES = 1000;
const MAX_CHARACTERS = 32_000;

type Verbs = Required<Pick<DnsProvider, 'addTxt' | 'removeTxt' | 'listTxt' | 'changeTxt'>>;

/**
 * A record set is replaced by a batch that deletes it as it was read and creates it anew. If it is no longer the same,
 * the whole batch is refused, so that nothing of others is lost. Where the state can be guessed, the batch comes first
 * and a read only after a refusal.
 */
export function createVerbs(client: Route53Client, context: ProviderContext): Verbs {
  /** For each change, whether this call made it. */
  async function change(zone: Fqdn, changes: readonly TxtChange[]): Promise<boolean[]> {
    const names = changes.map(({ record }) => record.name);
    const read = () => client.read(zone, names);
    const made = new Set<TxtChange>();
    let sets = guess(changes) ?? (await read());
    let isUnsure = false;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const needed = changes.filter((each) => !made.has(each) && !isReached(each, sets));
      if (needed.length === 0) return changes.map((each) => made.has(each));
      const refusal = await context.writeOnce<Dns01Error | 'done'>({
        write: async () => (await client.change(zone, batchOf(needed, sets))) ?? 'done',
        async look() {
          isUnsure = true;
          sets = await read();
          return needed.every((each) => isReached(each, sets)) ? 'done' : undefined;
        },
      });
      if (refusal === 'done') {
        for (const each of needed) made.add(each);
        continue;
      }
      const before = sets;
      sets = await read();
      // Nothing has changed in the meantime, so the refusal has another reason.
      if (isSame(names, before, sets)) throw isUnsure ? asUnknown(refusal) : refusal;
      // The batch with the unknown outcome may have been done late.
      if (isUnsure) for (const each of needed.filter((wanted) => isReached(wanted, sets))) made.add(each);
      else if (attempt > 1) await context.sleep(PAUSE_MS * (0.5 + Math.random()));
    }
    const left = changes.filter((each) => !made.has(each) && !isReached(each, sets));
    if (left.length === 0) return changes.map((each) => made.has(each));
    throw disturbed(zone, left, MAX_ATTEMPTS);
  }

  return createChangeVerbs(change, async (name, zone) => {
    const set = (await client.read(zone, [name])).get(name);
    return (set?.values ?? []).map(unquoteTxt);
  });
}

/**
 * The likely state: a name has no value before the first is added, and only ours when they are removed. Undefined where a
 * value is to be removed that this installation has not published.
 */
function guess(changes: readonly TxtChange[]): TxtSets | undefined {
  const removals = changes.filter(({ action }) => action === 'remove');
  if (removals.some(({ handle }) => handle === undefined)) return undefined;
  const sets = new Map<Fqdn, TxtSet>();
  for (const { record } of removals) {
    const { values = [] } = sets.get(record.name) ?? {};
    sets.set(record.name, { ttl: record.ttl, values: [...values, quoteTxt(record.value)] });
  }
  return sets;
}

const holds = (set: TxtSet | undefined, value: string): boolean =>
  set?.values.some((shown) => unquoteTxt(shown) === value) ?? false;

const isReached = ({ action, record }: TxtChange, sets: TxtSets): boolean =>
  holds(sets.get(record.name), record.value) === (action === 'add');

/** Whether the sets at these names are the same. Values have no order. */
const isSame = (names: readonly Fqdn[], before: TxtSets, now: TxtSets): boolean => {
  const text = (set: TxtSet | undefined) => JSON.stringify(set && [set.ttl, [...set.values].sort()]);
  return names.every((name) => text(before.get(name)) === text(now.get(name)));
};

/** @throws E_REJECTED where the batch is larger than the API allows */
function batchOf(changes: readonly TxtChange[], sets: TxtSets): SetChange[] {
  const batch = [...new Set(changes.map(({ record }) => record.name))].flatMap((name): SetChange[] => {
    const wanted = changes.filter(({ record }) => record.name === name);
    const old = sets.get(name);
    const kept = (old?.values ?? []).filter(
      (shown) => !wanted.some(({ record }) => unquoteTxt(shown) === record.value),
    );
    const added = wanted.filter(({ action }) => action === 'add').map(({ record }) => quoteTxt(record.value));
    const values = [...kept, ...added];
    const ttl = old?.ttl ?? wanted[0]?.record.ttl ?? 60;
    return [
      ...(old ? [{ action: 'DELETE' as const, name, ...old }] : []),
      ...(values.length > 0 ? [{ action: 'CREATE' as const, name, ttl, values }] : []),
    ];
  });
  const values = batch.flatMap((each) => each.values);
  const characters = values.reduce((sum, value) => sum + value.length, 0);
  if (values.length <= MAX_VALUES && characters <= MAX_CHARACTERS) return batch;
  throw new Dns01Error(
    'E_REJECTED',
    `the changes need ${values.length} values with ${characters} characters in one request, more than Route 53 allows`,
    // As Route 53 would answer: fewer changes may be possible.
    { status: 400, hint: 'delete old TXT values at these names in the Route 53 console' },
  );
}
