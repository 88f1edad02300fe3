import * as z from 'zod/mini';
import { Dns01Error, isDns01Error } from '../../src/errors.ts';
import {
  type Api,
  bearer,
  createApi,
  createInZone,
  type Fqdn,
  type HttpAnswer,
  type InZone,
  type ProviderContext,
  pathPart,
  plainName,
  type Refusal,
  refusalBody,
  shownId,
} from '../../src/provider.ts';

/** A successful answer ("Making API calls"): `result`, and for a list the pages. */
export const answerOf = <Result extends z.core.$ZodType>(result: Result) =>
  z.object({
    success: z.literal(true),
    result,
    result_info: z.optional(z.nullable(z.object({ page: z.number(), total_pages: z.optional(z.number()) }))),
  });

const zoneSchema = z.object({
  id: shownId,
  name: z.string(),
  status: z.optional(z.nullable(z.string())),
  name_servers: z.optional(z.nullable(z.array(z.string()))),
  vanity_name_servers: z.optional(z.nullable(z.array(z.string()))),
  account: z.optional(z.object({ id: z.optional(shownId) })),
});
export type ShownZone = z.output<typeof zoneSchema>;
export const zoneList = answerOf(z.array(zoneSchema));
const oneZone = answerOf(zoneSchema);
const recordNames = answerOf(z.array(z.object({ name: z.string() })));

const oneError = z.object({ code: z.number(), message: z.string() });
const errorSchema = z.object({
  errors: z.array(z.extend(oneError, { error_chain: z.optional(z.nullable(z.array(oneError))) })),
});

/** All errors of a refusal, also those inside others. */
function errorsIn(answer: HttpAnswer): z.output<typeof oneError>[] {
  return (refusalBody(answer, errorSchema)?.errors ?? []).flatMap((error) => [error, ...(error.error_chain ?? [])]);
}

/** Whether one of these codes is in a refusal. */
export const hasCode = (answer: HttpAnswer, codes: readonly number[]): boolean =>
  errorsIn(answer).some(({ code }) => codes.includes(code));

/** "An identical record already exists", and "The record already exists" until 2020. */
export const IDENTICAL = [81057, 81058];
/** "Record does not exist". */
export const NO_RECORD = 81044;
/** The codes of a token that is unknown or not one (1000, 6003, 6111), and of requests without one (9106). */
const TOKEN_REFUSED = [1000, 6003, 6103, 6111, 9106];
/** "Could not route to /zones/…, perhaps your object identifier is invalid?", "Invalid zone identifier". */
const NO_ZONE = [1001, 7000, 7003];

const DNS_RIGHT =
  'create a token with the permission Zone → DNS → Edit for this zone (dash.cloudflare.com/profile/api-tokens)';

export const refusals = { refusalOf, messageOf };

function refusalOf(answer: HttpAnswer): Refusal | undefined {
  const errors = errorsIn(answer);
  if (errors.some(({ code, message }) => code === 9109 && message.includes('location'))) {
    return {
      code: 'E_AUTH',
      text: 'this token may not be used from the address of this machine',
      hint: "add this machine's address to the token's Client IP Address Filtering",
    };
  }
  const isUnknown = errors.some(({ code, message }) => code === 9109 && /invalid/i.test(message));
  if (answer.status === 401 || isUnknown || hasCode(answer, TOKEN_REFUSED)) {
    return {
      code: 'E_AUTH',
      text: 'the API token was refused',
      loginRefused: true,
      hint: 'set token to an API token, not to the Global API Key, and check that it has not ended (dash.cloudflare.com/profile/api-tokens)',
    };
  }
  // Also the answer to a zone that is not among those of the token.
  if (answer.status === 403) {
    return { code: 'E_AUTH', text: 'the token does not have the right to do this', hint: DNS_RIGHT, tryNextZone: true };
  }
  if (hasCode(answer, NO_ZONE)) return { code: 'E_ZONE', text: 'the account has no zone with this id' };
  if (answer.status < 500) {
    return {
      code: 'E_REJECTED',
      hint: 'check the name in the Cloudflare dashboard: no TXT record is possible beside an NS record',
    };
  }
  return undefined;
}

function messageOf(answer: HttpAnswer): string | undefined {
  const texts = errorsIn(answer).map(({ code, message }) => `${message.replace(/\.$/, '')} (code ${code})`);
  return texts.length > 0 ? texts.join(': ') : undefined;
}

export interface CloudflareOptions {
  readonly token: string;
  readonly zoneId?: string | undefined;
  readonly url: string;
}

export interface CloudflareClient {
  readonly api: Api;
  /** @throws E_ZONE the token sees no such zone */
  readonly inZone: InZone;
  /** The zone as the API shows it; undefined where the token sees no such zone. */
  findZone(zone: Fqdn): Promise<ShownZone | undefined>;
}

export function createClient({ token, zoneId, url }: CloudflareOptions, context: ProviderContext): CloudflareClient {
  const api = createApi(context, { url, headers: bearer(token), ...refusals });

  async function findZone(zone: Fqdn): Promise<ShownZone | undefined> {
    const call = zoneId
      ? { path: `/zones/${pathPart(zoneId)}` }
      : { path: '/zones', query: { name: zone, per_page: 50 } };
    const { result } = await api.json({ ...call, method: 'GET' }, zoneId ? oneZone : zoneList);
    const named = [result].flat().filter(({ name }) => plainName(name) === zone);
    // One name may be in two accounts: the one that has the delegation is active.
    return named.find(({ status }) => status === 'active') ?? named[0];
  }

  async function loadId(zone: Fqdn): Promise<string> {
    try {
      const found = await findZone(zone);
      if (found) return found.id;
    } catch (error) {
      if (!zoneId || !isDns01Error(error) || error.status !== 403 || !error.tryNextZone) throw error;
      if (await isNamed(zoneId, zone)) return zoneId;
    }
    throw new Dns01Error('E_ZONE', zoneId ? `zoneId is not the id of ${zone}` : `the token sees no zone ${zone}`, {
      hint: `check that ${zone} is in the Cloudflare account and among the zone resources of the token`,
    });
  }

  /** For a token that may change DNS only and does not see the zone: whether the records are in a zone of this name. */
  async function isNamed(id: string, zone: Fqdn): Promise<boolean> {
    const path = `/zones/${pathPart(id)}/dns_records`;
    const { result } = await api.json({ method: 'GET', path, query: { per_page: 100 } }, recordNames);
    return result.every(({ name }) => `.${plainName(name)}`.endsWith(`.${zone}`));
  }

  return {
    api,
    findZone,
    inZone: createInZone(context, loadId, ({ code, status }) => code === 'E_ZONE' || status === 403),
  };
}
