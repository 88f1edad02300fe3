import { Dns01Error, isDns01Error } from '../../src/errors.ts';
import {
  createChangeVerbs,
  type DnsProvider,
  type Fqdn,
  type ProviderContext,
  quoteTxt,
  replaceAndCheck,
  type TxtChange,
  unquoteTxt,
} from '../../src/provider.ts';
import {
  isCopy,
  type PowerdnsClient,
  type Row,
  type SetChange,
  type TxtSet,
  type TxtSets,
  type ZoneHead,
} from './client.ts';

const MANNERS = { maxAttempts: 5, pauseMs: 300 };

const NOTHING: TxtSet = { rows: [], ttl: undefined };

/** The records at the names of some changes, and how to read them again. */
interface View {
  readonly head: ZoneHead;
  /** Before anything was written. */
  readonly before: TxtSets;
  look(): Promise<TxtSets>;
  /** The disabled values, which `look` may not show. */
  hidden(): Promise<TxtSets>;
}

/** The provider's verbs: read, write all changes in one PATCH, read again, and repeat if another program undid it. */
export function createRecords(client: PowerdnsClient, context: ProviderContext): DnsProvider {
  /** Undefined until a server was asked. */
  let takesExtend: boolean | undefined;

  async function viewOne(zone: Fqdn, name: Fqdn): Promise<View> {
    const { head, set } = await client.read(zone, name);
    return viewEach(zone, head, new Map([[name, set]]));
  }

  /** One search reads all names. If it cannot, each name is read by itself, and never the whole zone. */
  async function viewMany(zone: Fqdn, names: readonly Fqdn[]): Promise<View> {
    const head = await client.head(zone);
    const pattern = patternOf(names);
    const search = async () => (pattern === undefined ? undefined : client.search(zone, pattern));
    const found = await search();
    if (!found || (found.size === 0 && !(await client.canSearch(zone)))) {
      return viewEach(zone, head, await readEach(zone, names), found === undefined);
    }
    const look = async () => (await search()) ?? readEach(zone, names);
    return { head, before: found, look, hidden: async () => new Map() };
  }

  /** @param mayFind false if a search finds nothing, whatever there is */
  function viewEach(zone: Fqdn, head: ZoneHead, before: TxtSets, mayFind = true): View {
    const names = [...before.keys()];
    return {
      head,
      before,
      look: () => readEach(zone, names),
      async hidden() {
        const sets = new Map<Fqdn, TxtSet>();
        for (const name of names) {
          const found = mayFind ? await client.search(zone, name) : undefined;
          const set = found || names.length > 1 ? found?.get(name) : await client.readInZone(zone, name);
          if (set) sets.set(name, set);
          if (found || set) continue;
          context.log.warn(
            `the server cannot be searched: if there are disabled TXT records at ${names.join(', ')}, they are lost`,
          );
          break;
        }
        return sets;
      },
    };
  }

  async function readEach(zone: Fqdn, names: readonly Fqdn[]): Promise<TxtSets> {
    const sets = new Map<Fqdn, TxtSet>();
    for (const name of names) sets.set(name, (await client.read(zone, name)).set);
    return sets;
  }

  /** Whether each change had to be made. */
  async function change(zone: Fqdn, changes: readonly TxtChange[]): Promise<boolean[]> {
    const names = [...new Set(changes.map(({ record }) => record.name))];
    const [only] = names;
    const view = only && names.length === 1 ? await viewOne(zone, only) : await viewMany(zone, names);
    const needed = changes.filter((wanted) => !isReached(wanted, view.before));
    if (needed.length > 0) await bringAbout(zone, needed, view);
    return changes.map((wanted) => needed.includes(wanted));
  }

  async function bringAbout(zone: Fqdn, changes: readonly TxtChange[], { head, before, ...view }: View): Promise<void> {
    checkZone(zone, head);
    const hidden = await view.hidden();
    const writeAll = (sets: TxtSets, attempt: number) => write(zone, changes, withHidden(sets, hidden), attempt === 1);
    await replaceAndCheck({ zone, changes, before, isReached, write: writeAll, look: view.look, ...MANNERS }, context);
  }

  /** The first time, adds to and removes from the set where the server can do that; otherwise replaces the whole set. */
  async function write(zone: Fqdn, changes: readonly TxtChange[], sets: TxtSets, mayExtend: boolean): Promise<true> {
    const merged = mayExtend && takesExtend !== false ? setChanges(changes, sets, true) : [];
    if (merged.some(({ changetype }) => changetype === 'EXTEND' || changetype === 'PRUNE')) {
      try {
        await client.patch(zone, merged);
        takesExtend = true;
        return true;
      } catch (error) {
        // Servers before 4.9.12 do not know these changes and have made none.
        if (!isDns01Error(error) || error.status !== 422) throw error;
        takesExtend = false;
      }
    }
    await client.patch(zone, setChanges(changes, sets, false));
    return true;
  }

  function checkZone(zone: Fqdn, { kind, raisesSerial }: ZoneHead): void {
    if (isCopy(kind)) {
      throw new Dns01Error('E_REJECTED', `${zone} is only a copy on this server (kind ${kind})`, {
        hint: 'set url to the API of the primary server of the zone',
      });
    }
    if (/^(master|primary|producer)$/i.test(kind) && !raisesSerial) {
      context.log.warn(
        `changes through the API do not raise the serial number of ${zone}, so its secondary servers may not see them; ` +
          `to change that: pdnsutil set-meta ${zone} SOA-EDIT-API DEFAULT`,
      );
    }
  }

  return {
    ...createChangeVerbs(change, async (name, zone) => {
      const { rows } = (await client.read(zone, name)).set;
      return rows.filter((row) => !row.disabled).map(({ content }) => unquoteTxt(content));
    }),
    async *listZones() {
      for (const name of await client.zones()) yield { name };
    },
    nameServers: (zone) => client.nameServers(zone),
  };
}

