import * as z from 'zod/mini';
import { digest } from '../../digest.ts';
import { limiterOf, PROMPT_MS, type RateLimits, type RequestCount, windowOf } from '../rate-limit.ts';
import type { Database } from './database.ts';

/** Microseconds since 1970 by the database's clock, read when the row is locked and not when the statement begins. */
const NOW = '(extract(epoch from clock_timestamp()) * 1000000)::bigint';

// $2: the window in microseconds. A start in the future was written before the database's clock was set back: it counts
// for one window from now on.
const LIVE = `(select coalesce(array_agg(least(s, c.now) order by s), array[]::bigint[])
  from unnest(r.starts) as s where c.now - least(s, c.now) < $2::bigint)`;
const PAUSED = `case when r.pause_us = 0 then 0
  else greatest(0, least(r.pause_us, least(r.pause_at, c.now) + r.pause_us - c.now)) end`;

/**
 * Books a request if fewer than $3 count and no pause holds; otherwise says how long to wait. One statement: the row is
 * locked from the count to the booking.
 */
const BOOK = `insert into dns01_rate_limits as r (id, starts, pause_at, pause_us, wait_us)
  values ($1::text, array[${NOW}], 0, 0, 0)
  on conflict (id) do update set (starts, pause_at, pause_us, wait_us) = (
    select case when b.wait = 0 then b.live || b.now else b.live end, b.pause_at,
      case when b.wait = 0 then 0 else b.pause_us end, b.wait
    from (
      select l.*, case when l.paused > 0 then l.paused
        when cardinality(l.live) < $3::integer then 0
        else greatest(1, l.live[cardinality(l.live) - $3::integer + 1] + $2::bigint - l.now) end as wait
      from (
        select c.now, ${LIVE} as live, ${PAUSED} as paused, least(r.pause_at, c.now) as pause_at, r.pause_us
        from (select ${NOW} as now) as c
      ) as l
    ) as b
  )
  returning starts[cardinality(starts)] as booked, wait_us`;

/** Moves the booking $3 to now where $4 says so, and counts the requests of others up to $5 used ones. */
const OVER = `update dns01_rate_limits as r set starts = (
    select m.live || array_fill(m.now, array[greatest(0, $5::integer - cardinality(m.live))])
    from (
      select c.now, (
        select coalesce(array_agg(s order by s), array[]::bigint[])
        from (
          select case when $4::boolean and t = $3::bigint then c.now else least(t, c.now) end as s
          from unnest(r.starts) as t
        ) as moved
        where c.now - s < $2::bigint
      ) as live
      from (select ${NOW} as now) as c
    ) as m
  )
  where id = $1::text`;

const PAUSE = `insert into dns01_rate_limits (id, starts, pause_at, pause_us, wait_us)
  values ($1::text, array[]::bigint[], ${NOW}, $2::bigint, 0)
  on conflict (id) do update set starts = excluded.starts, pause_at = excluded.pause_at, pause_us = excluded.pause_us`;

const STATE = `select cardinality(l.live) as used, greatest(l.paused, coalesce(l.live[1], l.now) + $2::bigint - l.now) as reset
  from (
    select c.now, ${LIVE} as live, ${PAUSED} as paused
    from dns01_rate_limits as r, (select ${NOW} as now) as c where r.id = $1::text
  ) as l`;

const bookedSchema = z.object({ booked: z.nullable(z.string()), wait_us: z.string() });
const stateSchema = z.object({ used: z.number(), reset: z.string() });

/** The rate limits of all machines that share the database, by its clock. */
export function openRateLimits(database: Database): RateLimits {
  return {
    open(settings) {
      const { limit, owner } = settings;
      const [id, windowUs] = [digest(owner), windowOf(limit) * 1000];
      /** When each booking was asked for, by our own clock: it is at most a little earlier than by the database's. */
      const askedAt = new Map<number, number>();
      const state = async () => {
        const [row] = await database.rows(stateSchema, { text: STATE, values: [id, windowUs] });
        return { used: row?.used ?? 0, resetMs: Math.ceil(Number(row?.reset ?? windowUs) / 1000) };
      };
      const count: RequestCount = {
        async book() {
          const asked = performance.now();
          const values = [id, windowUs, limit.requests];
          const [row] = await database.rows(bookedSchema, { text: BOOK, values });
          const waitUs = Number(row?.wait_us ?? windowUs);
          if (waitUs > 0) return { waitMs: Math.ceil(waitUs / 1000) };
          const booked = Number(row?.booked ?? 0);
          askedAt.set(booked, asked);
          // Not every caller says when its request is over.
          for (const [start, at] of askedAt) {
            if (performance.now() - at <= PROMPT_MS) break;
            askedAt.delete(start);
          }
          return { booked, waitMs: 0 };
        },
        async over(booked, left) {
          const isPrompt = performance.now() - (askedAt.get(booked) ?? 0) <= PROMPT_MS;
          askedAt.delete(booked);
          if (isPrompt && left === undefined) return;
          const used = left === undefined ? 0 : Math.max(0, limit.requests - left);
          await database.run({ text: OVER, values: [id, windowUs, booked, !isPrompt, used] });
        },
        comeBackIn: (waitMs) => database.run({ text: PAUSE, values: [id, Math.ceil(waitMs * 1000)] }),
        used: async () => (await state()).used,
        untilReset: async () => (await state()).resetMs,
      };
      return limiterOf(count, settings);
    },
  };
}
