import * as z from 'zod/mini';
import { digest } from '../../digest.ts';
import { type Orders, pendingSchema } from '../orders.ts';
import type { Database } from './database.ts';

const APPEND = `insert into dns01_orders as o (id, remaining, challenges, changed)
  values ($1::text, $2::integer, $3::jsonb, clock_timestamp())
  on conflict (id) do update set
    challenges = case when o.remaining = excluded.remaining + 1 then o.challenges || excluded.challenges
      else excluded.challenges end,
    remaining = excluded.remaining, changed = excluded.changed
  returning challenges`;

/** An order that has ended keeps its row, with nothing remaining, until the next order of these names or the next sweep. */
export function openOrders(database: Database): Orders {
  return {
    async append(order, remaining, challenges) {
      const values = [digest(order), remaining, [...challenges]];
      const rowSchema = z.object({ challenges: pendingSchema });
      const [row] = await database.rows(rowSchema, { text: APPEND, values, once: true });
      return row?.challenges ?? challenges;
    },
  };
}
