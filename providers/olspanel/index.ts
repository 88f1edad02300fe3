import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  createApi,
  defineProvider,
  type Fqdn,
  httpUrl,
  isWithin,
  normaliseName,
  type Refusal,
  refusalError,
  secret,
} from '../../src/provider.ts';
// The panel's records are in PowerDNS: this is the one provider that uses another one.
import powerdns from '../powerdns/index.ts';

/** `domain_list` answers with a bare list, or with an object when it refuses, both with status 200. */
const domainListSchema = z.union([
  z.array(z.object({ domain: z.string() })),
  z.object({ error: z.string() }),
  z.object({ message: z.string() }),
]);

const refusedLogin = {
  code: 'E_AUTH',
  text: 'the login was refused',
  hint: "check username and password, and that the panel's admin has switched the API on; wrong logins block the address",
} as const satisfies Refusal;

/**
 * OLSPanel. Its API has no call for DNS records and only says whose domain it is. The records are written through the
 * panel's own PowerDNS or, by a CNAME that the core follows, in another account's zone.
 */
export default defineProvider({
  type: 'olspanel',
  title: 'OLSPanel',
  docs: {
    url: 'https://olspanel.com/api_documents_user',
    rights: [
      "The panel's API, which its admin must enable. It is disabled by default.",
      "Either the HTTP API of the panel's PowerDNS (`powerdns:` in the account), or one CNAME for each domain, which you create once: from `_acme-challenge.example.com` to a name in another account's zone. That zone must be marked `delegated: true` in the config.",
    ],
    requests: { add: '1 to the panel in each run, plus those of powerdns', remove: 'those of powerdns' },
    tried:
      "Never against a real panel, only against a stand-in built from its documentation and from the source of a copy. Its PowerDNS: against Debian's real one, with rows as the panel writes them.",
    notes: [
      "OLSPanel's API has no call for DNS records. Without `powerdns:` and without a CNAME, dns01 cannot write anything, and the error says what to add.",
      'With a CNAME, dns01 does not contact the panel. It writes the value through the account that holds the zone where the CNAME leads.',
      'Records that are written through PowerDNS are served at once, but do not appear on the DNS page of the panel.',
      'The panel blocks addresses after failed logins. dns01 tries a wrong password once, then not again for five minutes.',
      "dns01 never uses the panel's own certificate call. That call does not support wildcards, and installs a self-signed certificate when it fails.",
    ],
  },
  options: z.strictObject({
    url: httpUrl('address of the panel with its port, e.g. https://panel.example.com:2087'),
    username: z.string().check(z.minLength(1), z.describe('user of the panel')),
    password: secret('password of that user'),
    powerdns: z.optional(powerdns.options.check(z.describe("the panel's PowerDNS, through which records are written"))),
  }),
  http: true,
  exclusive: true,
  changes: { atMost: 200, atomic: true },
  // What is written is the records of PowerDNS, which an account of that provider may write too.
  serverOf: ({ url, powerdns: own }) => new URL(own?.url ?? url).host,
  create({ url, username, password, powerdns: own }, context) {
    const dns = own && powerdns.create(own, context);
    const api = createApi(context, {
      url,
      headers: { username, password },
      refusals: {
        401: refusedLogin,
        403: refusedLogin,
        404: { code: 'E_CONFIG', hint: 'url is the address of the panel itself: https://HOST:PORT' },
      },
    });
    let asked: Promise<Fqdn[]> | undefined;

    /** The domains of the user. Read once, because a refused login must not be repeated. */
    const domains = () => {
      asked ??= listDomains();
      return asked;
    };

    async function listDomains(): Promise<Fqdn[]> {
      const answer = await api.send({
        call: 'domain_list',
        method: 'POST',
        path: '/api/domain_list/',
        form: { username },
        writes: false,
      });
      const body = context.http.decode(answer, domainListSchema);
      if (Array.isArray(body)) return body.map(({ domain }) => normaliseName(domain));
      const isOff = /disabled/i.test('error' in body ? body.error : body.message);
      const refusal = isOff ? { ...refusedLogin, text: 'the API is switched off' } : refusedLogin;
      throw refusalError(answer, { refusalOf: () => refusal });
    }

    const writer = (name: Fqdn) => {
      if (dns) return dns;
      throw nothingWrites(name);
    };
    async function checkOwner(name: Fqdn): Promise<void> {
      const held = await domains();
      if (!held.some((domain) => isWithin(name, domain))) throw notYours(name, held);
    }
    return {
      async addTxt(record) {
        await checkOwner(record.name);
        return writer(record.name).addTxt(record);
      },
      removeTxt: async (record) => writer(record.name).removeTxt(record),
      listTxt: async (name, zone) => writer(name).listTxt(name, zone),
      async changeTxt(zone, changes) {
        for (const { action, record } of changes) if (action === 'add') await checkOwner(record.name);
        return writer(zone).changeTxt?.(zone, changes) ?? [];
      },
      async *listZones() {
        const held = await domains();
        for (const name of new Set(held.map((domain) => zoneOf(domain, held)))) yield { name };
      },
      nameServers: async (zone) => (await dns?.nameServers?.(zone)) ?? [],
    };
  },
});

/**
 * The DNS zone of a panel's domain. The panel makes none for a sub-domain of a domain that it has, and records under the
 * sub-domain are never served. Its rule: the last two labels if they are a domain of the panel, else the domain itself.
 */
function zoneOf(domain: Fqdn, domains: readonly Fqdn[]): Fqdn {
  const lastTwo = domain.split('.').slice(-2).join('.');
  return domains.find((candidate) => candidate === lastTwo) ?? domain;
}

/** How many domains an error names. */
const MAX_NAMED = 10;

function notYours(name: Fqdn, domains: readonly Fqdn[]): Dns01Error {
  const more = domains.length > MAX_NAMED ? `, and ${domains.length - MAX_NAMED} more` : '';
  const held = `${domains.slice(0, MAX_NAMED).join(', ') || 'it has none'}${more}`;
  return new Dns01Error('E_ZONE', `no domain of this user holds ${name} (${held})`, {
    hint: 'add the domain in the panel, or use the login of the user who owns it',
  });
}

/** Both solutions, each with the lines to paste. */
function nothingWrites(name: Fqdn): Dns01Error {
  return new Dns01Error('E_ZONE', `OLSPanel's API has no call for DNS records, so ${name} cannot be written`, {
    hint:
      `either add on the panel's DNS page: ${name}. CNAME ${name}.ZONE. where ZONE belongs to another account of the config; ` +
      'or put api=yes, api-key=SECRET, webserver-address=127.0.0.1 and webserver-port=8081 into /etc/powerdns/pdns.conf, ' +
      'restart pdns, and add powerdns: { url: http://127.0.0.1:8081, apiKey: SECRET } to the account',
  });
}
