import {
  CLASS,
  decodeName,
  decodeTxt,
  encodeRecord,
  encodeTxt,
  FLAG,
  TYPE,
  type WireRecord,
} from '../../src/dns/wire.ts';
import { asDns01Error, Dns01Error } from '../../src/errors.ts';
import {
  type DnsProvider,
  type Fqdn,
  type ProviderContext,
  parseName,
  type TxtChange,
  type TxtOutcome,
  type TxtRecord,
} from '../../src/provider.ts';
import { addition, deletion, exactly, noneOf, type UpdateClient } from './client.ts';
import { cnameInTheWay } from './refusal.ts';

/** Bytes of all records in one update. The rest of TCP's 65,535 is for the header and the signature. */
const MAX_UPDATE_BYTES = 60_000;

/** The provider's verbs. Each is one conversation, and most need one message, because prerequisites replace queries. */
export function createRecords(open: () => UpdateClient, context: Pick<ProviderContext, 'writeOnce'>): DnsProvider {
  async function talk<Result>(verb: (client: UpdateClient) => Promise<Result>): Promise<Result> {
    const client = open();
    try {
      return await verb(client);
    } finally {
      client.close();
    }
  }

  return {
    addTxt: (record) =>
      talk(async (client) => {
        const changed = await context.writeOnce({
          write: () => add(client, record),
          look: async () => ((await holds(client, record)) ? true : undefined),
        });
        return { zone: record.zone, changed };
      }),

    removeTxt: (record) =>
      talk((client) =>
        context.writeOnce<'removed' | 'absent'>({
          write: () => remove(client, record),
          look: async () => ((await holds(client, record)) ? undefined : 'removed'),
        }),
      ),

    listTxt: (name, zone) => talk((client) => valuesIn(client, name, zone)),

    changeTxt: (zone, changes) =>
      talk(async (client) => {
        const outcomes = new Map<TxtChange, TxtOutcome>();
        for (const batch of batchesOf(changes)) {
          // After something was changed, a failure only applies to the changes that it is about.
          const results = await changeTogether(client, zone, batch, outcomes.size === 0);
          for (const [index, change] of batch.entries()) outcomes.set(change, results[index] as TxtOutcome);
        }
        return changes.map((change) => outcomes.get(change) as TxtOutcome);
      }),

    nameServers: (zone) => talk((client) => nameServersOf(client, zone)),
  };
}

async function add(client: UpdateClient, { name, value, ttl, zone }: TxtRecord): Promise<boolean> {
  const changes = [addition(name, TYPE.TXT, ttl, encodeTxt(value))];
  const noCname = noneOf(name, TYPE.CNAME);
  const isAlone = await client.update({ zone, prerequisites: [noneOf(name, TYPE.TXT), noCname], changes });
  if (isAlone === 'done') return true;
  if ((await textsAt(client, name)).some((text) => text.value === value)) return false;
  if ((await client.update({ zone, prerequisites: [noCname], changes })) === 'done') return true;
  throw cnameInTheWay(name);
}

async function remove(client: UpdateClient, { name, value, zone }: TxtRecord): Promise<'removed' | 'absent'> {
  const data = encodeTxt(value);
  const changes = [deletion(name, TYPE.TXT, data)];
  const wasAlone = await client.update({ zone, prerequisites: [exactly(name, TYPE.TXT, data)], changes });
  if (wasAlone === 'done') return 'removed';
  const matches = (await textsAt(client, name)).filter((text) => text.value === value);
  if (matches.length === 0) return 'absent';
  const deletions = matches.map((text) => deletion(name, TYPE.TXT, text.data));
  await client.update({ zone, prerequisites: [], changes: deletions });
  return 'removed';
}

/**
 * All of the changes in one update, which is only accepted where the names have nothing else. So no query is needed to
 * know whether a value was there before. Otherwise nothing is done, and each change goes alone.
 * @throws what was refused for all of them, if `mayThrow`
 */
async function changeTogether(
  client: UpdateClient,
  zone: Fqdn,
  batch: readonly TxtChange[],
  mayThrow: boolean,
): Promise<TxtOutcome[]> {
  const parts = [...byName(batch).values()].map(updateOf);
  const update = {
    zone,
    prerequisites: parts.flatMap((part) => part.prerequisites),
    changes: parts.flatMap((part) => part.changes),
    ofManyNames: parts.length > 1,
  };
  try {
    if ((await client.update(update)) === 'done') return batch.map(() => ({ state: 'done', changed: true }));
  } catch (error) {
    const failure = failed(error);
    if (mayThrow && failure.state === 'refused') throw error;
    return batch.map(() => failure);
  }
  return changeSingly(client, batch);
}

