import { connect, type Socket } from 'node:net';
import postgres from 'postgres';
import type { Place } from './url.ts';

/** Milliseconds for a connection and for one statement. */
export const CONNECT_MS = 3000;
export const STATEMENT_MS = 5000;

/** Seconds for the statements under way when everything else is done. */
const CLOSE_S = 1;

/** Connections of a process. Statements share them, and each is done in milliseconds. */
const MAX_CONNECTIONS = 3;

export interface Client {
  readonly sql: postgres.Sql;
  /** Ends the connections as PostgreSQL expects it. */
  close(): Promise<void>;
  /** Drops the connections. Nothing is sent, because a server that is silent would not take it. */
  destroy(): void;
}

/** Connects at the first statement. The sockets are ours, so that none keeps the process alive when its server is silent. */
export function openClient({ host, port, database, user, password, ssl }: Place, max = MAX_CONNECTIONS): Client {
  const sockets = new Set<Socket>();
  let isDestroyed = false;

  function openSocket(): Socket {
    if (isDestroyed) throw new Error('the client was closed');
    const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    sockets.add(socket);
    return socket.once('close', () => sockets.delete(socket));
  }

  function dropSockets(): void {
    isDestroyed = true;
    for (const socket of sockets) socket.destroy();
  }

  const sql = postgres({
    host,
    port,
    database,
    user,
    // A function, so that the client does not use a password of the environment.
    password: () => password ?? '',
    ssl,
    max,
    socket: openSocket,
    connect_timeout: CONNECT_MS / 1000,
    idle_timeout: 0,
    max_lifetime: null,
    keep_alive: 30,
    backoff: () => 0.1,
    prepare: true,
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: 'dns01', statement_timeout: STATEMENT_MS },
  } as postgres.Options<Record<string, never>>);

  return {
    sql,
    async close() {
      await sql.end({ timeout: CLOSE_S });
      dropSockets();
    },
    destroy() {
      void sql.end({ timeout: 0 });
      dropSockets();
    },
  };
}
