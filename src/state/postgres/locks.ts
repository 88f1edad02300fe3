import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import * as z from 'zod/mini';
import { within } from '../../deadline.ts';
import { Dns01Error } from '../../errors.ts';
import type { HeldLock, LockOptions, Locks } from '../locks.ts';
import { CONFIRM_MS, type Database } from './database.ts';

/** Milliseconds for which a lock is held without a sign of its holder, and how often that gives one. */
const LEASE_MS = 30_000;
const RENEW_MS = 10_000;

/** Milliseconds that a request may take to end at the provider after its time limit here. */
const AFTERMATH_MS = 2000;

/** Milliseconds between two attempts: of whoever is next, and of the others. */
const POLL_NEXT_MS = 20;
const POLL_MS = 80;

/** Milliseconds for which whoever is next stays so without another attempt. */
const NEXT_MS = 1000;

/** Milliseconds of waiting after which the user is informed. */
const NOTICE_AFTER_MS = 1000;

/** Milliseconds of a turn and of the wait for one, after which another process goes on beside this one. */
const TURN_MS = 3000;

const TAKE = `insert into dns01_locks as l (name, holder, fence, expires)
  values ($1::text, $2::text, 1, clock_timestamp() + $3::double precision * interval '1 millisecond')
  on conflict (name) do update set holder = excluded.holder, fence = l.fence + 1, expires = excluded.expires,
      next = null, next_until = null
    where l.holder = excluded.holder or (
      (l.holder is null or l.expires <= clock_timestamp())
      and (l.next is null or l.next = excluded.holder or l.next_until <= clock_timestamp()))
  returning fence`;

// Otherwise a process that takes the lock again and again would keep the others from it.
const BE_NEXT = `update dns01_locks
  set next = $2::text, next_until = clock_timestamp() + $3::double precision * interval '1 millisecond'
  where name = $1::text and (next is null or next = $2::text or next_until <= clock_timestamp())
  returning fence`;

// Never shortened: a request that is under way may need all of it.
const CONFIRM = `update dns01_locks
  set expires = greatest(expires, clock_timestamp() + $4::double precision * interval '1 millisecond')
  where name = $1::text and holder = $2::text and fence = $3::bigint and expires > clock_timestamp()
  returning fence`;

const RELEASE = `update dns01_locks set holder = null, expires = clock_timestamp()
  where name = $1::text and holder = $2::text and fence = $3::bigint`;

const fenceSchema = z.object({ fence: z.string() });

/**
 * A lock is a row with a lease, by the database's clock, and a fencing number that grows with each holder. A holder that was
 * suspended until another took its lock finds another number.
 */
export function openLocks(database: Database): Locks {
  return {
    async hold(name, options, task) {
      const held = await take(name, LEASE_MS, options, database);
      const renewing = setInterval(() => {
        database.run({ text: CONFIRM, values: [...held, LEASE_MS] }).catch(() => {});
      }, RENEW_MS);
      renewing.unref();
      try {
        return await task({ check: (requestMs) => confirm(held, requestMs, database) });
      } finally {
        clearInterval(renewing);
        await release(held, database);
      }
    },
    async turn(name, deadline, task) {
      const patience = { deadline: within(deadline, TURN_MS) };
      const held = await take(`turn ${name}`, TURN_MS, patience, database).catch(() => undefined);
      try {
        return await task();
      } finally {
        if (held) await release(held, database);
      }
    },
  };
}

/** The values of a lock that is held: its name, its holder and its fencing number. */
type Held = readonly [name: string, holder: string, fence: string];

async function take(name: string, leaseMs: number, { deadline, info }: LockOptions, database: Database): Promise<Held> {
  const holder = `${process.pid} on ${hostname()} ${randomUUID()}`;
  const started = performance.now();
  let isReported = false;
  let nextSince = Number.NEGATIVE_INFINITY;
  for (;;) {
    const [taken] = await database.rows(fenceSchema, { text: TAKE, values: [name, holder, leaseMs] });
    if (taken) return [name, holder, taken.fence];
    if (performance.now() - nextSince > NEXT_MS / 2) {
      const asked = performance.now();
      const [reserved] = await database.rows(fenceSchema, { text: BE_NEXT, values: [name, holder, NEXT_MS] });
      nextSince = reserved ? asked : Number.NEGATIVE_INFINITY;
    }
    const isNext = performance.now() - nextSince < NEXT_MS;
    const pause = (isNext ? POLL_NEXT_MS : POLL_MS) * (0.5 + Math.random());
    if (deadline.remaining() <= pause) throw stillHeld(await holderOf(name, database));
    if (!isReported && info && performance.now() - started > NOTICE_AFTER_MS) {
      info(`waiting for another dns01 (${await holderOf(name, database)}) to finish`);
      isReported = true;
    }
    await deadline.sleep(pause);
  }
}

/** Where that fails, the lease ends by itself. */
const release = (held: Held, database: Database): Promise<void> =>
  database.run({ text: RELEASE, values: held }).catch(() => {});

/** The answer has to be here in time: a process that was suspended between question and answer may have lost the lock. */
async function confirm(held: Held, requestMs: number, database: Database): ReturnType<HeldLock['check']> {
  const asked = performance.now();
  const leaseMs = CONFIRM_MS + requestMs + AFTERMATH_MS;
  const query = { text: CONFIRM, values: [...held, leaseMs], timeoutMs: CONFIRM_MS };
  const [row] = await database.rows(fenceSchema, query);
  if (row && performance.now() - asked <= CONFIRM_MS) return;
  throw new Dns01Error('E_LOCK', 'the lock of the zone was lost while this dns01 was suspended or out of reach', {
    hint: 'run it again: nothing was written after the lock was lost',
  });
}

async function holderOf(name: string, database: Database): Promise<string> {
  const text = 'select holder from dns01_locks where name = $1::text';
  const [row] = await database.rows(z.object({ holder: z.nullable(z.string()) }), { text, values: [name] });
  const [, who] = /^(\d+ on [\w.-]+)/.exec(row?.holder ?? '') ?? [];
  return who === undefined ? 'another process' : `process ${who}`;
}

function stillHeld(holder: string): Dns01Error {
  return new Dns01Error('E_LOCK', `another dns01 (${holder}) holds the lock of the zone`, {
    hint: 'wait until it is done, or give more time with --timeout SECONDS',
  });
}
