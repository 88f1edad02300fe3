import * as z from 'zod/mini';
import { Dns01Error, isDns01Error } from '../../src/errors.ts';
import {
  createApi,
  defineProvider,
  httpUrl,
  type ProviderDocs,
  refusalBody,
  secret,
  type TxtRecord,
} from '../../src/provider.ts';

const options = z.strictObject({
  url: httpUrl('address of the acme-dns server, e.g. https://auth.example.org'),
  username: z.string().check(z.minLength(1), z.describe('username of the registration')),
  password: secret('password of the registration'),
  subdomain: z
    .string()
    .check(
      z.regex(
        /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/,
        'expected the subdomain of the registration alone, without the domain of the server',
      ),
      z.describe('subdomain of the registration, without the domain of the server'),
    ),
});

const docs: ProviderDocs = {
  url: 'https://github.com/joohoi/acme-dns#api',
  rights: [
    'One registration at the server for each name that gets certificates. POST /register returns username, password, subdomain and fulldomain.',
    'One permanent CNAME for each of these names: `_acme-challenge.www.example.com. CNAME SUBDOMAIN.auth.example.org.` The zone that it leads to must be marked `delegated: true` in the config.',
    'If the registration limits the client addresses (allowfrom), it must include the address of this machine.',
  ],
  requests: { add: '1', remove: 'none' },
  tried: "Against a stand-in built from acme-dns's source (2024-12-15). Never against a running server.",
  notes: [
    'The subdomain in the account decides where a value is written, not its name. If the CNAME does not lead there, the value is never visible.',
    'The server keeps the two newest values of a registration, enough for a domain and its wildcard. A third value replaces the oldest, so names that are renewed at the same time need separate registrations.',
    'The API cannot delete. remove-txt succeeds and changes nothing. The value stays until newer values replace it, which does no harm.',
    'The API cannot list values. add-txt always reports a change, and list-txt fails.',
    'Sending a value twice would replace the other value. If an answer is lost, dns01 therefore asks the DNS first, and sends the value again only if it is not there. If the DNS does not answer, dns01 exits with code 75.',
    'Values must be 43 characters long, as dns-01 values are.',
  ],
};

const answerSchema = z.looseObject({ txt: z.string() });
const faultSchema = z.looseObject({ error: z.string() });

export default defineProvider({
  type: 'acme-dns',
  title: 'acme-dns',
  docs,
  options,
  http: true,
  anyZone: true,
  create({ url, username, password, subdomain }, context) {
    const notYours = {
      code: 'E_AUTH',
      text: 'the server refuses this registration',
      hint: `username, password and subdomain have to be those of one registration at ${url}, and this machine's address within its allowfrom; a server that lost its database needs a new registration and a new CNAME`,
    } as const;
    const api = createApi(context, {
      url,
      headers: { 'x-api-user': username, 'x-api-key': password },
      refusals: {
        400: {
          code: 'E_REJECTED',
          hint: `check that subdomain is what the server gave at the registration: ${subdomain} is sent`,
        },
        401: notYours,
        403: notYours,
        404: {
          code: 'E_CONFIG',
          text: 'there is no acme-dns API',
          hint: 'url is the address of the API, without /update or /register',
        },
      },
      messageOf: (answer) => refusalBody(answer, faultSchema)?.error,
    });

    /** The value replaces the older of the registration's two. */
    async function update(value: string): Promise<true> {
      const { txt } = await api.json(
        { method: 'POST', path: '/update', json: { subdomain, txt: value } },
        answerSchema,
      );
      if (txt === value) return true;
      throw new Dns01Error('E_PROTOCOL', 'POST /update: the server confirms another value than the one sent', {
        outcomeUnknown: true,
        hint: 'check that url is the address of an acme-dns server',
      });
    }

    /** Looks in the DNS, because the API cannot tell whether a value is there, and one that is sent twice takes both places. */
    async function look({ name, value }: TxtRecord): Promise<true | undefined> {
      const isThere = await context.seenInDns(name, value);
      if (isThere === undefined) throw new Dns01Error('E_REMOTE', `the name servers of ${name} cannot tell`);
      return isThere || undefined;
    }

    return {
      async addTxt(record) {
        refuseOtherLengths(record.value);
        const steps = { write: () => update(record.value), look: () => look(record) };
        await context.writeOnce(steps).catch(sayWhatIsUnknown);
        return { zone: record.zone, changed: true };
      },
      async removeTxt({ name }) {
        context.log.debug('acme-dns cannot delete: the value stays until newer ones push it out', { name });
        return 'absent';
      },
      async listTxt(name) {
        throw new Dns01Error('E_REJECTED', `acme-dns cannot be asked which values ${name} holds`, {
          hint: 'its API can only write: ask DNS instead, with dns01 wait-txt or dig',
        });
      },
    };
  },
});

function sayWhatIsUnknown(error: unknown): never {
  if (!isDns01Error(error) || error.code !== 'E_REMOTE' || !error.outcomeUnknown) throw error;
  throw new Dns01Error(error.code, error.message, {
    cause: error.cause,
    outcomeUnknown: true,
    hint: 'the value may be there: look in the DNS before you add it again, because adding it twice removes the other value',
  });
}

/** The server accepts no other length (acme-dns, validation.go), and its error is only bad_txt. */
function refuseOtherLengths(value: string): void {
  if (/^[A-Za-z0-9_-]{43}$/.test(value)) return;
  throw new Dns01Error(
    'E_REJECTED',
    `acme-dns takes only values of 43 characters of base64url, this one has ${value.length}`,
    {
      hint: 'it serves dns-01 challenges alone: put other TXT records into a zone of your own',
    },
  );
}
