import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  absoluteName,
  cannotList,
  createApi,
  defineProvider,
  type HttpAnswer,
  httpUrl,
  type ProviderDocs,
  parseJson,
  refusalBody,
  secret,
  type TxtRecord,
  unexpectedAnswer,
} from '../../src/provider.ts';

const options = z.strictObject({
  url: httpUrl('address of the server, without /present; e.g. https://acme.example.com:8053'),
  username: z.optional(
    z.string().check(
      z.minLength(1),
      z.refine((name) => !name.includes(':'), 'expected a username without a colon'),
      z.describe('username, if the server wants a login'),
    ),
  ),
  password: z.optional(secret('password, if the server wants a login')),
});

const docs: ProviderDocs = {
  url: 'https://go-acme.github.io/lego/dns/httpreq/',
  rights: [
    "A server that speaks lego's httpreq protocol in its default mode, such as `dns01 serve`: POST /present and POST /cleanup with `fqdn` and `value`.",
    'If the server requires a login: username and password.',
  ],
  requests: { add: '1', remove: '1' },
  tried:
    "With `dns01 serve` as the server. Otherwise against a stand-in made from lego's documentation and source (2026-07-21).",
  notes: [
    'The server must add the value beside existing ones, remove exactly this value, and report success if there is nothing to do. dns01 cannot check that, because the protocol has no request for the values.',
    'For the same reason, add-txt and remove-txt always report a change, and list-txt fails.',
    'Every answer with a status of 200 to 299 is a success, as it is for lego. Only answers that are HTML, or JSON that cannot be read, are errors.',
    'If an answer is lost, dns01 asks the DNS before it sends the value again. If the DNS does not answer, dns01 exits with code 75.',
    "The server decides in which zone a name is. lego's RAW mode is not possible, because no client passes on the key authorization.",
  ],
};

/** Milliseconds before a removal whose answer was lost is sent again. */
const PAUSE_MS = 500;

const errorSchema = z.object({ error: z.string() });

/** Any server for lego's httpreq protocol, `dns01 serve` included. */
export default defineProvider({
  type: 'httpreq',
  title: 'httpreq (a server for lego, or dns01 serve)',
  docs,
  options,
  http: true,
  anyZone: true,
  concurrency: 4,
  create({ url, username, password }, context) {
    const login = loginOf(username, password);
    if (login !== undefined) context.keepSecret(login);
    const api = createApi(context, {
      url,
      headers: { accept: 'application/json', ...(login === undefined ? {} : { authorization: `Basic ${login}` }) },
      refusals: {
        401: {
          code: 'E_AUTH',
          text: 'the login was refused',
          hint: 'set username and password to the login at this server',
        },
        403: {
          code: 'E_AUTH',
          text: 'this user may not write that name',
          hint: 'the server has to allow this name for this user: `names` in the config of dns01 serve',
        },
        404: {
          code: 'E_CONFIG',
          text: 'the server does not write this name, or there is no httpreq server at this address',
          hint: 'url is the address without /present; in dns01 serve, the zone of the name must be in its config',
        },
      },
      messageOf: (answer) => refusalBody(answer, errorSchema)?.error,
    });

    async function post(path: '/present' | '/cleanup', { name, value }: TxtRecord): Promise<true> {
      const answer = await api.send({ method: 'POST', path, json: { fqdn: absoluteName(name), value } });
      if (answer.status >= 300) throw unexpectedAnswer(answer, `status ${answer.status}`);
      refuseOtherServers(answer);
      return true;
    }

    return {
      async addTxt(record) {
        const { name, value, zone } = record;
        await context.writeOnce({
          write: () => post('/present', record),
          async look() {
            const isThere = await context.seenInDns(name, value);
            if (isThere === undefined) throw new Dns01Error('E_REMOTE', `the name servers of ${name} cannot tell`);
            return isThere || undefined;
          },
        });
        return { zone, changed: true };
      },
      async removeTxt(record) {
        await context.writeOnce({
          write: () => post('/cleanup', record),
          // A second removal does no harm.
          async look() {
            await context.sleep(PAUSE_MS);
            return undefined;
          },
        });
        return 'removed';
      },
      async listTxt(name) {
        throw cannotList('the server', name);
      },
    };
  },
});

/** @throws E_CONFIG for a username without a password, or the reverse: lego then sends no login at all */
function loginOf(username: string | undefined, password: string | undefined): string | undefined {
  if ((username === undefined) !== (password === undefined)) {
    throw new Dns01Error('E_CONFIG', 'httpreq has only one of username and password', {
      hint: 'set both, or none if the server wants no login',
    });
  }
  return username === undefined ? undefined : Buffer.from(`${username}:${password}`).toString('base64');
}

/** The protocol does not say what is in a success, but it is no web page. @throws E_PROTOCOL */
function refuseOtherServers(answer: HttpAnswer): void {
  const { text, headers } = answer;
  const type = headers['content-type'] ?? '';
  if (/html/i.test(type) || /^\s*<(?:!doctype|html)/i.test(text)) throw unexpectedAnswer(answer, 'a web page');
  if (/json/i.test(type) && text !== '' && parseJson(text) === undefined) throw unexpectedAnswer(answer, 'not JSON');
}
