import { setTimeout as delay } from 'node:timers/promises';
import type postgres from 'postgres';
import * as z from 'zod/mini';
import { Dns01Error, isDns01Error } from '../../errors.ts';
import { type Client, openClient, STATEMENT_MS } from './client.ts';
import { databaseError, isConflict, isLost, unreachable, unusable } from './failure.ts';
import { prepareSchema } from './migrate.ts';
import type { Place } from './url.ts';

/** Milliseconds for a statement whose connection was lost and that is repeated. */
const PATIENCE_MS = 5000;

const MAX_CONFLICTS = 8;

/** Milliseconds for which it is believed that the database takes changes. */
const FRESH_MS = 1000;

/** Milliseconds for the proof before a write that it is still reachable. */
export const CONFIRM_MS = 3000;

/** Milliseconds for which a database that did not answer is not asked again, so that a run ends soon after. */
const SILENT_MS = 3000;

type Value = string | number | boolean | null | undefined | object;

export interface Query {
  /** One statement; `$1` and so on are its values. */
  readonly text: string;
  readonly values?: readonly Value[];
  /** Doing it twice would be wrong, so it is not repeated after its connection was lost. */
  readonly once?: boolean;
  /** Milliseconds; default: 5 s. */
  readonly timeoutMs?: number;
}

export interface Database {
  readonly shown: string;
  /** Runs one statement, which is a transaction of its own. @throws E_STATE no answer; E_CONFIG no rights, no tables */
  run(query: Query): Promise<void>;
  /** The rows, each checked by the schema. @throws as `run` does, and E_PROTOCOL for a row of another form */
  rows<Schema extends z.core.$ZodType>(schema: Schema, query: Query): Promise<z.output<Schema>[]>;
  /** @throws E_STATE where it has not said for a second that it takes changes, and does not say so now */
  check(): Promise<void>;
  /** Calls back after each NOTIFY of the channel, and after a reconnection. Never fails: without it there is only polling. */
  listen(channel: string, notified: (payload: string) => void): void;
  close(): Promise<void>;
}

const READING = /^(select|show) /;

const readOnlySchema = z.object({ transaction_read_only: z.string() });

export function openDatabase(place: Place): Database {
  let client: Client | undefined;
  let ready: Promise<void> | undefined;
  let listening: Client | undefined;
  let checkedAt = Number.NEGATIVE_INFINITY;
  let silent: { readonly until: number; readonly failure: Dns01Error } | undefined;

  function rememberSilence(failure: Dns01Error): Dns01Error {
    silent = { until: performance.now() + SILENT_MS, failure };
    return failure;
  }

  /** One attempt. A client that is silent is thrown away with its connections, because they may never answer again. */
  async function attempt<Result>(timeoutMs: number, task: (sql: postgres.Sql) => Promise<Result>): Promise<Result> {
    client ??= openClient(place);
    const used = client;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        if (client === used) [client, ready] = [undefined, undefined];
        used.destroy();
        reject(rememberSilence(unreachable(place.shown, `no answer within ${timeoutMs / 1000} s`)));
      }, timeoutMs);
    });
    try {
      return await Promise.race([task(used.sql), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async function prepared(sql: postgres.Sql): Promise<void> {
    ready ??= prepareSchema(sql, place.shown);
    const preparing = ready;
    await preparing.catch((error: unknown) => {
      if (ready === preparing) ready = undefined;
      throw error;
    });
  }

  async function send({ text, values = [], once = false, timeoutMs = STATEMENT_MS }: Query): Promise<unknown[]> {
    const started = performance.now();
    let conflicts = 0;
    for (;;) {
      if (silent && performance.now() < silent.until) throw silent.failure;
      try {
        const result = await attempt(timeoutMs, async (sql) => {
          await prepared(sql);
          return sql.unsafe(text, values.map((value) => value ?? null) as never[], { prepare: true });
        });
        // A change that was taken shows that changes are taken.
        if (!READING.test(text)) checkedAt = performance.now();
        return result;
      } catch (error) {
        if (isDns01Error(error)) throw error;
        const isLate = performance.now() - started > Math.min(PATIENCE_MS, timeoutMs);
        const repeats = isConflict(error) ? ++conflicts <= MAX_CONFLICTS : isLost(error) && !once;
        if (isLate || !repeats) {
          const failure = databaseError(error, place.shown);
          throw isLost(error) ? rememberSilence(failure) : failure;
        }
        await delay((isConflict(error) ? 10 : 100) * (0.5 + Math.random()));
      }
    }
  }

  async function rows<Schema extends z.core.$ZodType>(schema: Schema, query: Query): Promise<z.output<Schema>[]> {
    return (await send(query)).map((row) => {
      const parsed = z.safeParse(schema, row);
      if (parsed.success) return parsed.data;
      throw new Dns01Error(
        'E_PROTOCOL',
        `a row in the state database (${place.shown}) has another form than dns01 writes`,
        {
          hint: `field ${parsed.error.issues[0]?.path.join('.')}: no other program may write the tables of dns01`,
        },
      );
    });
  }

  return {
    shown: place.shown,
    async run(query) {
      await send(query);
    },
    rows,
    async check() {
      const started = performance.now();
      if (started - checkedAt < FRESH_MS) return;
      const text = 'show transaction_read_only';
      const [answer] = await rows(readOnlySchema, { text, timeoutMs: CONFIRM_MS });
      if (answer?.transaction_read_only !== 'off') throw unusable(place.shown, 'it is read-only');
      checkedAt = started;
    },
    listen(channel, notified) {
      listening ??= openClient(place, 1);
      // A database without LISTEN refuses it, and a lost connection is made again by the client.
      listening.sql.listen(channel, notified, () => notified('')).catch(() => {});
    },
    async close() {
      await Promise.all([client?.close(), listening?.close()]);
    },
  };
}
