/** One session with the panel, and the calls that this provider makes in it. */
import { Dns01Error, isDns01Error } from '../../src/errors.ts';
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
import { countWrites, type Writes } from './writes.ts';

/**
 * A search: column names with the value they must have, compared without regard to case; `%` makes it a LIKE. The
 * panel's `#OFFSET#` and `#LIMIT#` have to come last.
 */
export type Filter = Readonly<Record<string, string | number>>;

export interface Panel {
  /** @throws E_AUTH where "DNS zone functions" is not ticked */
  zones(filter: Filter): Promise<Zone[]>;
  /** Some of all zones, and how long the answer was. */
  zonePage(offset: number, limit: number): Promise<{ zones: Zone[]; bytes: number }>;
  /** Records of every type. @throws E_AUTH where "DNS txt functions" is not ticked */
  rows(filter: Filter): Promise<Row[]>;
  /**
   * The new row's id. A refusal comes back instead of being thrown, for it may have left the row behind (3.2.12p1
   * inserts first and raises the zone's serial afterwards).
   */
  insertRow(params: Readonly<Record<string, string>>): Promise<{ id: string } | { refusal: Dns01Error }>;
  /** False where the panel says that it has removed nothing: the row, or its zone, is not there for this user. */
  deleteRow(id: string, settings: { updateSerial: boolean }): Promise<boolean>;
  /** Why this user may not call a function at all; undefined where he may, whatever becomes of the call. */
  mayNot(call: string, body: object): Promise<Dns01Error | undefined>;
  /** What this session has written so far. */
  readonly writes: Writes;
  /** Log out if logged in. Never throws. */
  close(): Promise<void>;
}

export function openPanel(options: IspconfigOptions, context: ProviderContext): Panel {
  const { http } = context;
  const writes = countWrites();
  let session: Promise<string> | undefined;

  /** Logs in with the first call only. A refused login stays refused: ten of them lock the address out for minutes. */
  function currentSession(): Promise<string> {
    session ??= login().catch((failure: unknown) => {
      if (!isDns01Error(failure) || failure.code !== 'E_AUTH') session = undefined;
      throw failure;
    });
    return session;
  }

  async function login(): Promise<string> {
    const { username, password, clientLogin } = options;
    const answer = await send('login', { username, password, client_login: clientLogin }, { writes: false });
    // Before anything can repeat a piece of the answer in an error.
    for (const id of answer.text.match(/\b[a-z][0-9a-f]{40}\b/g) ?? []) context.keepSecret(id);
    const { response } = http.decode(successOf(readAnswer(answer, http), 'login'), sessionSchema);
    context.keepSecret(response);
    return response;
  }

  async function call(name: string, params: object, kind: { writes: boolean }): Promise<Verdict> {
    const used = currentSession();
    const verdict = await ask(name, await used, params, kind);
    if (verdict.kind !== 'session lost') return verdict;
    // A lost session is told before anything is done, so that also a write may be sent again. Once: such calls count
    // as failed logins.
    if (session === used) session = undefined;
    const again = await ask(name, await currentSession(), params, kind);
    if (again.kind === 'session lost') throw again.failure;
    return again;
  }

  async function ask(name: string, sessionId: string, params: object, kind: { writes: boolean }): Promise<Verdict> {
    return readAnswer(await send(name, { session_id: sessionId, ...params }, kind), http);
  }

  function send(name: string, json: object, { writes }: { writes: boolean }): Promise<HttpAnswer> {
    return http.send({ call: name, method: 'POST', url: `${options.url}?${name}`, json, writes });
  }

  const read = async (name: string, filter: Filter) =>
    successOf(await call(name, { primary_id: filter }, { writes: false }), name);

  return {
    async zones(filter) {
      return http.decode(await read('dns_zone_get', filter), zonesSchema).response;
    },

    async zonePage(offset, limit) {
      const answer = await read('dns_zone_get', { '#OFFSET#': offset, '#LIMIT#': limit });
      return { zones: http.decode(answer, zonesSchema).response, bytes: answer.text.length };
    },

    async rows(filter) {
      return http.decode(await read('dns_txt_get', filter), rowsSchema).response;
    },

    async insertRow(params) {
      // update_serial is a real boolean beside params: inside them, or as a text, it does something else.
      const body = { client_id: options.clientId, params, update_serial: true };
      return writes.count(async () => {
        const verdict = await call('dns_txt_add', body, { writes: true });
        if (verdict.kind === 'refused') return { refusal: verdict.failure };
        if (verdict.kind === 'no such row') return { refusal: zoneOutOfReach() };
        return { id: http.decode(successOf(verdict, 'dns_txt_add'), addedSchema).response };
      });
    },

    async deleteRow(id, { updateSerial }) {
      const body = { primary_id: id, update_serial: updateSerial };
      const remove = async () => {
        const verdict = await call('dns_txt_delete', body, { writes: true });
        if (verdict.kind === 'no such row') return false;
        return http.decode(successOf(verdict, 'dns_txt_delete'), deletedSchema).response === '1';
      };
      return updateSerial ? writes.count(remove) : remove();
    },

    writes,

    async mayNot(name, body) {
      const verdict = await call(name, body, { writes: false });
      return verdict.kind === 'refused' && verdict.failure.code === 'E_AUTH' ? verdict.failure : undefined;
    },

    async close() {
      try {
        const sessionId = await session;
        session = undefined;
        if (sessionId !== undefined) await send('logout', { session_id: sessionId }, { writes: true });
      } catch (failure) {
        context.log.debug('no logout', { failure: String(failure) });
      }
    },
  };
}

function successOf(verdict: Verdict, call: string): HttpAnswer {
  if (verdict.kind === 'ok') return verdict.answer;
  if (verdict.kind === 'no such row')
    throw new Dns01Error('E_PROTOCOL', `${call}: the panel says that an id is missing`);
  throw verdict.failure;
}

function zoneOutOfReach(): Dns01Error {
  return new Dns01Error('E_AUTH', 'dns_txt_add: the panel does not let this user change the zone', {
    hint: 'look in the panel whether the zone is still there and which client owns it',
  });
}
