import {
  createChangeVerbs,
  type DnsProvider,
  type Fqdn,
  type ProviderContext,
  quoteTxt,
  relativeName,
  replaceAndCheck,
  type TxtChange,
  unquoteTxt,
} from '../../src/provider.ts';
import type { DesecClient, TxtSet } from './client.ts';

/** An hour has few writes. */
const MANNERS = { maxAttempts: 3, pauseMs: 1000, trustsRemovals: true };

type TxtSets = ReadonlyMap<string, TxtSet>;

/**
 * The verbs. The API has only whole record sets: new ones are created, which never touches what is there; others are read,
 * replaced and read again.
 */
export function createRecords(
  client: DesecClient,
  context: ProviderContext,
): Pick<DnsProvider, 'addTxt' | 'removeTxt' | 'listTxt' | 'changeTxt'> {
  /** Whether each change had to be made. */
  async function change(zone: Fqdn, changes: readonly TxtChange[]): Promise<boolean[]> {
    let mayBeCreated = false;
    /** One request where none of the names has TXT records; false where one may have. */
    const create = () =>
      context.writeOnce({
        write: () => client.create(zone, setsAfter(changes, new Map())),
        async look() {
          mayBeCreated = true;
          const found = await look(zone, changes);
          return changes.every((wanted) => isReached(wanted, found)) || undefined;
        },
      });
    if (changes.every(({ action }) => action === 'add') && (await create())) return changes.map(() => true);
    const before = await look(zone, changes);
    const needed = changes.filter((wanted) => !isReached(wanted, before));
    if (needed.length > 0) {
      const write = (sets: TxtSets) => client.replace(zone, setsAfter(needed, sets));
      const replacing = { zone, changes: needed, before, isReached, write, look: () => look(zone, needed), ...MANNERS };
      await replaceAndCheck(replacing, context);
    }
    return changes.map((wanted) => mayBeCreated || needed.includes(wanted));
  }

  function look(zone: Fqdn, changes: readonly TxtChange[]): Promise<TxtSets> {
    const [only, ...others] = new Set(changes.map(subnameOf));
    return client.read(zone, others.length === 0 ? only : undefined);
  }

  return createChangeVerbs(change, async (name, zone) => {
    const subname = relativeName(name, zone, '');
    return ((await client.read(zone, subname)).get(subname)?.records ?? []).map(unquoteTxt);
  });
}

const subnameOf = ({ record }: TxtChange): string => relativeName(record.name, record.zone, '');

const isReached = (wanted: TxtChange, sets: TxtSets): boolean =>
  (sets.get(subnameOf(wanted))?.records ?? []).some((content) => unquoteTxt(content) === wanted.record.value) ===
  (wanted.action === 'add');

/** The record sets of all names with these changes made. All other values keep their spelling, a set keeps its TTL. */
function setsAfter(changes: readonly TxtChange[], sets: TxtSets): TxtSet[] {
  const after = new Map<string, TxtSet>();
  for (const wanted of changes) {
    const subname = subnameOf(wanted);
    const { value, ttl } = wanted.record;
    const set = after.get(subname) ?? sets.get(subname) ?? { subname, ttl, isNew: true, records: [] };
    const others = set.records.filter((content) => unquoteTxt(content) !== value);
    after.set(subname, { ...set, records: wanted.action === 'add' ? [...others, quoteTxt(value)] : others });
  }
  return [...after.values()];
}
