import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  type ApiCall,
  createApi,
  type Fqdn,
  type HttpAnswer,
  type ProviderContext,
  pathPart,
  quoteTxt,
  type Refusal,
  refusalBody,
  refusalError,
  relativeName,
  type ShownTxt,
  type TxtRecord,
} from '../../src/provider.ts';

export interface OvhLogin {
  readonly url: string;
  readonly applicationKey: string;
  readonly applicationSecret: string;
  readonly consumerKey: string;
}

export type OvhClient = ReturnType<typeof createOvhClient>;

/** What a header takes. */
export const IN_HEADER = /^[\x21-\x7e]+$/;

/** The API's minimum, in seconds; 0 means the zone's own TTL. */
const MIN_TTL_SECONDS = 60;

const idList = z.array(z.int());

/** `domain.zone.Record` of the API's schema. The answer to a created record has sometimes had the id 0. */
const recordSchema = z.object({ id: z.int(), subDomain: z.nullish(z.string()), target: z.string() });

const zoneSchema = z.object({ nameServers: z.array(z.string()) });

/** `auth.ApiCredential` of the API's schema. */
const credentialSchema = z.object({
  status: z.string(),
  expiration: z.nullish(z.string()),
  rules: z.array(z.object({ method: z.string(), path: z.string() })),
});

/** Some refusals have an `errorCode`, others a `class`, all have the message. */
const errorSchema = z.object({ message: z.string(), errorCode: z.optional(z.string()) });

/** The requests of the OVHcloud API v1 that a DNS-01 hook needs, signed. */
export function createOvhClient(login: OvhLogin, { http }: Pick<ProviderContext, 'http'>) {
  const { url } = login;
  if (!IN_HEADER.test(login.consumerKey)) {
    throw new Dns01Error('E_CONFIG', 'consumerKey holds blanks, line breaks or letters outside ASCII', {
      hint: 'put only the consumer key there, without quotes',
    });
  }
  /** Seconds by which the API's clock is ahead of ours; 0 until it refuses our time. */
  let aheadSeconds = 0;

  const open = createApi({ http }, { url, headers: {} });

  async function send(call: ApiCall, zone?: Fqdn): Promise<HttpAnswer> {
    const { expected = [200] } = call;
    const settings = { ...refusalsIn(zone), url, headers: (signed: ApiCall) => signature(signed, login, aheadSeconds) };
    const api = createApi({ http }, settings);
    const first = await api.send({ ...call, expected: [...expected, 400] });
    if (first.status !== 400) return first;
    if (!isClockRefused(first)) throw refusalError(first, settings);
    const now = await open.json({ method: 'GET', path: '/auth/time' }, z.int());
    aheadSeconds = now - Math.floor(Date.now() / 1000);
    return api.send({ ...call, expected });
  }

  const json = async <Schema extends z.core.$ZodType>(call: ApiCall, schema: Schema, zone?: Fqdn) =>
    http.decode(await send(call, zone), schema);

  async function ids(zone: Fqdn, query: Readonly<Record<string, string>>): Promise<number[]> {
    const path = `${zonePath(zone)}/record`;
    const filter = new URLSearchParams({ fieldType: 'TXT', ...query });
    return json({ method: 'GET', call: `GET ${path}`, path: `${path}?${filter}` }, idList, zone);
  }

  async function* read(zone: Fqdn, each: readonly number[]): AsyncGenerator<ShownTxt> {
    for (const id of each) {
      const path = `${zonePath(zone)}/record/${id}`;
      const answer = await send({ method: 'GET', path, expected: [200, 404] }, zone);
      // Another program has removed it in the meantime.
      if (answer.status === 404) continue;
      yield { ...shown(http.decode(answer, recordSchema), zone), id: String(id) };
    }
  }

  return {
    /** The ids of all TXT records of the zone. */
    allIds: (zone: Fqdn) => ids(zone, {}),
    read,
    /** The API compares names with SQL's `ilike`, in which each `_` stands for any character: there may be others too. */
    async *list(zone: Fqdn, name: Fqdn): AsyncGenerator<ShownTxt> {
      yield* read(zone, await ids(zone, { subDomain: relativeName(name, zone, '') }));
    },
    async create({ name, value, ttl, zone }: TxtRecord): Promise<Partial<ShownTxt>> {
      const body = {
        fieldType: 'TXT',
        subDomain: relativeName(name, zone, ''),
        target: quoteTxt(value),
        ttl: Math.max(ttl, MIN_TTL_SECONDS),
      };
      const call = { method: 'POST', path: `${zonePath(zone)}/record`, json: body } as const;
      const created = await json(call, recordSchema, zone);
      return { ...shown(created, zone), ...(created.id > 0 ? { id: String(created.id) } : {}) };
    },
    async remove(zone: Fqdn, id: string): Promise<'removed' | 'absent'> {
      const path = `${zonePath(zone)}/record/${pathPart(id)}`;
      const answer = await send({ method: 'DELETE', path, expected: [200, 404] }, zone);
      if (answer.status === 404 && isZoneMissing(answer)) throw refusalError(answer, refusalsIn(zone));
      if (answer.status === 404) return 'absent';
      http.decode(answer, z.null());
      return 'removed';
    },
    /** Until this call, nothing that was written is served. */
    async refresh(zone: Fqdn): Promise<void> {
      await json({ method: 'POST', path: `${zonePath(zone)}/refresh` }, z.null(), zone);
    },
    zones: () => json({ method: 'GET', path: '/domain/zone' }, z.array(z.string())),
    nameServers: async (zone: Fqdn) =>
      (await json({ method: 'GET', path: zonePath(zone) }, zoneSchema, zone)).nameServers,
    /** Undefined where the consumer key may not read this. */
    async credential() {
      const answer = await send({ method: 'GET', path: '/auth/currentCredential', expected: [200, 403] });
      if (answer.status === 200) return http.decode(answer, credentialSchema);
      if (!isNotGranted(answer)) throw refusalError(answer, refusalsIn());
      return undefined;
    },
  };
}

