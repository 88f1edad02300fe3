import * as z from 'zod/mini';
import type { Dns01Error } from '../../src/errors.ts';
import {
  createApi,
  createRunMemory,
  type Fqdn,
  type ProviderContext,
  type Refusal,
  refusalError,
  shownId,
} from '../../src/provider.ts';

export interface NetcupLogin {
  readonly url: string;
  readonly customerNumber: string;
  readonly apiKey: string;
  readonly apiPassword: string;
}

export type NetcupClient = ReturnType<typeof createNetcupClient>;

/** A record as the API takes it: without an id to add it, with an id and `deleterecord` to delete it. */
export interface Edit {
  readonly id?: string;
  readonly hostname: string;
  readonly type: 'TXT';
  readonly destination: string;
  readonly deleterecord: boolean;
}

export interface NetcupRecord {
  readonly id: string;
  readonly hostname: string;
  readonly type: string;
  readonly destination: string;
}

/** `Responsemessage`: every answer has status 200 and says in here what happened. */
const answerSchema = z.object({
  status: z.string(),
  statuscode: z.int(),
  longmessage: z._default(z.string(), ''),
  responsedata: z.optional(z.unknown()),
});
type Answer = z.output<typeof answerSchema>;

const sessionSchema = z.object({ apisessionid: z.string().check(z.minLength(1)) });

/** `Dnsrecordset`, or an empty text where there is nothing. */
const recordsSchema = z.union([
  z.object({
    dnsrecords: z.array(z.object({ id: shownId, hostname: z.string(), type: z.string(), destination: z.string() })),
  }),
  z.pipe(
    z.literal(''),
    z.transform(() => ({ dnsrecords: [] })),
  ),
]);

const SUCCESS = 2000;
/** The session has ended. The live API also says so long before the 15 minutes of its documents are over. */
const SESSION_ENDED = 4001;
/** Something is not valid, too many requests were made, or, at a login, the credentials are wrong: the text tells which. */
const NOT_VALID = 4013;
/** `infoDnsRecords` says this for a missing zone and for one without records. */
const NO_RECORDS = 5029;
/** The codes of `updateDnsRecords`, `infoDnsRecords` and `infoDnsZone` for a zone that is not there; the first has other meanings too. */
const ZONE_CODES: readonly number[] = [5028, NO_RECORDS, 5031];

/** The actions of netcup's CCP API that a DNS-01 hook needs, in one session. */
export function createNetcupClient(login: NetcupLogin, context: Pick<ProviderContext, 'http' | 'keepSecret'>) {
  const api = createApi(context, { url: login.url, headers: {} });
  const { customerNumber: customernumber, apiKey: apikey, apiPassword: apipassword } = login;
  const sessions = createRunMemory<string>();
  let session: string | undefined;

  async function send(action: string, param: object, writes = false): Promise<Answer> {
    const json = { action, param: { ...param, customernumber, apikey } };
    return api.json({ method: 'POST', path: '?JSON', call: action, json, writes }, answerSchema);
  }

  /** @throws E_PROTOCOL with `outcomeUnknown`, because the action was a success */
  const decoded = <Schema extends z.core.$ZodType>(action: string, schema: Schema, { responsedata }: Answer) =>
    context.http.decode({ call: action, status: 200, headers: {}, text: JSON.stringify(responsedata ?? '') }, schema);

  const openSession = () =>
    sessions.get('', async () => {
      const answer = await send('login', { apipassword });
      if (answer.statuscode !== SUCCESS) throw loginRefused(answer, login);
      session = decoded('login', sessionSchema, answer).apisessionid;
      context.keepSecret(session);
      return session;
    });

  /** A refusal by an ended session changes nothing, so the call is repeated once in a new one. */
  async function inSession(action: string, param: object, writes = false): Promise<Answer> {
    const answer = await send(action, { ...param, apisessionid: await openSession() }, writes);
    if (answer.statuscode !== SESSION_ENDED) return answer;
    sessions.forget();
    return send(action, { ...param, apisessionid: await openSession() }, writes);
  }

  return {
    /** All records of the zone. @throws E_ZONE */
    async records(zone: Fqdn): Promise<readonly NetcupRecord[]> {
      const answer = await inSession('infoDnsRecords', { domainname: zone });
      if (answer.statuscode === SUCCESS) return decoded('infoDnsRecords', recordsSchema, answer).dnsrecords;
      if (answer.statuscode !== NO_RECORDS) throw refused('infoDnsRecords', answer, zone);
      const { statuscode, ...rest } = await inSession('infoDnsZone', { domainname: zone });
      if (statuscode !== SUCCESS) throw refused('infoDnsZone', { statuscode, ...rest }, zone);
      return [];
    },
    /** Adds and deletes. Records that are not named stay. The answer has all records of the zone. @throws E_ZONE */
    async update(zone: Fqdn, dnsrecords: readonly Edit[]): Promise<readonly NetcupRecord[]> {
      const param = { domainname: zone, dnsrecordset: { dnsrecords } };
      const answer = await inSession('updateDnsRecords', param, true);
      if (answer.statuscode !== SUCCESS) throw refused('updateDnsRecords', answer, zone);
      return decoded('updateDnsRecords', recordsSchema, answer).dnsrecords;
    },
    async close(): Promise<void> {
      if (session !== undefined) await send('logout', { apisessionid: session });
    },
  };
}