/** A search for all names and little more, by their common start and end. Undefined where they start differently. */
function patternOf(names: readonly Fqdn[]): string | undefined {
  const [first = '', ...others] = names;
  const shortest = Math.min(...names.map(({ length }) => length));
  let start = 0;
  while (start < shortest && others.every((name) => name[start] === first[start])) start++;
  let end = 0;
  while (start + end < shortest && others.every((name) => name.at(-1 - end) === first.at(-1 - end))) end++;
  return start === 0 ? undefined : `${first.slice(0, start)}*${first.slice(first.length - end)}`;
}

/**
 * The changes as record sets. All other values keep their spelling. A disabled copy of an added value is enabled; one of
 * a removed value stays.
 * @param extend where a name has other values, send only what is new or gone. Not if one of them is disabled, because the
 *   server would lose it; not if there is none, because the server would not check for a CNAME.
 */
function setChanges(changes: readonly TxtChange[], sets: TxtSets, extend: boolean): SetChange[] {
  const byName = new Map<Fqdn, TxtChange[]>();
  for (const wanted of changes) byName.set(wanted.record.name, [...(byName.get(wanted.record.name) ?? []), wanted]);
  return [...byName].flatMap(([name, wanted]): SetChange[] => {
    const { rows, ttl = wanted[0]?.record.ttl ?? 60 } = sets.get(name) ?? NOTHING;
    const gone = rows.filter((row) =>
      wanted.some(({ action, record }) => holds(row, record.value) && (action === 'add' || !row.disabled)),
    );
    const kept = rows.filter((row) => !gone.includes(row));
    const added = wanted
      .filter(({ action }) => action === 'add')
      .map(({ record }) => ({ content: quoteTxt(record.value), disabled: false }));
    if (extend && kept.length > 0 && !rows.some(({ disabled }) => disabled)) {
      const single = (changetype: 'PRUNE' | 'EXTEND') => (row: Row) => ({ name, ttl, changetype, records: [row] });
      return [...gone.map(single('PRUNE')), ...added.map(single('EXTEND'))];
    }
    const records = [...kept, ...added];
    return [records.length === 0 ? { name, changetype: 'DELETE' } : { name, ttl, changetype: 'REPLACE', records }];
  });
}

function isReached({ action, record }: TxtChange, sets: TxtSets): boolean {
  const isServed = sets.get(record.name)?.rows.some((row) => !row.disabled && holds(row, record.value)) ?? false;
  return isServed === (action === 'add');
}

const holds = ({ content }: Row, value: string): boolean => unquoteTxt(content) === value;

/** The sets as stored: with the disabled values that were not shown. */
function withHidden(sets: TxtSets, hidden: TxtSets): TxtSets {
  const all = new Map(sets);
  for (const [name, { rows, ttl }] of hidden) {
    const shown = sets.get(name) ?? NOTHING;
    const more = rows.filter((row) => row.disabled && !shown.rows.some(({ content }) => content === row.content));
    all.set(name, { rows: [...shown.rows, ...more], ttl: shown.ttl ?? (more.length > 0 ? ttl : undefined) });
  }
  return all;
}
