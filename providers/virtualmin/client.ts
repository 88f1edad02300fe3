import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  createApi,
  type Fqdn,
  type HttpAnswer,
  type HttpClient,
  isSameName,
  type Refusal,
  refusalBody,
  refusalError,
} from '../../src/provider.ts';

/** `output` of a command that only does something, `data` of one that lists. */
const answerSchema = z.object({
  status: z.enum(['success', 'failure', 'error']),
  error: z.optional(z.nullable(z.string())),
});

/** A value of several strings is shown as several values. */
const listSchema = z.object({
  data: z.array(z.object({ name: z.string(), values: z.optional(z.record(z.string(), z.array(z.string()))) })),
});

/** A record of a zone file. */
export interface ShownRecord {
  /** Absolute. */
  readonly name: string;
  readonly ttl: string | undefined;
  /** The strings of a TXT record. */
  readonly values: readonly string[];
}

export type Parameters = readonly (readonly [key: string, value: string])[];

/** What a command says of a virtual server that this login does not have, or that has no zone. */
const NO_DOMAIN = /^(virtual server|domain) \S+ (does not exist|does not have (dns enabled|a dns domain))/i;

export const messageOf = (answer: HttpAnswer): string | undefined =>
  refusalBody(answer, answerSchema)?.error ?? undefined;

const wrongLogin: Refusal = {
  code: 'E_AUTH',
  text: 'the login was refused',
  loginRefused: true,
  hint: 'check username and password of the Webmin login; one with two-factor authentication, or one that is blocked after wrong passwords, does not work',
};

function refusalOf(answer: HttpAnswer): Refusal | undefined {
  const error = messageOf(answer) ?? '';
  if (/^ERROR: /.test(answer.text) || /not allowed to run/i.test(error)) {
    return {
      code: 'E_AUTH',
      text: 'this login may not use the remote API',
      hint: 'use the login of the server administrator, or of a domain owner to whom the administrator has allowed "Can call remote API" in a release of Virtualmin that has it',
    };
  }
  if (NO_DOMAIN.test(error)) return { code: 'E_ZONE', text: 'there is no virtual server with DNS of this name' };
  return undefined;
}

export function createClient(
  { url, username, password }: { readonly url: string; readonly username: string; readonly password: string },
  context: { readonly http: HttpClient; keepSecret(secret: string): void },
) {
  const credentials = Buffer.from(`${username}:${password}`).toString('base64');
  context.keepSecret(credentials);
  const api = createApi(context, {
    url: `${url}/virtual-server`,
    headers: { authorization: `Basic ${credentials}` },
    refusals: {
      401: wrongLogin,
      403: { ...wrongLogin, loginRefused: false, text: 'Webmin refuses this login or the address of this machine' },
      404: {
        code: 'E_PROTOCOL',
        text: 'there is no Virtualmin at this address',
        hint: 'set url to the address of Webmin, e.g. https://server.example.com:10000',
      },
    },
  });

  /** Runs a command of Virtualmin. Its parameters are in the body, because a TXT value may be too long for an address. */
  async function run(program: string, parameters: Parameters, writes: boolean): Promise<HttpAnswer> {
    const answer = await api.send({
      method: 'POST',
      path: '/remote.cgi',
      call: program,
      writes,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      text: formOf([['program', program], ['json', '1'], ...parameters]),
    });
    if (answer.text.trim() === '') throw cutOff(program, writes);
    const refusal = refusalOf(answer);
    if (refusal) throw refusalError(answer, { refusalOf, messageOf });
    return answer;
  }

  async function list(program: string, parameters: Parameters) {
    const answer = await run(program, parameters, false);
    if (context.http.decode(answer, answerSchema).status === 'success')
      return context.http.decode(answer, listSchema).data;
    // In another language than English, it may be that there is no such virtual server.
    throw refusalError(answer, { refusalOf: () => ({ code: 'E_REJECTED', tryNextZone: true }), messageOf });
  }

  return {
    /** The records of a type, at one name or in the whole zone. @throws E_ZONE */
    async records(zone: Fqdn, type: string, name?: Fqdn): Promise<ShownRecord[]> {
      const at: Parameters = name === undefined ? [] : [['name', name]];
      const shown = await list('get-dns', [['domain', zone], ['type', type], ...at, ['multiline', '']]);
      return shown
        .filter((record) => name === undefined || isSameName(record.name, name, zone))
        .map(({ name: shownName, values }) => ({
          name: shownName,
          ttl: values?.['ttl']?.[0],
          values: values?.['value'] ?? [],
        }));
    },

    /** The names of all virtual servers with DNS. */
    async domains(): Promise<string[]> {
      const shown = await list('list-domains', [
        ['with-feature', 'dns'],
        ['name-only', ''],
      ]);
      return shown.map(({ name }) => name);
    },

    /** Undefined, or the refusal of changes of which some may have been made. */
    async modify(zone: Fqdn, changes: Parameters) {
      const answer = await run('modify-dns', [['domain', zone], ...changes], true);
      const { status } = context.http.decode(answer, answerSchema);
      if (status === 'success') return undefined;
      const hint = 'check the name in Virtualmin (DNS Settings → DNS Records)';
      return refusalError(answer, { refusalOf: () => ({ code: 'E_REJECTED', hint }), messageOf });
    },
  };
}

/** Webmin sends the status before the command has ended, and has no length for the answer. */
function cutOff(program: string, writes: boolean): Dns01Error {
  return new Dns01Error('E_REMOTE', `${program}: the answer was cut off`, {
    outcomeUnknown: writes,
    hint: 'Webmin may have been restarted: try again later',
  });
}

/** A form in which a key may be there several times. */
function formOf(parameters: Parameters): string {
  const form = new URLSearchParams();
  for (const [key, value] of parameters) form.append(key, value);
  return form.toString();
}
