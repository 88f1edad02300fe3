import { domainToUnicode } from 'node:url';
import * as z from 'zod/mini';
import type { Dns01Error } from '../../src/errors.ts';
import {
  createApi,
  createRunMemory,
  eachPage,
  type Fqdn,
  type ProviderContext,
  quoteTxt,
  type ShownTxt,
  shownId,
  type TxtRecord,
} from '../../src/provider.ts';
import { type Answer, answerSchema, asError, type InwxLogin, openSession, type Send } from './session.ts';

/** Without `record` where nothing was found. */
const infoSchema = z.object({
  record: z.optional(z.array(z.object({ id: shownId, name: z.string(), type: z.string(), content: z.string() }))),
});
const listSchema = z.object({
  count: z.optional(z.int()),
  domains: z.optional(z.array(z.object({ domain: z.string() }))),
});
const createdSchema = z.object({ id: shownId });

/** "Chapter 4. Result codes". */
const CODES = { objectExists: 2302, noObject: 2303, notAllowed: 2201 } as const;

/** Without a session, or with one that has ended. */
const NO_SESSION: readonly number[] = [2002, 2200, 2501];

const MIN_TTL_SECONDS = 300;
const MAX_BARE_OCTETS = 255;
const ZONES_PER_PAGE = 100;

/** The methods of INWX's API that a DNS-01 hook needs, in one session. */
export function createInwxClient(login: InwxLogin, context: ProviderContext) {
  const { http } = context;
  const api = createApi(context, { url: login.url, headers: {} });
  const sessions = createRunMemory<string>();
  /** The spelling under which the API knows a zone. */
  const spellings = new Map<Fqdn, string>();

  const send: Send = async (method, params, { cookie, writes = false } = {}) => {
    const answer = await api.send({
      method: 'POST',
      path: '/',
      call: method,
      json: { jsonrpc: '2.0', id: 1, method, params },
      ...(cookie === undefined ? {} : { headers: { cookie } }),
      writes,
    });
    return { answer: http.decode(answer, answerSchema), headers: answer.headers };
  };

  /** It is never closed: INWX ends a session that is not used, and the cookie is kept nowhere. */
  const session = () => sessions.get('', () => openSession(login, send, context));

  /** A refusal by an ended session changes nothing, so the call is repeated once in a new one. */
  async function call(method: string, params: object, writes = false): Promise<Answer> {
    const { answer } = await send(method, params, { cookie: await session(), writes });
    if (!NO_SESSION.includes(answer.code)) return answer;
    sessions.forget();
    return (await send(method, params, { cookie: await session(), writes })).answer;
  }

  /**
   * A call for a zone. INWX shows internationalised zones in Unicode, and not every method has always known their ASCII
   * form, so a zone that it does not know is tried in Unicode too.
   */
  async function inZone(zone: Fqdn, method: string, paramsFor: (spelling: string) => object, writes = false) {
    const spelling = spellings.get(zone) ?? zone;
    const answer = await call(method, paramsFor(spelling), writes);
    const unicode = domainToUnicode(zone);
    if (answer.code !== CODES.noObject || ['', spelling].includes(unicode) || spellings.has(zone)) return answer;
    const second = await call(method, paramsFor(unicode), writes);
    if (second.code !== CODES.noObject) spellings.set(zone, unicode);
    return second;
  }

  async function records(zone: Fqdn, name: Fqdn, type: 'TXT' | 'NS') {
    const method = 'nameserver.info';
    const answer = await inZone(zone, method, (domain) => ({ domain, name: within(name, zone, domain), type }));
    if (answer.code !== 1000) throw refused(method, answer, zone);
    const found = decoded(method, infoSchema, answer).record ?? [];
    return found.filter((record) => record.type === type);
  }

  /** @throws E_PROTOCOL, because the method was a success */
  function decoded<Schema extends z.core.$ZodType>(method: string, schema: Schema, { resData }: Answer) {
    return http.decode({ call: method, status: 200, headers: {}, text: JSON.stringify(resData ?? {}) }, schema);
  }

  return {
    async *list(zone: Fqdn, name: Fqdn): AsyncGenerator<ShownTxt> {
      for (const { id, name: own, content } of await records(zone, name, 'TXT')) {
        yield { id, name: `${own.replace(/\.$/, '')}.`, value: content };
      }
    },
    nameServers: async (zone: Fqdn) => (await records(zone, zone, 'NS')).map(({ content }) => content),
    async create({ name, value, ttl, zone }: TxtRecord): Promise<Partial<ShownTxt> & { conflict?: Dns01Error }> {
      const method = 'nameserver.createRecord';
      const content = value.length > MAX_BARE_OCTETS ? quoteTxt(value) : value;
      const answer = await inZone(
        zone,
        method,
        (domain) => ({
          domain,
          type: 'TXT',
          name: within(name, zone, domain),
          content,
          ttl: Math.max(ttl, MIN_TTL_SECONDS),
        }),
        true,
      );
      if (answer.code === CODES.objectExists) return { conflict: refused(method, answer, zone) };
      if (answer.code !== 1000) throw refused(method, answer, zone);
      return decoded(method, createdSchema, answer);
    },
    async remove(zone: Fqdn, id: string): Promise<'removed' | 'absent'> {
      const method = 'nameserver.deleteRecord';
      const answer = await call(method, { id: /^\d{1,15}$/.test(id) ? Number(id) : id }, true);
      if (answer.code === CODES.noObject) return 'absent';
      if (answer.code !== 1000) throw refused(method, answer, zone);
      return 'removed';
    },
    zones: () =>
      eachPage(1, async (page) => {
        const method = 'nameserver.list';
        const answer = await call(method, { page, pagelimit: ZONES_PER_PAGE });
        if (answer.code !== 1000) throw refused(method, answer);
        const { count = 0, domains = [] } = decoded(method, listSchema, answer);
        const isLast = domains.length === 0 || page * ZONES_PER_PAGE >= count;
        return { items: domains.map(({ domain }) => ({ name: domain })), next: isLast ? undefined : page + 1 };
      }),
  };
}

/** The name in the spelling of its zone. */
const within = (name: Fqdn, zone: Fqdn, spelling: string): string =>
  spelling === zone ? name : `${name.slice(0, name.length - zone.length)}${spelling}`;

function refused(method: string, answer: Answer, zone?: Fqdn): Dns01Error {
  const inZone = zone ?? 'the zone';
  if (NO_SESSION.includes(answer.code)) {
    return asError(method, answer, { code: 'E_REMOTE', text: 'the session has ended twice', hint: 'try again later' });
  }
  if (answer.code === CODES.noObject) {
    return asError(method, answer, {
      code: 'E_ZONE',
      text: `there is no zone ${inZone} in this account`,
      hint: `check that ${inZone} has a nameserver entry in this INWX account`,
    });
  }
  if (answer.code === CODES.notAllowed) {
    return asError(method, answer, {
      code: 'E_AUTH',
      text: 'this user does not have the right to do this',
      hint: 'give the user the role DNS Management at INWX',
      tryNextZone: zone !== undefined,
    });
  }
  return asError(method, answer, {
    code: 'E_REJECTED',
    hint: `check in the INWX web interface that ${inZone} takes a TXT record at this name`,
  });
}
