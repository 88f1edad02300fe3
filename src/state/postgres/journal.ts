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
  OLD_AFTER_MS,
} from '../journal.ts';
import type { Database, Query } from './database.ts';

/** Rows of one page of a list. */
const PAGE_ROWS = 2000;

/** A row as the client gives it: an object without a form of its own. */
const rowSchema = z.custom<Readonly<Record<string, unknown>>>((row) => typeof row === 'object' && row !== null);

/** Without what is null, and with times as text, a row is an entry. One pass, because there may be a million. */
function entryOf(row: Readonly<Record<string, unknown>>): unknown {
  const entry: Record<string, unknown> = { version: 1 };
  for (const [column, value] of Object.entries(row)) {
    if (value !== null) entry[column] = value instanceof Date ? asText(value) : value;
  }
  return entry;
}

/** PostgreSQL has times that no date can show. */
const asText = (time: Date): string => (Number.isNaN(time.getTime()) ? 'never' : time.toISOString());

const storedSchema = z.pipe(z.pipe(rowSchema, z.transform(entryOf)), entrySchema);

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
const BEGIN = `with before as (
    select coalesce(until <= clock_timestamp(), false)
      or since <= clock_timestamp() - interval '${OLD_AFTER_MS} milliseconds' as was_old
    from dns01_journal where id = $1::text
  )
  ${INSERT} on conflict (id) do update set ${keptIfSame},
  account = excluded.account, provider = excluded.provider, target = excluded.target, by_user = excluded.by_user,
  until = excluded.until, since = excluded.since,
  begun = case when j.run = excluded.run then j.begun else j.begun + 1 end
  returning begun, coalesce((select was_old from before), false) as was_old`;

const RECORD = `${INSERT} on conflict (id) do update set state = excluded.state, zone = excluded.zone,
  handle = excluded.handle, lasting = excluded.lasting, run = null, account = excluded.account,
  provider = excluded.provider, target = excluded.target, by_user = excluded.by_user, until = excluded.until`;

const CLOSE = `delete from dns01_journal
  where id = $1::text and date_trunc('milliseconds', since) = $2::text::timestamptz`;

const begunSchema = z.object({ begun: z.number(), was_old: z.boolean() });

const countSchema = z.object({ count: z.number() });

const positionSchema = z.object({ id: z.string(), position: z.string() });

/** The journal as one table. Unlike files, a journal that cannot be written stops the change before it is made. */
export function openJournal(database: Database): Journal {
  return {
    async find(name, value) {
      const text = `select ${COLUMNS} from dns01_journal where id = $1::text`;
      const [entry] = await database.rows(storedSchema, { text, values: [idOf(name, value)] });
      return entry;
    },
    async begin(entry, run = randomUUID()) {
      const { name, value } = entry;
      const values = valuesOf({ ...entry, state: 'intent' }, run);
      const [row] = await database.rows(begunSchema, { text: BEGIN, values });
      return { name, value, run, wasKnown: (row?.begun ?? 2) > 1, wasOld: row?.was_old ?? true };
    },
    record: (entry) => database.run({ text: RECORD, values: valuesOf(entry, undefined) }),
    async close(name, value, seen) {
      if (seen) await database.run({ text: CLOSE, values: [idOf(name, value), seen.since] });
    },
    async abandon({ name, value, run }: Begun) {
      const text = 'delete from dns01_journal where id = $1::text and run = $2::text';
      // An intent that stays is withdrawn by a sweep, and its value is not there.
      await database.run({ text, values: [idOf(name, value), run] }).catch(() => {});
    },
    list: (filter = {}) => pages(filter, database),
    async count(filter, without = []) {
      const { add, values, where } = conditionsOf(filter, undefined);
      if (without.length > 0) {
        const ids = without.map(({ name, value }) => idOf(name, value));
        add((known) => `id not in (select jsonb_array_elements_text(${known}::jsonb))`, ids);
      }
      const text = `select count(*)::integer as count from dns01_journal ${where()}`;
      const [row] = await database.rows(countSchema, { text, values });
      return row?.count ?? 0;
    },
  };
}

const idOf = (name: string, value: string): string => digest(`${name} ${value}`);

/** Page by page, each after the last row of the one before: any number of rows needs the memory of one page. */
async function* pages(filter: JournalFilter, database: Database): AsyncGenerator<JournalEntry> {
  const [now] = await database.rows(z.object({ now: z.string() }), { text: 'select clock_timestamp()::text as now' });
  let last: Position | undefined;
  const damaged: string[] = [];
  do {
    const rows = await database.rows(rowSchema, pageAfter(last, filter, now?.now ?? 'now'));
    for (const row of rows) {
      const entry = z.safeParse(storedSchema, row);
      if (entry.success) yield entry.data;
      else damaged.push(String(row['id']));
    }
    last = rows.length === PAGE_ROWS ? z.parse(positionSchema, rows.at(-1)) : undefined;
  } while (last);
  if (damaged.length > 0) filter.damaged?.(damaged, `the table dns01_journal (${database.shown}), column id`);
}

type Position = z.output<typeof positionSchema>;

function pageAfter(last: Position | undefined, filter: JournalFilter, now: string): Query {
  const { add, values, where } = conditionsOf(filter, now);
  if (last) add((since, id) => `(since, id) > (${since}::text::timestamptz, ${id}::text)`, last.position, last.id);
  const text = `select ${COLUMNS}, id, since::text as position from dns01_journal ${where()} order by since, id limit ${PAGE_ROWS}`;
  return { text, values };
}

type Value = string | number | readonly string[];

/**
 * Only the conditions that are set, so that each statement can use the index that fits it.
 * @param now default: the clock of the database when the statement begins
 */
function conditionsOf({ olderThanMs, leaseEnded, unleased, by, name }: JournalFilter, now: string | undefined) {
  const values: Value[] = [];
  const conditions: string[] = [];
  const add = (condition: (...parameters: string[]) => string, ...own: Value[]) => {
    const first = values.push(...own) - own.length + 1;
    conditions.push(condition(...own.map((_, index) => `$${first + index}`)));
  };
  const at = () => (now === undefined ? 'now()' : `$${values.push(now)}::text::timestamptz`);
  if (olderThanMs !== undefined) {
    add((age) => `since <= ${at()} - ${age}::double precision * interval '1 millisecond'`, olderThanMs);
  }
  if (leaseEnded) add(() => `until <= ${at()}`);
  if (unleased) add(() => 'until is null and lasting is not true');
  if (by !== undefined) add((user) => `by_user = ${user}::text`, by);
  if (name !== undefined) add((fqdn) => `name = ${fqdn}::text`, name);
  const where = () => (conditions.length > 0 ? `where ${conditions.join(' and ')}` : '');
  return { add, values, where };
}
