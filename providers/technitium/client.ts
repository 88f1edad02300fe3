import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  createApi,
  type Fqdn,
  type HttpAnswer,
  type HttpClient,
  plainName,
  type Refusal,
  refusalBody,
  refusalError,
  unexpectedAnswer,
} from '../../src/provider.ts';

export const zoneSchema = z.object({
  name: z.string(),
  type: z.string(),
  disabled: z.optional(z.boolean()),
  internal: z.optional(z.boolean()),
});
export type ShownZone = z.output<typeof zoneSchema>;

const recordSchema = z.object({
  name: z.string(),
  type: z.string(),
  ttl: z.number(),
  disabled: z.optional(z.boolean()),
  rData: z.object({
    text: z.optional(z.string()),
    characterStrings: z.optional(z.array(z.string())),
    nameServer: z.optional(z.string()),
  }),
});
export type ShownRecord = z.output<typeof recordSchema>;

const recordsAnswer = z.object({ response: z.object({ zone: zoneSchema, records: z.array(recordSchema) }) });
const addedAnswer = z.object({ response: z.object({ zone: zoneSchema, addedRecord: recordSchema }) });

type Form = Readonly<Record<string, string>>;

/** Every answer has the status 200, also a refusal ("API Response Format"). */
const answerSchema = z.object({
  status: z.enum(['ok', 'error', 'invalid-token', '2fa-required']),
  errorMessage: z.optional(z.string()),
});
/** An error of this text, in all releases that have it. */
export const EXISTS = /record already exists/i;
export const NO_RECORD = /no such record exists/i;

export const messageOf = (answer: HttpAnswer): string | undefined => refusalBody(answer, answerSchema)?.errorMessage;

function refusalOf(answer: HttpAnswer): Refusal | undefined {
  const { status, errorMessage = '' } = refusalBody(answer, answerSchema) ?? {};
  if (status === 'invalid-token' || status === '2fa-required') {
    return {
      code: 'E_AUTH',
      text: 'the token was refused',
      loginRefused: true,
      hint: 'create a new API token in the web console (Administration → Sessions → Create Token), and check that its user is not disabled',
    };
  }
  if (/^access was denied/i.test(errorMessage)) {
    return {
      code: 'E_AUTH',
      text: 'the user of this token may not do this in this zone',
      tryNextZone: true,
      hint: 'in the web console, open the zone, choose Permissions, and give the user View, Modify and Delete',
    };
  }
  if (/^no such zone/i.test(errorMessage)) return { code: 'E_ZONE', text: 'this server has no such zone' };
  if (/^cannot .* zone\.?$/i.test(errorMessage)) {
    return { code: 'E_REJECTED', hint: 'the zone is a copy: set url to the server that has it as a primary zone' };
  }
  return {
    code: 'E_REJECTED',
    hint: 'check the name in the web console: no TXT record is possible beside a CNAME record, for example',
  };
}

/** The zones whose records can be changed on this server. */
export const isWritable = ({ type }: ShownZone): boolean => /^(primary|forwarder)$/i.test(type);

export function createClient(
  { url, token }: { readonly url: string; readonly token: string },
  context: { readonly http: HttpClient },
) {
  const api = createApi(context, {
    url: `${url}/api`,
    headers: {},
    refusals: {
      404: {
        code: 'E_PROTOCOL',
        text: 'there is no Technitium DNS Server at this address',
        hint: 'set url to the address of the web console, e.g. http://192.0.2.1:5380',
      },
    },
    messageOf,
  });

  /** A call that only reads is a POST, too, because a token in an address would be in the logs of proxies. */
  async function send(path: string, form: Form, writes: boolean) {
    const answer = await api.send({ method: 'POST', path, form: { token, ...form }, writes, call: path.slice(1) });
    const { status } = context.http.decode(answer, answerSchema);
    return { answer, refusal: status === 'ok' ? undefined : refusalError(answer, { refusalOf, messageOf }) };
  }

  async function read<Answer extends z.core.$ZodType>(path: string, form: Form, answerOf: Answer) {
    const { answer, refusal } = await send(path, form, false);
    if (refusal) throw refusal;
    return context.http.decode(answer, answerOf);
  }

  return {
    read,

    /** The refusal comes back where its text is the expected one. */
    async write(path: string, form: Form, expected: RegExp) {
      const { answer, refusal } = await send(path, form, true);
      if (refusal && !expected.test(messageOf(answer) ?? '')) throw refusal;
      return { answer, refusal };
    },

    /**
     * The records at a name. For a zone that is not there, the server takes the closest one above it.
     * @throws E_ZONE where the name is in another zone of this server
     */
    async recordsAt(name: Fqdn, zone: Fqdn): Promise<{ zone: ShownZone; records: readonly ShownRecord[] }> {
      const { response } = await read('/zones/records/get', { domain: name, zone }, recordsAnswer);
      const { zone: shown, records } = response;
      if (plainName(shown.name) !== zone) {
        throw new Dns01Error('E_ZONE', `this server has no zone ${zone}`, {
          hint: `check the zones in the web console: the closest one is ${plainName(shown.name) || 'the root'}`,
        });
      }
      // By the document, those at the name only.
      return { zone: shown, records: records.filter((record) => plainName(record.name) === name) };
    },

    /** @throws E_PROTOCOL the answer is not about this record */
    decodeAdded(answer: HttpAnswer, name: Fqdn, zone: Fqdn): ShownRecord {
      const { response } = context.http.decode(answer, addedAnswer);
      if (plainName(response.zone.name) !== zone || plainName(response.addedRecord.name) !== name) {
        throw unexpectedAnswer(answer, 'another record was added');
      }
      return response.addedRecord;
    },
  };
}