/** If the server can no longer be reached, the remaining changes are not tried. */
async function changeSingly(client: UpdateClient, batch: readonly TxtChange[]): Promise<TxtOutcome[]> {
  const outcomes: TxtOutcome[] = [];
  let lost: Dns01Error | undefined;
  for (const { action, record } of batch) {
    if (lost) {
      outcomes.push({ state: 'refused', error: lost });
      continue;
    }
    try {
      const changed = action === 'add' ? await add(client, record) : (await remove(client, record)) === 'removed';
      outcomes.push({ state: 'done', changed });
    } catch (error) {
      const outcome = failed(error);
      outcomes.push(outcome);
      if (outcome.error.code === 'E_REMOTE') lost = outcome.error;
    }
  }
  return outcomes;
}

function failed(thrown: unknown): Extract<TxtOutcome, { error: Dns01Error }> {
  const error = asDns01Error(thrown);
  return { state: error.outcomeUnknown ? 'unknown' : 'refused', error };
}

/** The changes of one name, and the prerequisite that it has only what they remove (RFC 2136 section 2.4). */
function updateOf(changes: readonly TxtChange[]): { prerequisites: WireRecord[]; changes: WireRecord[] } {
  const dataOf = ({ record }: TxtChange) => encodeTxt(record.value);
  const removed = changes.filter(({ action }) => action === 'remove');
  const name = changes[0]?.record.name as Fqdn;
  return {
    prerequisites:
      removed.length > 0
        ? removed.map((change) => exactly(name, TYPE.TXT, dataOf(change)))
        : [noneOf(name, TYPE.TXT), noneOf(name, TYPE.CNAME)],
    changes: changes.map((change) =>
      change.action === 'add'
        ? addition(name, TYPE.TXT, change.record.ttl, dataOf(change))
        : deletion(name, TYPE.TXT, dataOf(change)),
    ),
  };
}

function byName(changes: readonly TxtChange[]): Map<Fqdn, TxtChange[]> {
  const names = new Map<Fqdn, TxtChange[]>();
  for (const change of changes) {
    const { name } = change.record;
    names.set(name, [...(names.get(name) ?? []), change]);
  }
  return names;
}

/** The changes in batches that fit into one update; the changes of one name stay together. */
function batchesOf(changes: readonly TxtChange[]): TxtChange[][] {
  const batches: TxtChange[][] = [];
  let left = 0;
  for (const group of byName(changes).values()) {
    const parts = updateOf(group);
    const records = [...parts.prerequisites, ...parts.changes];
    const bytes = records.reduce((sum, record) => sum + encodeRecord(record).length, 0);
    if (bytes > left) {
      batches.push([]);
      left = MAX_UPDATE_BYTES;
    }
    left -= bytes;
    batches.at(-1)?.push(...group);
  }
  return batches;
}

const holds = async (client: UpdateClient, { name, value }: TxtRecord): Promise<boolean> =>
  (await textsAt(client, name)).some((text) => text.value === value);

/** The server's own NS records of a zone. Records that it has from other servers do not count. */
async function nameServersOf(client: UpdateClient, zone: Fqdn): Promise<string[]> {
  const { flags, answers } = await client.ask(zone, TYPE.NS);
  const own = answers.filter(({ name, type }) => name === zone && type === TYPE.NS);
  const names = own.map(({ data }) => parseName(decodeName(data, 0).name));
  return isAuthoritative(flags) ? names.filter((name) => name !== undefined) : [];
}

interface Text {
  readonly value: string;
  /** The stored data: the same value can be split into strings in several ways. */
  readonly data: Buffer;
}

/** The TXT records at a name, read from the server itself. @throws E_REJECTED for a name that is a CNAME */
async function textsAt(client: UpdateClient, name: Fqdn): Promise<Text[]> {
  const { flags, answers } = await client.query(name, TYPE.TXT);
  if (!isAuthoritative(flags)) throw notAuthoritative(name);
  const own = answers.filter((record) => record.name === name && record.class === CLASS.IN);
  if (own.some(({ type }) => type === TYPE.CNAME)) throw cnameInTheWay(name);
  return own.filter(({ type }) => type === TYPE.TXT).map(({ data }) => ({ value: decodeTxt(data), data }));
}

/** @throws E_ZONE where the server does not hold exactly this zone */
async function valuesIn(client: UpdateClient, name: Fqdn, zone: Fqdn): Promise<string[]> {
  const texts = await textsAt(client, name);
  const { flags, answers } = await client.ask(zone, TYPE.SOA);
  const isZone = isAuthoritative(flags) && answers.some((record) => record.type === TYPE.SOA && record.name === zone);
  if (isZone) return texts.map(({ value }) => value);
  throw new Dns01Error('E_ZONE', `the server holds no zone ${zone}`, {
    hint: 'check the zone in the config or in --zone',
  });
}

const isAuthoritative = (flags: number): boolean => (flags & FLAG.AUTHORITATIVE) !== 0;

function notAuthoritative(name: Fqdn): Dns01Error {
  return new Dns01Error(
    'E_ZONE',
    `the server is not authoritative for ${name}: it delegates the name, or is a resolver`,
    { hint: 'set server to the primary of the zone that holds the name' },
  );
}
