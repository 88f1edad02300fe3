/**
 * The tables. Plain SQL, so that databases which speak PostgreSQL's protocol take it as well. Step N leads from version N
 * to N + 1; a step that was released never changes.
 */
export const STEPS: readonly (readonly string[])[] = [
  [
    `create table dns01_journal (
      id text primary key,
      name text not null,
      value text not null,
      state text not null,
      target text,
      account text not null,
      provider text not null,
      zone text,
      handle jsonb,
      lasting boolean,
      by_user text,
      until timestamptz,
      since timestamptz not null,
      run text,
      begun integer not null
    )`,
    'create index dns01_journal_since on dns01_journal (since, id)',
    'create index dns01_journal_user on dns01_journal (by_user, name)',
    'create index dns01_journal_name on dns01_journal (name)',
    'create index dns01_journal_until on dns01_journal (until)',
    `create table dns01_orders (
      id text primary key,
      remaining integer not null,
      challenges jsonb not null,
      changed timestamptz not null
    )`,
    `create table dns01_zones (
      account text not null,
      kind text not null,
      key text not null,
      value text not null,
      found timestamptz not null,
      primary key (account, kind, key)
    )`,
    `create table dns01_locks (
      name text primary key,
      holder text,
      fence bigint not null,
      expires timestamptz not null,
      next text,
      next_until timestamptz
    )`,
    // Times in microseconds since 1970, by the clock of the database.
    `create table dns01_rate_limits (
      id text primary key,
      starts bigint[] not null,
      pause_at bigint not null,
      pause_us bigint not null,
      wait_us bigint not null
    )`,
    'create table dns01_refused (id text primary key, refused timestamptz not null)',
    `create table dns01_records (
      account text not null,
      id text not null,
      name text not null,
      value text not null,
      ttl integer not null,
      primary key (account, id)
    )`,
    'create index dns01_records_name on dns01_records (account, name)',
    'create table dns01_serials (account text primary key, serial bigint not null)',
    'create table dns01_users (name text primary key, record jsonb not null, changed timestamptz not null)',
  ],
];

export const TABLES = [
  'dns01_schema',
  'dns01_journal',
  'dns01_orders',
  'dns01_zones',
  'dns01_locks',
  'dns01_rate_limits',
  'dns01_refused',
  'dns01_records',
  'dns01_serials',
  'dns01_users',
] as const;

export const VERSION = STEPS.length;

/** The one row of this table is locked during a migration, so that only one process at a time makes the tables. */
export const BEGIN_SCHEMA = [
  'create table if not exists dns01_schema (id integer primary key, version integer not null)',
  'insert into dns01_schema values (1, 0) on conflict do nothing',
] as const;

const ROLE = /^[A-Za-z_][\w$-]{0,62}$/;

/** The rights that dns01 needs at its tables; undefined for a text that is no name of a role. */
export function grantTo(role: string): string | undefined {
  if (!ROLE.test(role)) return undefined;
  return `grant select, insert, update, delete on ${TABLES.join(', ')} to "${role}"`;
}

/** Everything at once, for an administrator to read and run. */
export function wholeSchema(role: string | undefined): string {
  const grant = role === undefined ? undefined : grantTo(role);
  const steps = STEPS.flat().map((statement) => statement.replace(/^ {4}/gm, ''));
  const all = ['begin', ...BEGIN_SCHEMA, ...steps, `update dns01_schema set version = ${VERSION}`];
  return [...all, ...(grant === undefined ? [] : [grant]), 'commit'].map((statement) => `${statement};\n`).join('');
}
