import * as z from 'zod/mini';
import { digest } from '../../digest.ts';
import { asDns01Error, asUnknown, isDns01Error } from '../../errors.ts';
import { type KeptRecord, type RecordStore, type Records, recordSchema, type ServedRecords } from '../records.ts';
import type { Database } from './database.ts';

/** Milliseconds between two looks at the database for changes that no notification announced. */
const POLL_MS = 500;

const CHANNEL = 'dns01_records';

// A change and the new serial are one transaction, so that a reader of the serial has all changes up to it.
const BUMP = `insert into dns01_serials as s (account, serial)
    select $1::text, extract(epoch from clock_timestamp())::bigint from change where change.counts
    on conflict (account) do update set serial = greatest(s.serial + 1, excluded.serial)
    returning serial`;

const ADD = `with before as (select ttl from dns01_records where account = $1::text and id = $2::text),
  change as (
    insert into dns01_records as r (account, id, name, value, ttl)
    values ($1::text, $2::text, $3::text, $4::text, $5::integer)
    on conflict (account, id) do update set ttl = excluded.ttl
    returning not exists (select 1 from before where before.ttl = $5::integer) as counts
  ),
  bumped as (${BUMP})
  select not exists (select 1 from before) as added, (select count(*) from bumped) as bumps from change`;

const REMOVE = `with change as (
    delete from dns01_records where account = $1::text and id = $2::text returning true as counts
  ),
  bumped as (${BUMP})
  select (select count(*) from bumped) as bumps from change`;

const SERIAL = 'select serial from dns01_serials where account = $1::text';

const RECORDS = `select s.serial, r.name, r.value, r.ttl from dns01_serials as s
  left join dns01_records as r on r.account = s.account where s.account = $1::text`;

const serialSchema = z.object({ serial: z.string() });
const servedSchema = z.object({
  serial: z.string(),
  name: z.nullable(z.string()),
  value: z.nullable(z.string()),
  ttl: z.nullable(z.number()),
});

export interface ClosableRecordStore extends RecordStore {
  close(): void;
}

/** @param warn called when what is served can no longer be kept up to date */
export function openRecordStore(database: Database, warn: (message: string) => void): ClosableRecordStore {
  const followers: Follower[] = [];
  const lookAgain = () => {
    for (const follower of followers) follower.look();
  };
  return {
    open: async (account) =>
      openRecords(account, database, () => {
        const follower = follow(account, database, warn);
        if (followers.length === 0) database.listen(CHANNEL, lookAgain);
        followers.push(follower);
        return follower;
      }),
    close() {
      for (const follower of followers) follower.close();
    },
  };
}

function openRecords(account: string, database: Database, startFollowing: () => Follower): Records {
  let follower: Follower | undefined;
  const held = (condition: string, ...values: string[]): Promise<KeptRecord[]> =>
    database.rows(recordSchema, {
      text: `select name, value, ttl from dns01_records where account = $1::text ${condition} order by id`,
      values: [account, ...values],
    });
  /** Nameservers elsewhere find a change without it too, a little later. */
  const announce = () => database.run({ text: `notify ${CHANNEL}` }).catch(() => {});
  return {
    async add({ name, value, ttl }) {
      const values = [account, idOf(name, value), name, value, ttl];
      const rows = database.rows(z.object({ added: z.boolean() }), { text: ADD, values, once: true });
      const [row] = await rows.catch(mayBeDone);
      await announce();
      return row?.added ?? true;
    },
    async remove(name, value) {
      const values = [account, idOf(name, value)];
      const rows = database.rows(z.looseObject({}), { text: REMOVE, values, once: true });
      const removed = (await rows.catch(mayBeDone)).length > 0;
      if (removed) await announce();
      return removed;
    },
    at: (name) => held('and name = $2::text', name),
    all: () => held(''),
    served() {
      follower ??= startFollowing();
      return follower.served();
    },
  };
}

/** A change whose answer was lost may have been made. */
const mayBeDone = (error: unknown): never => {
  throw asUnknown(asDns01Error(error));
};

const idOf = (name: string, value: string): string => digest(`${name} ${value}`);

interface Follower {
  /** From memory; only the first call waits for the database. */
  served(): Promise<ServedRecords>;
  /** Reads what has changed. */
  look(): void;
  close(): void;
}

function follow(account: string, database: Database, warn: (message: string) => void): Follower {
  let known: ServedRecords | undefined;
  let looking: Promise<ServedRecords> | undefined;
  let isStale = false;
  let looksAgain = false;

  async function read(): Promise<ServedRecords> {
    const [now] = await database.rows(serialSchema, { text: SERIAL, values: [account] });
    const serial = Number(now?.serial ?? 0);
    if (known?.serial === serial) return known;
    const rows = await database.rows(servedSchema, { text: RECORDS, values: [account] });
    const records = rows.flatMap(({ serial: _, ...record }) => z.safeParse(recordSchema, record).data ?? []);
    known = { records, serial: Number(rows[0]?.serial ?? 0) };
    return known;
  }

  function look(): Promise<ServedRecords> {
    if (looking) looksAgain = true;
    looking ??= read().finally(() => {
      looking = undefined;
      if (!looksAgain) return;
      looksAgain = false;
      background();
    });
    return looking;
  }

  function background(): void {
    look().then(
      () => {
        isStale = false;
      },
      (error: unknown) => {
        if (!isStale && isDns01Error(error)) warn(`the records that are served may be old: ${error.message}`);
        isStale = true;
      },
    );
  }

  const polling = setInterval(background, POLL_MS);
  polling.unref();
  return {
    served: async () => known ?? look(),
    look: background,
    close: () => clearInterval(polling),
  };
}