const zonePath = (zone: Fqdn): string => `/domain/zone/${pathPart(zone)}`;

/** With an absolute name, because a name in the API is always relative. */
const shown = ({ subDomain, target }: z.output<typeof recordSchema>, zone: Fqdn) => ({
  name: `${subDomain ? `${subDomain}.` : ''}${zone}.`,
  value: target,
});

/** "First steps with the OVHcloud APIs", "Signing requests". */
function signature(call: ApiCall, login: OvhLogin, aheadSeconds: number): Record<string, string> {
  const { url, applicationKey, applicationSecret, consumerKey } = login;
  const time = String(Math.floor(Date.now() / 1000) + aheadSeconds);
  const body = call.json === undefined ? '' : JSON.stringify(call.json);
  const parts = [applicationSecret, consumerKey, call.method, new URL(`${url}${call.path}`).href, body, time];
  return {
    'x-ovh-application': applicationKey,
    'x-ovh-consumer': consumerKey,
    'x-ovh-timestamp': time,
    'x-ovh-signature': `$1$${createHash('sha1').update(parts.join('+')).digest('hex')}`,
  };
}

const saysOf = (answer: HttpAnswer, code: string, message: RegExp): boolean => {
  const body = refusalBody(answer, errorSchema);
  return body?.errorCode === code || message.test(body?.message ?? '');
};
const isClockRefused = (answer: HttpAnswer) => saysOf(answer, 'QUERY_TIME_OUT', /query out of time/i);
const isNotGranted = (answer: HttpAnswer) => saysOf(answer, 'NOT_GRANTED_CALL', /has not been granted/i);
const isZoneMissing = (answer: HttpAnswer) => saysOf(answer, 'NO_SUCH_ZONE', /service does not exist/i);
const isSignatureRefused = (answer: HttpAnswer) => saysOf(answer, 'INVALID_SIGNATURE', /invalid signature/i);

function refusalsIn(zone?: Fqdn) {
  const inZone = zone ?? 'the zone';
  const refusalOf = (answer: HttpAnswer): Refusal | undefined => {
    const { status } = answer;
    if (isClockRefused(answer)) {
      return { code: 'E_REMOTE', text: "the time of this machine differs from the API's, even after asking for it" };
    }
    if (isNotGranted(answer)) {
      return {
        code: 'E_AUTH',
        text: 'the consumer key does not have the right to make this call',
        hint: `if ${inZone} is in this OVHcloud account, create a consumer key with the rights that dns01 providers ovh shows`,
        tryNextZone: zone !== undefined,
      };
    }
    if (status === 401 || status === 403 || isSignatureRefused(answer)) {
      return {
        code: 'E_AUTH',
        text: 'the keys were refused',
        hint: 'check applicationKey, applicationSecret and consumerKey; the consumer key may have ended or not be validated yet; set url where the keys are not from the European API',
        loginRefused: true,
      };
    }
    if (status === 404 && isZoneMissing(answer)) {
      return {
        code: 'E_ZONE',
        text: `there is no zone ${inZone} in this account`,
        hint: `check that ${inZone} has a DNS zone in this OVHcloud account; for zones of ca.ovh.com or us.ovhcloud.com, set url`,
      };
    }
    if (status === 404)
      return { code: 'E_REJECTED', hint: 'check that url is the address of the API, with /1.0 at its end' };
    return {
      code: 'E_REJECTED',
      hint: `check in the OVHcloud control panel that ${inZone} takes a TXT record at this name`,
    };
  };
  return { refusalOf, messageOf: (answer: HttpAnswer) => refusalBody(answer, errorSchema)?.message };
}