const isRateLimit = ({ longmessage }: Answer): boolean => /requests per minute/i.test(longmessage);

/** The length of a key of the newer API at api.netcup.com; a key for this one has 50 characters. */
const REST_KEY_LENGTH = 64;

/** netcup's text for wrong credentials is sometimes that of its rate limit. */
const TOO_MANY_REQUESTS: Refusal = {
  code: 'E_RATE',
  text: 'too many requests in a minute',
  hint: 'try again in a minute; if it stays, check customerNumber, apiKey and apiPassword, for which the API sometimes gives the same answer',
};

function loginRefused(answer: Answer, { apiKey }: NetcupLogin): Dns01Error {
  if (isRateLimit(answer)) return asError('login', answer, TOO_MANY_REQUESTS);
  return asError('login', answer, {
    code: 'E_AUTH',
    text: 'the login was refused',
    hint:
      apiKey.length === REST_KEY_LENGTH
        ? 'apiKey is a key for the REST API: create a legacy API key and an API password in the customer control panel, under Master Data, API'
        : 'check customerNumber, apiKey and apiPassword: both are made in the customer control panel under Master Data, API, and are not the password of the panel',
    loginRefused: true,
  });
}

function refused(action: string, answer: Answer, zone: Fqdn): Dns01Error {
  const { statuscode, longmessage } = answer;
  if (isRateLimit(answer)) return asError(action, answer, TOO_MANY_REQUESTS);
  if (statuscode === SESSION_ENDED) {
    return asError(action, answer, { code: 'E_REMOTE', text: 'the session has ended twice', hint: 'try again later' });
  }
  const isZoneMissing =
    (ZONE_CODES.includes(statuscode) && /not (?:be )?found/i.test(longmessage)) ||
    (statuscode === NOT_VALID && /field domainname/i.test(longmessage));
  if (!isZoneMissing) {
    return asError(action, answer, {
      code: 'E_REJECTED',
      hint: `check in the customer control panel that ${zone} takes a TXT record at this name`,
    });
  }
  return asError(action, answer, {
    code: 'E_ZONE',
    text: `there is no zone ${zone} in this account`,
    hint: `check that ${zone} is a domain of this customer number and that its DNS is not in netcup's CloudDNS, which this API cannot change`,
  });
}

const asError = (action: string, { statuscode, longmessage }: Answer, refusal: Refusal): Dns01Error =>
  refusalError({ call: action, status: statuscode, headers: {}, text: longmessage }, { refusalOf: () => refusal });
