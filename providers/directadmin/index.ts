import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  absoluteName,
  createApi,
  createRecordVerbs,
  defineProvider,
  type Fqdn,
  type HttpAnswer,
  httpUrl,
  isSameName,
  type ProviderContext,
  parseZones,
  plainName,
  quoteTxt,
  type Refusal,
  type Refusals,
  refusalBody,
  refusalError,
  secret,
  unexpectedAnswer,
} from '../../src/provider.ts';

const options = z.strictObject({
  url: httpUrl('address of the panel, e.g. https://server1.example.com:2222'),
  username: z.string().check(
    z.minLength(1),
    z.refine((name) => !name.includes(':'), 'expected a username without a colon'),
    z.describe('DirectAdmin username; an administrator may use admin|user'),
  ),
  loginKey: secret('login key of this user, or the password'),
});

/** Records as the panel shows them with `json=yes`; `combined` is what a deletion has to name. */
const shownRecords = z.object({
  records: z.array(
    z.object({ type: z.string(), name: z.string(), value: z.string(), combined: z._default(z.string(), '') }),
  ),
});

const done = z.object({ success: z.string() });

/** A refusal in JSON: seen with status 500 and, in older versions, 200. */
const refusal = z.object({ error: z.string(), result: z._default(z.string(), '') });

/** Statuses whose body tells whether this is a refusal of the panel or a failure of the server. */
const ANSWERED: readonly number[] = [200, 400, 403, 404, ...Array.from({ length: 100 }, (_, index) => 500 + index)];

/** DirectAdmin's legacy API, whose commands a login key can be limited to. */
export default defineProvider({
  type: 'directadmin',
  title: 'DirectAdmin',
  docs: {
    url: 'https://docs.directadmin.com/directadmin/customizing-workflow/api-all-about.html',
    rights: [
      'Log in to DirectAdmin as the user who owns the domain. Open Advanced Features » Login Keys » Create new Login Key. Expires on: Never. Uses: 0 (unlimited). Untick "Clear Key" and "Allow HTM". Under Commands, allow `CMD_API_DNS_CONTROL` and `CMD_API_SHOW_DOMAINS` and nothing else: if no command is ticked, the key may do everything. If your certificates come from one machine, enter its address under Allowed IPs. The panel asks for your password once more.',
      'The value of the key, which the panel shows once, is `loginKey`; `username` is the one that you log in with; `url` is the address of the panel, mostly with port 2222.',
      'If there is no such page, ask your hosting company to allow login keys for your account (`login_keys=ON`), or to make one.',
    ],
    requests: { add: '2; 1 if the value exists', remove: '2; 1 if there is no such value' },
    tried:
      "Never against a live panel. Against a stand-in made from DirectAdmin's documents (all about API, login keys, changes of version 1.24.2), from answers of version 1.57 that were recorded for lexicon, and from what lego and acme.sh send and expect (all read on 2026-11-21). acme.sh and lexicon publish and remove through the same stand-in.",
    notes: [
      'DirectAdmin limits how often a wrong login may be tried, and then blocks the address of your machine.',
      'The panel has no ids of records. dns01 deletes a record by exactly the name and value that the panel shows, so it cannot delete another one.',
      'Values of more than 255 octets are sent as several quoted strings. How a panel handles them was not tried.',
      'If the panel has switched off TTLs for users, it ignores the ttl of the config.',
      'The zone must be served by the panel. If you use name servers of another company, changes here have no effect.',
    ],
  },
  options,
  http: true,
  create({ url, username, loginKey }, context) {
    const credentials = Buffer.from(`${username}:${loginKey}`).toString('base64');
    context.keepSecret(credentials);
    const panel = createPanel(url, { authorization: `Basic ${credentials}` }, context);
    const verbs = createRecordVerbs(
      {
        async *list(zone) {
          for (const { type, name, value, combined } of await panel.records(zone)) {
            if (type === 'TXT') yield { id: combined || `name=${name}&value=${value}`, name, value };
          }
        },

        async create({ name, value, ttl, zone }) {
          const fields = { action: 'add', type: 'TXT', name: absoluteName(name), value: quoteTxt(value) };
          await panel.change(zone, { ...fields, ttl: String(ttl) });
          return {};
        },

        async remove(zone, id) {
          try {
            await panel.change(zone, { action: 'select', txtrecs0: id });
            return 'removed';
          } catch (error) {
            // What the panel says of a record that is gone already is not documented.
            if (!panel.isRefusal(error)) throw error;
            const left = await panel.records(zone);
            if (left.some(({ combined }) => combined === id)) throw error;
            return 'absent';
          }
        },
      },
      context,
    );
    return {
      ...verbs,
      // Never by the handle alone: two records with the same name and value have the same id.
      removeTxt: (record) => verbs.removeTxt(record),
      listZones: () => parseZones(panel.domains()),
      async nameServers(zone) {
        const records = await panel.records(zone);
        return records
          .filter(({ type, name }) => type === 'NS' && isSameName(name, zone, zone))
          .map(({ value }) => plainName(value));
      },
    };
  },
});

