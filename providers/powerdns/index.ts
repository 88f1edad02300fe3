import * as z from 'zod/mini';
import { defineProvider, httpUrl, secret } from '../../src/provider.ts';
import { createPowerdnsClient } from './client.ts';
import { createRecords } from './records.ts';

const powerdnsOptions = z.strictObject({
  url: httpUrl("address of PowerDNS's web server, e.g. http://127.0.0.1:8081, without /api/v1"),
  apiKey: secret('the api-key from pdns.conf'),
  server: z._default(z.string().check(z.minLength(1), z.describe('id of the server in the API')), 'localhost'),
});

/** The HTTP API of the PowerDNS Authoritative Server. */
export default defineProvider({
  type: 'powerdns',
  title: 'PowerDNS Authoritative Server (HTTP API)',
  docs: {
    url: 'https://doc.powerdns.com/authoritative/http-api/',
    rights: [
      'In pdns.conf: `api=yes`, `api-key=…`, `webserver-address=127.0.0.1` and `webserver-port=8081`, then a restart of pdns.',
      'From another machine: `webserver-allow-from` with its address, and an SSH tunnel or a TLS proxy, because the API is plain HTTP.',
    ],
    requests: {
      add: '4; 1 if the value exists; at most 5 for up to 200 changes of a zone',
      remove: 'the same; 1 more on servers before 4.9.12 if the name keeps other values',
    },
    tried:
      'With the real PowerDNS 4.7.3 of Debian 12 and SQLite, also with rows as OLSPanel writes them and with 100 names at once. What later releases do differently was tried only against a stand-in built from their source.',
    notes: [
      'OLSPanel and some other panels store TXT rows without quotes, and the API then fails with status 500 when the whole zone is read. dns01 works with such zones, because it reads only the records of one name. If that name itself has such a row, dns01 changes nothing and fails with an error.',
      'Releases before 4.9.12, and 5.0.0 and 5.0.1, can only replace all TXT values of a name. Only one dns01 process at a time changes such a zone, and it repeats its change if another program has undone it. What another program writes at that moment can still be lost. Later releases add and remove single values.',
      'Many changes of a zone are one PATCH: all of them or none. If the search of the API does not work or returns too much, dns01 reads each name separately.',
      'Disabled values are kept if the search of the API shows them.',
      'Records are served at once. A panel with its own column in the records table, like OLSPanel, may not show them.',
      'An update of a panel may overwrite pdns.conf and disable the API again.',
      'dns01 refuses secondary zones: the next transfer would overwrite the value.',
      'The API key can change everything in every zone of the server. PowerDNS has no keys with fewer rights.',
    ],
  },
  options: powerdnsOptions,
  http: true,
  exclusive: true,
  changes: { atMost: 200, atomic: true },
  create: (options, context) => createRecords(createPowerdnsClient(options, context), context),
});
