import { Dns01Error } from '../../src/errors.ts';
import {
  type DnsProvider,
  type Fqdn,
  type ProviderContext,
  type TxtRecord,
  zoneCandidates,
} from '../../src/provider.ts';
import { isCopy, type PowerdnsClient, type Row, type TxtSet } from './client.ts';
import { afterWrite, noZone, onlyACopy, refused } from './refusal.ts';
import { quoted, unquoted } from './text.ts';

/** How often a change is written when another writer undoes it. */
const ATTEMPTS = 5;

/** Milliseconds, on average, before a change that was undone is made again. */
const PAUSE = 300;

interface Place {
  readonly zone: Fqdn;
  readonly name: Fqdn;
}

/** What a verb wants of a record set. */
interface Goal {
  isReached(rows: readonly Row[]): boolean;
  /** The rows as they have to be, from those that are there, the disabled ones among them. */
  reachFrom(rows: readonly Row[]): Row[];
  /** Seconds, where there is no record yet that has a TTL. */
  readonly ttl: number;
}

/**
 * The provider's verbs. The API can only replace a whole record set, so each change is read, merged, written and read
 * again; what another writer undid in between is done again.
 */
export function createRecords(client: PowerdnsClient, context: ProviderContext): DnsProvider {
  /** The zone that holds the name, longest first: the read that is needed anyway tells whether it is one. */
  async function locate(name: Fqdn, known: Fqdn | undefined, likely?: Fqdn): Promise<{ place: Place; set: TxtSet }> {
    const candidates = known === undefined ? zoneCandidates(name, likely) : [known];
    for (const zone of candidates) {
      const outcome = await client.read(zone, name);
      if (!outcome.refusal) return { place: { zone, name }, set: outcome.result };
      if (outcome.refusal.status !== 404 || known !== undefined) throw refused(outcome.refusal, zone);
    }
    throw noZone(name, candidates);
  }

  async function read({ zone, name }: Place): Promise<TxtSet> {
    const outcome = await client.read(zone, name);
    if (outcome.refusal) throw refused(outcome.refusal, zone);
    return outcome.result;
  }

  /** Whether anything had to be written. */
  async function bringTo(goal: Goal, place: Place, set: TxtSet): Promise<boolean> {
    if (goal.isReached(set.rows)) return false;
    checkZone(place, set);
    const disabled = await disabledRows(place);
    const merged = ({ rows, ttl }: TxtSet) => ({
      rows: goal.reachFrom([...rows, ...disabled.rows.filter((row) => !rows.some((shown) => isSame(shown, row)))]),
      ttl: ttl ?? disabled.ttl ?? goal.ttl,
    });
    let seen = set;
    let written = false;
    try {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        if (attempt > 1) await context.sleep(PAUSE * (0.5 + Math.random()));
        await context.writeOnce<boolean>({
          write: () => write(place, merged(seen)),
          look: async () => {
            seen = await read(place);
            return goal.isReached(seen.rows) || undefined;
          },
        });
        written = true;
        seen = await read(place);
        if (goal.isReached(seen.rows)) return true;
        context.log.debug('the change is not there any more', { ...place, attempt });
      }
      throw undone(place);
    } catch (error) {
      throw written ? afterWrite(error) : error;
    }
  }

  async function write({ zone, name }: Place, set: Pick<TxtSet, 'rows' | 'ttl'>): Promise<true> {
    const refusal = await client.replace(zone, name, set);
    if (refusal) throw refused(refusal, zone);
    return true;
  }

  function checkZone({ zone }: Place, { kind, raisesSerial }: TxtSet): void {
    if (isCopy(kind)) throw onlyACopy(zone, kind);
    if (/^(master|primary|producer)$/i.test(kind) && !raisesSerial) {
      context.log.warn(
        `changes through the API do not raise the serial number of ${zone}, so its secondary servers may not see them; ` +
          `to change that: pdnsutil set-meta ${zone} SOA-EDIT-API DEFAULT`,
      );
    }
  }

  /** Not served, and not shown with the others, but lost with them unless they are written again. */
  async function disabledRows({ zone, name }: Place): Promise<{ rows: Row[]; ttl: number | undefined }> {
    const outcome = await client.disabledRows(zone, name);
    if (!outcome.refusal) return outcome.result;
    const { call, status } = outcome.refusal;
    context.log.warn(`${call} failed (status ${status}): if there are disabled TXT records at ${name}, they are lost`);
    return { rows: [], ttl: undefined };
  }

  return {
    async addTxt(record) {
      const { place, set } = await locate(record.name, record.zone, record.likelyZone);
      return { zone: place.zone, changed: await bringTo(present(record), place, set) };
    },
    async removeTxt(record, handle) {
      const { place, set } = await locate(record.name, handle?.zone ?? record.zone, record.likelyZone);
      return (await bringTo(gone(record), place, set)) ? 'removed' : 'absent';
    },
    async listTxt(name, zone) {
      const { set } = await locate(name, zone);
      return set.rows.filter((row) => !row.disabled).map(({ content }) => unquoted(content));
    },
    async *listZones() {
      for (const name of await client.zones()) yield { name };
    },
    nameServers: (zone) => client.nameServers(zone),
  };
}

/** All other values stay as they are spelled; a disabled copy of this one is switched on. */
function present({ value, ttl }: TxtRecord): Goal {
  const holds = holder(value);
  return {
    ttl,
    isReached: (rows) => rows.some((row) => holds(row) && !row.disabled),
    reachFrom: (rows) => [...rows.filter((row) => !holds(row)), { content: quoted(value), disabled: false }],
  };
}

/** A disabled copy of the value is not what was published, and stays. */
function gone({ value, ttl }: TxtRecord): Goal {
  const holds = holder(value);
  return {
    ttl,
    isReached: (rows) => !rows.some((row) => holds(row) && !row.disabled),
    reachFrom: (rows) => rows.filter((row) => row.disabled || !holds(row)),
  };
}

const holder =
  (value: string) =>
  (row: Row): boolean =>
    unquoted(row.content) === value;

const isSame = (one: Row, other: Row): boolean => one.content === other.content;

function undone({ zone, name }: Place): Dns01Error {
  return new Dns01Error('E_REMOTE', `the TXT records at ${name} are not what was written, ${ATTEMPTS} times in a row`, {
    hint: `something else writes the same records of ${zone} at the same time: try again later`,
  });
}