function createPanel(url: string, headers: Readonly<Record<string, string>>, context: ProviderContext) {
  const loginRefused = {
    code: 'E_AUTH',
    text: 'the login was refused',
    hint: 'check username and loginKey: the key may have ended, been used up, or be limited to other addresses',
  } as const;
  const refusals = {
    401: loginRefused,
    403: { ...loginRefused, text: 'this login may not run the command', hint: ALLOW_BOTH },
    404: {
      code: 'E_CONFIG',
      text: 'there is no API at this address',
      hint: 'set url to the address of the panel without a path, e.g. https://server1.example.com:2222',
    },
  } satisfies Refusals;
  const api = createApi(context, { url, headers, refusals });

  /** The answer to a command, with a refusal of the panel thrown, whatever its status is. */
  async function send(call: Parameters<typeof api.send>[0], zone: Fqdn): Promise<HttpAnswer> {
    const answer = await api.send({ ...call, anyStatus: true, expected: ANSWERED });
    const known = refusalBody(answer, refusal);
    if (known) {
      throw refusalError(answer, {
        refusalOf: () => refusalOf(known, call.method === 'GET', zone),
        messageOf: () => [known.error, known.result].filter(Boolean).join(': '),
      });
    }
    if (answer.status === 200) return answer;
    if (answer.status < 500) throw refusalError(answer, { refusals });
    // The client repeats a call that only reads.
    if (call.method === 'GET') return api.send(call);
    throw new Dns01Error('E_REMOTE', `${answer.call}: the server failed (status ${answer.status})`, {
      outcomeUnknown: true,
      status: answer.status,
      hint: 'try again later; if it stays, ask your hosting company',
    });
  }

  const path = '/CMD_API_DNS_CONTROL';
  const query = (zone: Fqdn) => ({ domain: zone, json: 'yes' });
  return {
    /** @throws E_ZONE where the domain does not belong to this user */
    async records(zone: Fqdn) {
      const answer = await send({ method: 'GET', path, query: query(zone), call: 'GET records' }, zone);
      return context.http.decode(answer, shownRecords).records;
    },

    async change(zone: Fqdn, form: Readonly<Record<string, string>>): Promise<void> {
      const call = `POST ${form['action'] === 'add' ? 'add' : 'delete'}`;
      const answer = await send({ method: 'POST', path, query: query(zone), form, call }, zone);
      context.http.decode(answer, done);
    },

    isRefusal: (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'E_REJECTED',

    /** Url-encoded: `list[]=example.com&list[]=example.net`. */
    async *domains(): AsyncGenerator<{ readonly name: string }> {
      const answer = await api.send({ method: 'GET', path: '/CMD_API_SHOW_DOMAINS' });
      const fields = new URLSearchParams(answer.text.trim());
      if (fields.get('error') === '1') {
        const messageOf = () => [fields.get('text'), fields.get('details')].filter(Boolean).join(': ');
        throw refusalError(answer, { refusalOf: () => ({ code: 'E_AUTH', hint: ALLOW_BOTH }), messageOf });
      }
      if ([...fields.keys()].some((key) => key !== 'list[]')) throw unexpectedAnswer(answer, 'not a list of domains');
      for (const name of fields.getAll('list[]')) yield { name };
    },
  };
}

const ALLOW_BOTH = 'let the login key run CMD_API_DNS_CONTROL and CMD_API_SHOW_DOMAINS';

function refusalOf({ error, result }: z.output<typeof refusal>, isRead: boolean, zone: Fqdn): Refusal {
  const words = `${error} ${result}`;
  if (/not allowed|denied|permission|cannot execute/i.test(words)) {
    return { code: 'E_AUTH', text: 'this login may not run the command', hint: ALLOW_BOTH };
  }
  if (isRead || /does not belong|not own/i.test(words)) {
    return {
      code: 'E_ZONE',
      text: `the records of ${zone} cannot be read`,
      hint: 'check that the domain belongs to this user and that the server has its DNS',
    };
  }
  return { code: 'E_REJECTED', hint: `check in the panel that ${zone} takes a TXT record at this name` };
}
