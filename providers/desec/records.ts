import { asUnknown, Dns01Error, withContext } from '../../src/errors.ts';
import {
  type DnsProvider,
  type Fqdn,
  failedTogether,
  type ProviderContext,
  quoteTxt,
  relativeName,
  type TxtChange,
  unquoteTxt,
} from '../../src/provider.ts';
import type { DesecClient, TxtSet } from './client.ts';

/** How often a change is written if another program undoes it: an hour has few writes. */
const MAX_ATTEMPTS = 3;

/** Milliseconds, on average, before a change that was undone is made again. */
const PAUSE_MS = 1000;

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
    if (needed.length > 0) await bringAbout(zone, needed, before);
    return changes.map((wanted) => mayBeCreated || needed.includes(wanted));
  }

  function look(zone: Fqdn, changes: readonly TxtChange[]): Promise<TxtSets> {
    const [only, ...others] = new Set(changes.map(subnameOf));
    return client.read(zone, others.length === 0 ? only : undefined);
  }

  async function bringAbout(zone: Fqdn, changes: readonly TxtChange[], before: TxtSets): Promise<void> {
    const allReached = (sets: TxtSets) => changes.every((wanted) => isReached(wanted, sets));
    let seen = before;
    let written = false;
    try {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        if (attempt > 1) await context.sleep(PAUSE_MS * (0.5 + Math.random()));
        await context.writeOnce<true>({
          write: () => client.replace(zone, setsAfter(changes, seen)),
          async look() {
            seen = await look(zone, changes);
            return allReached(seen) || undefined;
          },
        });
        // A removed value that another program writes again at once is not worth a request: nobody waits for its absence.
        if (changes.every(({ action }) => action === 'remove')) return;
        written = true;
        seen = await look(zone, changes);
        if (allReached(seen)) return;
        context.log.debug('the change was undone', { zone, attempt });
      }
      throw undone(zone, changes);
    } catch (error) {
      throw written ? asUnknown(withContext(error, 'after the change was sent')) : error;
    }
  }

  return {
    async addTxt(record) {
      const [changed = false] = await change(record.zone, [{ action: 'add', record }]);
      return { zone: record.zone, changed };
    },
    async removeTxt(record) {
      const [changed] = await change(record.zone, [{ action: 'remove', record }]);
      return changed ? 'removed' : 'absent';
    },
    async listTxt(name, zone) {
      const subname = relativeName(name, zone, '');
      return ((await client.read(zone, subname)).get(subname)?.records ?? []).map(unquoteTxt);
    },
    async changeTxt(zone, changes) {
      try {
        return (await change(zone, changes)).map((changed) => ({ state: 'done', changed }));
      } catch (error) {
        return failedTogether(changes, error);
      }
    },
  };
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

function undone(zone: Fqdn, changes: readonly TxtChange[]): Dns01Error {
  const names = [...new Set(changes.map(({ record }) => record.name))].slice(0, 3).join(', ');
  return new Dns01Error(
    'E_REMOTE',
    `the TXT records at ${names} are not what was written, ${MAX_ATTEMPTS} times in a row`,
    {
      hint: `something else writes the same records of ${zone} at the same time: try again later`,
    },
  );
}
