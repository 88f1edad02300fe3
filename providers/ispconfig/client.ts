/** One session with the panel, and the calls of this provider in it. */
import { asUnknown, type Dns01Error, isDns01Error } from '../../src/errors.ts';
import type { HttpAnswer, ProviderContext } from '../../src/provider.ts';
import { readAnswer, type Verdict } from './faults.ts';
import {
  addedSchema,
  deletedSchema,
  type IspconfigOptions,
  type Row,
  rowsSchema,
  sessionSchema,
  type Zone,
  zonesSchema,
} from './schema.ts';

/**
 * A search: columns with the values that they must have, compared without regard to case; `%` makes it a LIKE. The
 * panel's `#OFFSET#` and `#LIMIT#` have to come last.
 */
export type Filter = Readonly<Record<string, string | number>>;

/** Zones come with their whole zone files. */
const MAX_ZONES_BYTES = 64 * 1024 * 1024;

export type Panel = ReturnType<typeof openPanel>;

export function openPanel(options: IspconfigOptions, context: ProviderContext) {
  const { http } = context;
  const writes = countWrites();
  let session: Promise<string> | undefined;

  /** Logs in on the first call. A refused login is not repeated, because ten of them block the address for minutes. */
  function currentSession(): Promise<string> {
    session ??= login().catch((failure: unknown) => {
      if (!isDns01Error(failure) || failure.code !== 'E_AUTH') session = undefined;
      throw failure;
    });
    return session;
  }

  async function login(): Promise<string> {
    const { username, password, clientLogin } = options;
    const answer = await send('login', { username, password, client_login: clientLogin });
    // Before any error can repeat a part of the answer.
    for (const id of answer.text.match(/\b[a-z][0-9a-f]{40}\b/g) ?? []) context.keepSecret(id);
    const { response } = http.decode(successOf(readAnswer(answer, http)), sessionSchema);
    context.keepSecret(response);
    return response;
  }

  /** A 429 comes from a server in front of the panel, which may have passed the request on before. */
  function send(name: string, json: object, writes = false): Promise<HttpAnswer> {
    const call = { call: name, method: 'POST', url: `${options.url}?${name}`, json, writes } as const;
    const size = name === 'dns_zone_get' ? { maxBytes: MAX_ZONES_BYTES } : {};
    return http.send({ ...call, ...size, checkAfterRateLimit: writes });
  }

  async function ask(name: string, params: object, writes: boolean): Promise<Verdict> {
    const used = currentSession();
    const verdict = readAnswer(await send(name, { session_id: await used, ...params }, writes), http);
    if (verdict.kind === 'session lost' && session === used) session = undefined;
    return verdict;
  }

  /** Sent again after a lost session, but only once, because such calls count as failed logins. */
  async function read(name: string, params: object): Promise<Verdict> {
    const verdict = await ask(name, params, false);
    return verdict.kind === 'session lost' ? ask(name, params, false) : verdict;
  }

  /** ISPConfig checks the session again after it stored the row, so a lost session does not say what was done. */
  async function write(name: string, params: object): Promise<Verdict> {
    const verdict = await ask(name, params, true);
    if (verdict.kind === 'session lost') throw asUnknown(verdict.failure);
    return verdict;
  }

  const search = async (name: string, filter: Filter) => successOf(await read(name, { primary_id: filter }));

  return {
    /** Zones, and the length of the answer. @throws E_AUTH where "DNS zone functions" is not ticked */
    async zones(filter: Filter): Promise<{ zones: Zone[]; bytes: number }> {
      const answer = await search('dns_zone_get', filter);
      return { zones: http.decode(answer, zonesSchema).response, bytes: answer.text.length };
    },

    /** Records of every type. @throws E_AUTH where "DNS txt functions" is not ticked */
    async rows(filter: Filter): Promise<Row[]> {
      return http.decode(await search('dns_txt_get', filter), rowsSchema).response;
    },

    /**
     * The new row's id. A refusal is returned and not thrown, because it may have left the row behind: 3.2.12 inserts the
     * row before it raises the zone's serial.
     */
    insertRow(params: Readonly<Record<string, string>>): Promise<{ id: string } | { refusal: Dns01Error }> {
      // update_serial is a real boolean beside params: inside them, or as a text, it has another effect.
      const body = { client_id: options.clientId, params, update_serial: true };
      return writes.count(async () => {
        const verdict = await write('dns_txt_add', body);
        if (verdict.kind !== 'ok') return { refusal: verdict.failure };
        return { id: http.decode(verdict.answer, addedSchema).response };
      });
    },

    /** False if the panel says that it removed nothing: the row or its zone is not there for this user. */
    deleteRow(id: string, updateSerial: boolean): Promise<boolean> {
      const remove = async () => {
        const verdict = await write('dns_txt_delete', { primary_id: id, update_serial: updateSerial });
        if (verdict.kind === 'no such row') return false;
        return http.decode(successOf(verdict), deletedSchema).response === '1';
      };
      return updateSerial ? writes.count(remove) : remove();
    },

    /** Why this user may not call a function at all; undefined where the call is allowed, whatever its answer. */
    async mayNot(name: string, body: object): Promise<Dns01Error | undefined> {
      const verdict = await read(name, body);
      return verdict.kind === 'refused' && verdict.failure.code === 'E_AUTH' ? verdict.failure : undefined;
    },

    /** The writes of this session. */
    writes,

    /** Logs out if logged in. Never throws. */
    async close(): Promise<void> {
      try {
        const sessionId = await session;
        session = undefined;
        if (sessionId !== undefined) await send('logout', { session_id: sessionId }, true);
      } catch (failure) {
        context.log.debug('logout failed', { failure: String(failure) });
      }
    },
  };
}

function successOf(verdict: Verdict): HttpAnswer {
  if (verdict.kind === 'ok') return verdict.answer;
  throw verdict.failure;
}

/** Counts the writes of this session, because each one raises the serial of its zone. */
export function countWrites() {
  let begun = 0;
  let inProgress = 0;
  return {
    /** Take it just before a zone is read. NaN while a write is in progress that can still raise a serial. */
    snapshot: (): number => (inProgress === 0 ? begun : Number.NaN),
    /** True if the caller's write is the only one of this session since the snapshot. */
    isOnlyOneSince: (snapshot: number): boolean => begun === snapshot + 1,
    /** Does a write that raises a serial. With an unknown outcome it stays in progress: it may be done at any time. */
    async count<Result>(write: () => Promise<Result>): Promise<Result> {
      begun++;
      inProgress++;
      let isOver = true;
      try {
        return await write();
      } catch (failure) {
        isOver = isDns01Error(failure) && !failure.outcomeUnknown;
        throw failure;
      } finally {
        if (isOver) inProgress--;
      }
    },
  };
}
