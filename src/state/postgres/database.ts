import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import * as z from 'zod/mini';
import { Dns01Error, isDns01Error } from '../../errors.ts';
import { databaseError, isConflict, isLost, unreachable } from './failure.ts';
import { prepareSchema } from './migrate.ts';
import type { Place } from './url.ts';

/** Milliseconds for a connection, for one statement, and for a statement whose connection was lost and that is repeated. */
const CONNECT_MS = 3000;
const STATEMENT_MS = 5000;
const PATIENCE_MS = 5000;

/** Connections of a process. Statements share them, and each is done in milliseconds. */
const MAX_CONNECTIONS = 3;

const MAX_CONFLICTS = 8;

/** Milliseconds after an answer of the database during which it counts as reachable. */
const FRESH_MS = 1000;

/** Milliseconds for the proof before a write that it is still reachable. */
export const CONFIRM_MS = 3000;

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
  /** Runs one statement, which is a transaction of its own. @throws E_REMOTE no answer; E_CONFIG no rights, no tables */
  run(query: Query): Promise<void>;
  /** The rows, each checked by the schema. @throws as `run` does, and E_PROTOCOL for a row of another form */
  rows<Schema extends z.core.$ZodType>(schema: Schema, query: Query): Promise<z.output<Schema>[]>;
  /** @throws E_REMOTE where it has not answered for a second and does not do so now */
  check(): Promise<void>;
  /** Calls back after each NOTIFY of the channel, and after a reconnection. Never fails: without it there is only polling. */
  listen(channel: string, notified: (payload: string) => void): void;
  close(): Promise<void>;
}

export function openDatabase(place: Place): Database {
  let client: postgres.Sql | undefined;
  let ready: Promise<void> | undefined;
  let listening: postgres.Sql | undefined;
  let answeredAt = Number.NEGATIVE_INFINITY;

  /** One attempt. A client that is silent is thrown away with its connections, because they may never answer again. */
  async function attempt<Result>(timeoutMs: number, task: (sql: postgres.Sql) => Promise<Result>): Promise<Result> {
    client ??= connect(place);
    const used = client;
    const inTime = new AbortController();
    const late = delay(timeoutMs, undefined, { signal: inTime.signal }).then(() => {
      if (client === used) [client, ready] = [undefined, undefined];
      void used.end({ timeout: 0 });
      throw unreachable(place.shown, `no answer within ${timeoutMs / 1000} s`);
    });
    late.catch(() => {});
    try {
      const result = await Promise.race([task(used), late]);
      answeredAt = performance.now();
      return result;
    } finally {
      inTime.abort();
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
      try {
        return await attempt(timeoutMs, async (sql) => {
          await prepared(sql);
          return sql.unsafe(text, values.map((value) => value ?? null) as never[], { prepare: true });
        });
      } catch (error) {
        if (isDns01Error(error)) throw error;
        const isLate = performance.now() - started > Math.min(PATIENCE_MS, timeoutMs);
        const repeats = isConflict(error) ? ++conflicts <= MAX_CONFLICTS : isLost(error) && !once;
        if (isLate || !repeats) throw databaseError(error, place.shown);
        await delay((isConflict(error) ? 10 : 100) * (0.5 + Math.random()));
      }
    }
  }

  return {
    shown: place.shown,
    async run(query) {
      await send(query);
    },
    async rows(schema, query) {
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
    },
    async check() {
      if (performance.now() - answeredAt < FRESH_MS) return;
      await send({ text: 'select 1', timeoutMs: CONFIRM_MS });
    },
    listen(channel, notified) {
      listening ??= connect(place, 1);
      // A database without LISTEN refuses it, and a lost connection is made again by the client.
      listening.listen(channel, notified, () => notified('')).catch(() => {});
    },
    async close() {
      const open = [client, listening].filter((sql) => sql !== undefined);
      await Promise.all(open.map((sql) => sql.end({ timeout: 1 })));
    },
  };
}

function connect(place: Place, max = MAX_CONNECTIONS): postgres.Sql {
  const { host, port, database, user, password, ssl } = place;
  return postgres({
    host,
    port,
    database,
    user,
    // A function, so that the client does not use a password of the environment.
    password: () => password ?? '',
    ssl,
    max,
    connect_timeout: CONNECT_MS / 1000,
    idle_timeout: 0,
    max_lifetime: null,
    keep_alive: 30,
    backoff: () => 0.1,
    prepare: true,
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: 'dns01', statement_timeout: STATEMENT_MS },
  });
}
