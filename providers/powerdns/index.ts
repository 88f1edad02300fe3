import * as z from 'zod/mini';
import { defineProvider, httpUrl, secret } from '../../src/provider.ts';
import { createPowerdnsClient } from './client.ts';
import { createRecords } from './records.ts';

const powerdnsOptions = z.strictObject({
  url: httpUrl('address of the web server in PowerDNS, e.g. http://127.0.0.1:8081, without /api/v1'),
  apiKey: secret('what api-key= in pdns.conf says'),
  server: z._default(z.string().check(z.minLength(1), z.describe('id of the server behind the API')), 'localhost'),
});

/** The HTTP API of the PowerDNS Authoritative Server. */
export default defineProvider({
  type: 'powerdns',
  title: 'PowerDNS Authoritative Server (HTTP API)',
  docs: {
    url: 'https://doc.powerdns.com/authoritative/http-api/',
    rights: [
      'in pdns.conf: api=yes, api-key=…, webserver-address=127.0.0.1 and webserver-port=8081, then a restart of pdns',
      'from another machine: webserver-allow-from with its address, and an SSH tunnel or a TLS proxy, for the API speaks plain HTTP',
    ],
    requests: {
      add: '4; 1 for a value that is there already; at most 5 for up to 200 changes of a zone at once',
      remove: 'the same, and one more on servers before 4.9.12 where a name keeps other values',
    },
    tried:
      'PowerDNS 4.7.3 of Debian 12 with SQLite, the real server, also with rows as OLSPanel writes them and with 100 names at once; what later servers do otherwise only on a stand-in made from their source',
    notes: [
      'works on zones whose TXT rows have no quotes, as OLSPanel and some other panels write them, where reading the whole zone fails with status 500: only the records of the one name are read. Where such a row is at the very name, it is left alone and the error says so',
      'servers before 4.9.12 and 5.0.0 to 5.0.1 can only replace all TXT values of a name at once: dns01 locks the zone against itself, and does its change again when another program undid it. What another program writes in that moment can still be lost. Later servers add and remove single values beside those that a name keeps',
      'many changes of a zone are one PATCH, all or none. Where the search of the API does not work, or shows too much, each name is read by itself',
      'values that are switched off are kept, where the search of the API shows them',
      'records that are written through the API are served at once, but a panel that keeps a column of its own in the records table, as OLSPanel does, may not show them',
      'an update of a panel may overwrite pdns.conf and switch the API off again',
      'zones that are copies of another server (secondary) are refused: what is written there is lost with the next transfer',
      'the key can do everything in every zone of the server: there are no smaller ones',
    ],
  },
  options: powerdnsOptions,
  http: true,
  exclusive: true,
  changes: { atMost: 200, atomic: true },
  create: (options, context) => createRecords(createPowerdnsClient(options, context), context),
});
