import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import * as z from 'zod/mini';
import { Dns01Error } from '../../errors.ts';
import type { HeldLock, LockOptions, Locks } from '../locks.ts';
import { CONFIRM_MS, type Database } from './database.ts';

/** Milliseconds for which a lock is held without a sign of its holder, and how often that gives one. */
const LEASE_MS = 30_000;
const RENEW_MS = 10_000;

/** Milliseconds that a request may take to end at the provider after its time limit here. */
const AFTERMATH_MS = 2000;

/** Milliseconds between two attempts, and of waiting after which the user is informed. */
const POLL_MS = 100;
const NOTICE_AFTER_MS = 1000;

const TAKE = `insert into dns01_locks as l (name, holder, fence, expires)
  values ($1::text, $2::text, 1, clock_timestamp() + $3::double precision * interval '1 millisecond')
  on conflict (name) do update set holder = excluded.holder, fence = l.fence + 1, expires = excluded.expires
    where l.holder is null or l.expires <= clock_timestamp() or l.holder = excluded.holder
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
      const holder = `${process.pid} on ${hostname()} ${randomUUID()}`;
      const fence = await take(name, holder, options, database);
      const values = [name, holder, fence];
      const renewing = setInterval(() => {
        database.run({ text: CONFIRM, values: [...values, LEASE_MS] }).catch(() => {});
      }, RENEW_MS);
      renewing.unref();
      try {
        return await task({ check: (requestMs) => confirm(values, requestMs, database) });
      } finally {
        clearInterval(renewing);
        // Otherwise its lease ends by itself.
        await database.run({ text: RELEASE, values }).catch(() => {});
      }
    },
  };
}

async function take(
  name: string,
  holder: string,
  { deadline, info }: LockOptions,
  database: Database,
): Promise<string> {
  const started = performance.now();
  let isReported = false;
  for (;;) {
    const [taken] = await database.rows(fenceSchema, { text: TAKE, values: [name, holder, LEASE_MS] });
    if (taken) return taken.fence;
    const pause = POLL_MS * (0.5 + Math.random());
    if (deadline.remaining() <= pause) throw stillHeld(await holderOf(name, database));
    if (!isReported && info && performance.now() - started > NOTICE_AFTER_MS) {
      info(`waiting for another dns01 (${await holderOf(name, database)}) to finish`);
      isReported = true;
    }
    await deadline.sleep(pause);
  }
}

/** The answer has to be here in time: a process that was suspended between question and answer may have lost the lock. */
async function confirm(
  values: readonly string[],
  requestMs: number,
  database: Database,
): ReturnType<HeldLock['check']> {
  const asked = performance.now();
  const leaseMs = CONFIRM_MS + requestMs + AFTERMATH_MS;
  const query = { text: CONFIRM, values: [...values, leaseMs], timeoutMs: CONFIRM_MS };
  const [held] = await database.rows(fenceSchema, query);
  if (held && performance.now() - asked <= CONFIRM_MS) return;
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
