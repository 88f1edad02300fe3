import * as z from 'zod/mini';
import { asUnknown, Dns01Error, withContext } from '../../src/errors.ts';
import {
  createRecordVerbs,
  type DnsProvider,
  defineProvider,
  type Fqdn,
  httpUrl,
  isSameName,
  type ProviderContext,
  parseZones,
  plainName,
  relativeName,
  secret,
  type TxtRecord,
  unquoteTxt,
} from '../../src/provider.ts';
import { COMMANDS, createHestiaClient, type HestiaClient, type Row } from './client.ts';

const options = z.strictObject({
  url: httpUrl('address of the panel, e.g. https://panel.example.com:8083'),
  accessKey: secret('access key ID, 20 characters'),
  secretKey: secret('secret key of the access key, 40 characters'),
  user: z
    .string()
    .check(
      z.regex(/^[a-zA-Z0-9]([-._a-zA-Z0-9]*[a-zA-Z0-9])?$/, 'expected the name of a user of the panel'),
      z.describe('user of the panel who owns the zones'),
    ),
});

/** How often a removal is tried if the ids of records move in between. */
const MAX_ATTEMPTS = 5;

/** HestiaCP's commands over its REST API. */
export default defineProvider({
  type: 'hestiacp',
  title: 'HestiaCP',
  docs: {
    url: 'https://hestiacp.com/docs/server-administration/rest-api.html',
    rights: [
      "Once, by the administrator of the server: a file `/usr/local/hestia/data/api/dns01` with the lines `ROLE='user'` and `COMMANDS='v-list-dns-records,v-add-dns-record,v-delete-dns-record,v-list-dns-domains'`. The role that comes with the panel, update-dns-records, is not enough: it can neither add nor delete.",
      'Also by the administrator: Server settings » Configure » Security » System » Enable API access for all users, and the address of the machine that runs dns01 under Allowed IP addresses for API.',
      'By the user: the picture of your user at the top right » Access Keys » Add Access Key. Tick `dns01`. The panel shows the access key and the secret key once. `user` is the name that you log in with.',
    ],
    requests: { add: '2; 1 if the value exists', remove: '3; 1 if there is no such value' },
    tried:
      "With the API and the DNS commands of HestiaCP 1.10.3, run from its source (commit d128cc6) with PHP's own web server and a BIND of Debian 12: certbot got certificates for an apex, its wildcard and a deeper zone; values of 400 and 700 octets; two processes at once; a web server that ends in the middle; wrong keys, roles, zones and a full package. Not on an installed panel. Most automated tests use a stand-in made from that source; acme.sh publishes and removes through it.",
    notes: [
      'HestiaCP has no lock: two changes of a zone at the same moment can lose a record or give two records the same id. Only one dns01 process at a time changes a zone. Do not use the panel for the same zone while it runs.',
      'The panel deletes a record by its id, and reuses ids. dns01 reads the id right before the deletion and checks the zone afterwards: if another record was deleted instead, it restores that record and says so. If two records have the same id, it deletes neither.',
      'HestiaCP is slow, because it starts several programs for each record of a zone: with 1.10.3 on a busy machine, a change took 5 seconds in a zone of 6 records and 18 seconds in one of 42. For larger zones set `timeout: 120` in the account.',
      'The panel does not accept quotes inside a value. In values of more than 255 octets, it also loses a space at the start of each further 255 octets, and does not accept apostrophes. dns01 refuses such values.',
      'The zone must be served by the panel. If you use name servers of another company, changes here have no effect.',
    ],
  },
  options,
  http: true,
  exclusive: true,
  create: (account, context) => createVerbs(createHestiaClient(account, context), context),
});

