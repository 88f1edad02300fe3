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
  url: httpUrl('address of the acme-dns server, like https://auth.example.org'),
  username: z.string().check(z.minLength(1), z.describe('username of the registration')),
  password: secret('password of the registration'),
  subdomain: z
    .string()
    .check(
      z.regex(
        /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/,
        'expected the subdomain of the registration alone, without the domain of the server',
      ),
      z.describe('subdomain of the registration, as the server gave it, without the domain behind it'),
    ),
});

const docs: ProviderDocs = {
  url: 'https://github.com/joohoi/acme-dns#api',
  rights: [
    'a registration at the server (POST /register gives username, password, subdomain and fulldomain), one for each name that gets certificates',
    'for each such name a CNAME that stays: `_acme-challenge.www.example.com. CNAME SUBDOMAIN.auth.example.org.`',
    'where the registration limits the addresses (allowfrom): the address of this machine',
  ],
  requests: { add: '1', remove: 'none' },
  tried: "against a fake made from acme-dns's source (2024-12-15); not against a running server",
  notes: [
    'the subdomain decides where a value goes, not the name it is for: the CNAME has to lead to it, or the value is never seen',
    'the server keeps the two newest values of a registration, enough for a name and its wildcard: a third pushes the oldest out, so names that are renewed at the same time need a registration each',
    'the API cannot delete: remove-txt is a success that changes nothing, and the value stays until newer ones push it out, which does no harm',
    'the API cannot be asked what is there: an add always reports a change, and list-txt is refused',
    'the same value twice takes both places and pushes the other value out: where an answer was lost, dns01 looks in the DNS first, and sends the value again only if it is not there. Where the DNS cannot be asked, it ends with exit code 75',
    'values have to be 43 characters long, as those of dns-01 are',
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
