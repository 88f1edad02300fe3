import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { digest } from '../../digest.ts';
import {
  type Begun,
  entrySchema,
  type Journal,
  type JournalEntry,
  type JournalFilter,
  type NewEntry,
} from '../journal.ts';
import type { Database } from './database.ts';

/** Rows of one page of a list. */
const PAGE_ROWS = 2000;

const isoTime = z.pipe(
  z.date(),
  z.transform((time: Date) => time.toISOString()),
);

/** A row as JSON without what is null, which is an entry. */
const rowSchema = z.pipe(
  z.looseObject({ since: isoTime, until: z.nullable(isoTime) }),
  z.transform((row) => ({
    ...Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)),
    version: 1,
  })),
);
const storedSchema = z.pipe(rowSchema, entrySchema);

const COLUMNS =
  'name, value, state, target, account, provider, zone, handle, lasting, by_user as by, until, since, run';

/** The values of an entry, in the order in which `INSERT` names them. */
const INSERT = `insert into dns01_journal as j
  (id, name, value, state, target, account, provider, zone, handle, lasting, by_user, until, run, since, begun)
  values ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::jsonb, $10::boolean,
    $11::text, clock_timestamp() + $12::double precision * interval '1 millisecond', $13::text, clock_timestamp(), 1)`;

const valuesOf = (entry: NewEntry, run: string | undefined) => [
  idOf(entry.name, entry.value),
  entry.name,
  entry.value,
  entry.state,
  entry.target,
  entry.account,
  entry.provider,
  entry.zone,
  entry.handle,
  entry.lasting,
  entry.by,
  entry.leaseMs,
  run,
];

// A value that is known to be published at the same place keeps its entry, with the handle that its removal needs.
const IS_SAME = `(j.state = 'published' and j.account = excluded.account and j.target is not distinct from excluded.target)`;
const keptIfSame = ['state', 'zone', 'handle', 'lasting', 'run']
  .map((column) => `${column} = case when ${IS_SAME} then j.${column} else excluded.${column} end`)
  .join(', ');

// A statement that is repeated after a lost answer has begun nothing new: its run is the same.
const BEGIN = `${INSERT} on conflict (id) do update set ${keptIfSame},
  account = excluded.account, provider = excluded.provider, target = excluded.target, by_user = excluded.by_user,
  until = excluded.until, since = excluded.since,
  begun = case when j.run = excluded.run then j.begun else j.begun + 1 end
  returning begun`;

const RECORD = `${INSERT} on conflict (id) do update set state = excluded.state, zone = excluded.zone,
  handle = excluded.handle, lasting = excluded.lasting, run = null, account = excluded.account,
  provider = excluded.provider, target = excluded.target, by_user = excluded.by_user, until = excluded.until`;

const LIST = `select ${COLUMNS}, id, since::text as position from dns01_journal
  where ($1::text is null or (since, id) > ($1::text::timestamptz, $2::text))
    and ($3::text is null or since <= $3::text::timestamptz)
    and (not $4::boolean or until <= $5::text::timestamptz)
    and ($6::text is null or by_user = $6::text)
    and ($7::text is null or name = $7::text)
  order by since, id limit ${PAGE_ROWS}`;

const positionSchema = z.looseObject({ id: z.string(), position: z.string() });

/** The journal as one table. Unlike files, a journal that cannot be written stops the change before it is made. */
export function openJournal(database: Database): Journal {
  return {
    async find(name, value) {
      const text = `select ${COLUMNS} from dns01_journal where id = $1::text`;
      const [entry] = await database.rows(storedSchema, { text, values: [idOf(name, value)] });
      return entry;
    },
    async begin(entry) {
      const { name, value } = entry;
      const run = randomUUID();
      const values = valuesOf({ ...entry, state: 'intent' }, run);
      const [row] = await database.rows(z.object({ begun: z.number() }), { text: BEGIN, values });
      return { name, value, run, wasKnown: (row?.begun ?? 2) > 1 };
    },
    record: (entry) => database.run({ text: RECORD, values: valuesOf(entry, undefined) }),
    close: (name, value) =>
      database.run({ text: 'delete from dns01_journal where id = $1::text', values: [idOf(name, value)] }),
    async abandon({ name, value, run }: Begun) {
      const text = 'delete from dns01_journal where id = $1::text and run = $2::text';
      // An intent that stays is withdrawn by a sweep, and its value is not there.
      await database.run({ text, values: [idOf(name, value), run] }).catch(() => {});
    },
    list: (filter = {}) => pages(filter, database),
  };
}

const idOf = (name: string, value: string): string => digest(`${name} ${value}`);

/** Page by page, each after the last row of the one before: any number of rows needs the memory of one page. */
async function* pages(filter: JournalFilter, database: Database): AsyncGenerator<JournalEntry> {
  const { olderThanMs, leaseEnded = false, by, name } = filter;
  const text = `select clock_timestamp()::text as now,
    (clock_timestamp() - $1::double precision * interval '1 millisecond')::text as latest`;
  const timesSchema = z.object({ now: z.string(), latest: z.nullable(z.string()) });
  const [times] = await database.rows(timesSchema, { text, values: [olderThanMs] });
  let last: z.output<typeof positionSchema> | undefined;
  const damaged: string[] = [];
  do {
    const values = [last?.position, last?.id, times?.latest, leaseEnded, times?.now, by, name];
    const rows = await database.rows(positionSchema, { text: LIST, values });
    for (const row of rows) {
      const entry = z.safeParse(storedSchema, row);
      if (entry.success) yield entry.data;
      else damaged.push(row.id);
    }
    last = rows.length === PAGE_ROWS ? rows.at(-1) : undefined;
  } while (last);
  if (damaged.length > 0) filter.damaged?.(damaged, `the table dns01_journal (${database.shown}), column id`);
}