function createVerbs(client: HestiaClient, context: ProviderContext): DnsProvider {
  const verbs = createRecordVerbs(
    {
      async *list(zone) {
        for (const row of await client.rows(zone)) {
          if (row.type === 'TXT' && !row.isSuspended) yield row;
        }
      },
      async create({ name, value, ttl, zone }) {
        checkValue(value);
        const row = { name: relativeName(name, zone), type: 'TXT', value, priority: '', ttl: String(ttl) };
        await client.add(zone, row);
        return {};
      },
      // Removal by id alone is never safe here; removeTxt below does it.
      remove: async () => 'absent',
    },
    context,
  );

  /** Deletes one copy of the value, and looks whether that is what was deleted. Returns what is there now. */
  async function removeOne(record: TxtRecord, own: Row, before: readonly Row[]): Promise<readonly Row[]> {
    const { zone } = record;
    if (before.some((row) => row.id === own.id && !isOwn(row, record))) throw sharedId(own, zone);
    await client.remove(zone, own.id);
    try {
      const after = await client.rows(zone);
      const lost = before.filter((row) => !isOwn(row, record) && !after.some((other) => isSameRow(row, other)));
      const [other] = lost;
      const isStillThere = ownIn(after, record).length >= ownIn(before, record).length;
      if (!isStillThere || !other || lost.length > 1) return after;
      context.log.warn(
        `the ids of records in ${zone} moved, so that ${other.type} record ${other.name} (${other.value}) was deleted instead of TXT record ${own.name}: adding it again`,
      );
      await client.add(zone, { ...other, value: unquoteTxt(other.value) });
      return await client.rows(zone);
    } catch (error) {
      throw asUnknown(withContext(error, 'after the deletion was sent'));
    }
  }

  return {
    ...verbs,
    async removeTxt(record) {
      let seen: readonly Row[] = await client.rows(record.zone);
      if (ownIn(seen, record).length === 0) return 'absent';
      await context.writeOnce<true>({
        async write() {
          for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
            const [own] = ownIn(seen, record);
            if (!own) return true;
            seen = await removeOne(record, own, seen);
          }
          if (ownIn(seen, record).length === 0) return true;
          throw moving(record);
        },
        async look() {
          seen = await client.rows(record.zone);
          return ownIn(seen, record).length === 0 || undefined;
        },
      });
      return 'removed';
    },
    listZones: () => parseZones(client.zones()),
    async checkRights() {
      const hint = "let the administrator add it to COMMANDS in the role's file in /usr/local/hestia/data/api";
      const rights = [];
      for (const right of COMMANDS) rights.push({ right, held: await client.mayRun(right), hint });
      return rights;
    },
    async nameServers(zone) {
      const rows = await client.rows(zone);
      return rows
        .filter((row) => row.type === 'NS' && !row.isSuspended && isSameName(row.name, zone, zone))
        .map(({ value }) => plainName(value));
    },
  };
}

const isOwn = (row: Row, { name, value, zone }: TxtRecord): boolean =>
  row.type === 'TXT' && !row.isSuspended && isSameName(row.name, name, zone) && unquoteTxt(row.value) === value;

const ownIn = (rows: readonly Row[], record: TxtRecord): Row[] => rows.filter((row) => isOwn(row, record));

const isSameRow = (row: Row, other: Row): boolean =>
  row.name === other.name && row.type === other.type && row.value === other.value && row.priority === other.priority;

/** In the zone file the panel cuts a value after every 255 octets, with a program that drops blanks and minds quotes. */
function checkValue(value: string): void {
  const further = (value.match(/.{1,255}/gs) ?? []).slice(1);
  if (further.length === 0 || !(value.includes("'") || further.some((part) => part.startsWith(' ')))) return;
  throw new Dns01Error('E_REJECTED', 'HestiaCP cannot store this value: it would lose a blank or an apostrophe', {
    hint: 'use a value of at most 255 octets, or another wording',
  });
}

function sharedId({ id, name }: Row, zone: Fqdn): Dns01Error {
  return new Dns01Error('E_REJECTED', `two records in ${zone} have the id ${id}, and the panel would delete both`, {
    hint: `in the panel, delete the TXT record ${name} and add again what else is deleted with it`,
  });
}

function moving({ name }: TxtRecord): Dns01Error {
  return new Dns01Error('E_REMOTE', `the TXT record at ${name} is still there after ${MAX_ATTEMPTS} deletions`, {
    hint: 'something else changes the same zone at the same time: try again later',
  });
}
