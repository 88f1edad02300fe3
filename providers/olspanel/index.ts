import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import { defineProvider, type Fqdn, httpUrl, secret } from '../../src/provider.ts';
import { openPanel } from './client.ts';
import { domainHolding, zoneOf } from './zones.ts';

/**
 * OLSPanel: its API has no call for DNS records, so that it only tells whose a domain is. The records are written
 * through the panel's own PowerDNS, or, by a CNAME that the core follows, at another account's zone.
 */
export default defineProvider({
  type: 'olspanel',
  title: 'OLSPanel',
  docs: {
    url: 'https://olspanel.com/api_documents_user',
    rights: [
      'the API switched on by the admin of the panel; it is off at first',
      "either the HTTP API of the panel's own PowerDNS (powerdns: in the account), or one CNAME for each domain, made once by hand: _acme-challenge.example.com to a name in a zone of another account",
    ],
    requests: { add: '1 to the panel, and those of powerdns', remove: 'those of powerdns' },
    tried:
      "the panel never for real: built to its documents and to the source of a copy, and tried on a fake made from these; its PowerDNS against Debian's real one with rows as the panel writes them",
    notes: [
      "OLSPanel's API has no call for DNS records: without powerdns: and without a CNAME nothing can be written, and the error says what to add",
      'with a CNAME the panel is not asked at all: the value is written at the account that owns the zone it leads to',
      'records that are written through PowerDNS are served at once, but do not appear on the DNS page of the panel',
      'a wrong password is tried once: each counts towards a block of the address',
      "the panel's own certificate call is never used: it knows no wildcards, and puts a self-signed certificate in place when it fails",
    ],
  },
  options: z.strictObject({
    url: httpUrl('address of the panel with its port, e.g. https://panel.example.com:2087'),
    username: z.string().check(z.minLength(1), z.describe('user of the panel')),
    password: secret('password of that user'),
    powerdns: z.optional(
      z
        .strictObject({
          url: httpUrl("address of the web server in the panel's PowerDNS, e.g. http://127.0.0.1:8081"),
          apiKey: secret('what api-key= in pdns.conf says'),
          server: z._default(
            z.string().check(z.describe('id of the server behind the API; default: localhost')),
            'localhost',
          ),
        })
        .check(z.describe("the panel's own PowerDNS, to write the records")),
    ),
  }),
  http: true,
  exclusive: true,
  create({ url, username, password, powerdns }, context) {
    const panel = openPanel({ url, username, password }, context);
    const writer = async (name: Fqdn) => {
      if (powerdns) return context.openProvider('powerdns', powerdns);
      throw nothingWrites(name);
    };
    return {
      async addTxt(record) {
        const domains = await panel.domains();
        if (domainHolding(record.name, domains) === undefined) throw notYours(record.name, domains);
        return (await writer(record.name)).addTxt(record);
      },
      removeTxt: async (record, handle) => (await writer(record.name)).removeTxt(record, handle),
      listTxt: async (name, zone) => (await writer(name)).listTxt(name, zone),
      async *listZones() {
        const domains = new Set(await panel.domains());
        const zones = new Set<Fqdn>();
        for (const domain of domains) zones.add(zoneOf(domain, domains));
        for (const name of zones) yield { name };
      },
      async nameServers(zone) {
        const dns = powerdns && (await context.openProvider('powerdns', powerdns));
        return (await dns?.nameServers?.(zone)) ?? [];
      },
    };
  },
});

/** How many domains an error names. */
const NAMED = 10;

function notYours(name: Fqdn, domains: readonly Fqdn[]): Dns01Error {
  const more = domains.length > NAMED ? `, and ${domains.length - NAMED} more` : '';
  const held = `${domains.slice(0, NAMED).join(', ') || 'it has none'}${more}`;
  return new Dns01Error('E_ZONE', `no domain of this user holds ${name} (${held})`, {
    hint: 'add the domain in the panel, or use the login of the user who owns it',
  });
}

/** The two ways out, each as the lines to paste. */
function nothingWrites(name: Fqdn): Dns01Error {
  return new Dns01Error('E_ZONE', `OLSPanel's API has no call for DNS records, so ${name} cannot be written`, {
    hint:
      `either add on the panel's DNS page: ${name}. CNAME ${name}.ZONE. where ZONE belongs to another account of the config; ` +
      'or put api=yes, api-key=SECRET, webserver-address=127.0.0.1 and webserver-port=8081 into /etc/powerdns/pdns.conf, ' +
      'restart pdns, and add powerdns: { url: http://127.0.0.1:8081, apiKey: SECRET } to the account',
  });
}
