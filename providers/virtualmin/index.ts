import * as z from 'zod/mini';
import { asUnknown, Dns01Error } from '../../src/errors.ts';
import {
  absoluteName,
  createChangeVerbs,
  defineProvider,
  type Fqdn,
  httpUrl,
  isSameName,
  parseZones,
  plainName,
  secret,
  type TxtChange,
  type TxtRecord,
} from '../../src/provider.ts';
import { createClient, type Parameters, type ShownRecord } from './client.ts';

const options = z.strictObject({
  url: httpUrl('address of Webmin, e.g. https://server.example.com:10000'),
  username: z.string().check(
    z.minLength(1),
    z.refine((name) => !name.includes(':'), 'expected a username without a colon'),
    z.describe('Webmin login, e.g. root'),
  ),
  password: secret('password of the Webmin login'),
});

/** Virtualmin, through its remote API. */
export default defineProvider({
  type: 'virtualmin',
  title: 'Virtualmin',
  docs: {
    url: 'https://www.virtualmin.com/docs/development/remote-api/',
    rights: [
      'The login of the server administrator (root, or a Webmin user with full access to the Virtualmin module), without two-factor authentication. A separate one: Webmin → Webmin Users → Create a new privileged user, with the module Virtualmin only.',
      'Domain owners cannot use the remote API in releases up to 8.1.0. The release after that has "Can call remote API" for them, which the administrator ticks (Administration Options → Edit Owner Limits); the owner also needs the right to edit DNS records.',
      'Webmin usually has a self-signed certificate: `dns01 doctor` shows its fingerprint. Compare it with the one on the server (`openssl x509 -in /etc/webmin/miniserv.pem -noout -fingerprint -sha256`) and set `fingerprint`.',
    ],
    requests: {
      add: '2, for up to 100 changes of a zone too; 1 if the value exists',
      remove: 'the same',
    },
    tried:
      'With the real Virtualmin GPL 8.1.0 (source of 2026-08-22) on Webmin 2.660 with BIND 9.18, as administrator, where certbot got certificates. Domain owners and DNS at other providers only against a stand-in made from its source, read on 2026-11-21.',
    notes: [
      'The administrator login can do everything on the server. The password is sent in a header only, never in a URL.',
      'Many changes of a zone are one command, and the zone is loaded once after them. If one of them is refused, those before it stay in the zone file, so dns01 reads the zone again.',
      'A value with two spaces in a row is refused, because the command splits its parameters at spaces.',
      'Alias virtual servers cannot have records of their own. The records of a sub-server may be in the zone of its parent; Virtualmin knows where.',
      'After wrong passwords, Webmin blocks the address of the machine for some minutes. dns01 does not try a refused login again for a while.',
    ],
  },
  options,
  http: true,
  changes: { atMost: 100, atomic: false },
  usualDelayMs: 5000,
  create(settings, context) {
    const client = createClient(settings, context);

    /** Whether each change had to be made. */
    async function change(zone: Fqdn, changes: readonly TxtChange[]): Promise<boolean[]> {
      for (const { record } of changes) checkValue(record);
      const names = new Set(changes.map(({ record }) => record.name));
      const [only] = names;
      const look = () => client.records(zone, 'TXT', names.size === 1 ? only : undefined);
      let seen = await look();
      const needed = changes.filter((wanted) => !isReached(wanted, seen));
      if (needed.length > 0) {
        await context.writeOnce<true>({
          async write() {
            const parameters = needed
              .filter((wanted) => !isReached(wanted, seen))
              .flatMap((wanted) => parametersOf(wanted, seen));
            const refusal = await client.modify(zone, parameters);
            // Those before the refused one are in the zone file already.
            if (refusal) throw needed.length > 1 ? asUnknown(refusal) : await refusedOrUnknown(refusal);
            return true;
          },
          async look() {
            seen = await look();
            return needed.every((wanted) => isReached(wanted, seen)) || undefined;
          },
        });
      }
      return changes.map((wanted) => needed.includes(wanted));

      /** A single change may be in the zone file although the zone could not be loaded. */
      async function refusedOrUnknown(refusal: Dns01Error): Promise<Dns01Error> {
        const after = await look();
        return needed.some((wanted) => isReached(wanted, after)) ? asUnknown(refusal) : refusal;
      }
    }

    return {
      ...createChangeVerbs(change, async (name, zone) => (await client.records(zone, 'TXT', name)).map(textOf)),
      listZones: () => parseZones(shownZones()),
      async nameServers(zone) {
        return (await client.records(zone, 'NS', zone)).map(({ values }) => plainName(values[0] ?? ''));
      },
    };

    async function* shownZones() {
      for (const name of await client.domains()) yield { name };
    }
  },
});

const textOf = ({ values }: ShownRecord): string => values.join('');

const isOf = (shown: ShownRecord, { name, value, zone }: TxtRecord): boolean =>
  isSameName(shown.name, name, zone) && textOf(shown) === value;

const isReached = ({ action, record }: TxtChange, records: readonly ShownRecord[]): boolean =>
  records.some((shown) => isOf(shown, record)) === (action === 'add');

/** The parameters of modify-dns. A record to remove is named as it is shown, with its strings. */
function parametersOf({ action, record }: TxtChange, seen: readonly ShownRecord[]): Parameters {
  const { name, value, zone, ttl } = record;
  if (action === 'add') {
    return [['add-record-with-ttl', `${absoluteName(name)} TXT ${Math.max(1, ttl)} ${value}`]];
  }
  const own = seen.filter((shown) => isOf(shown, record));
  const texts = new Set(own.map((shown) => `${shown.name} TXT ${shown.values.join(' ')}`));
  // The command compares the strings with a blank between them, so `a` `b` is the same to it as `a b`.
  const twin = seen.find((shown) => !own.includes(shown) && texts.has(`${shown.name} TXT ${shown.values.join(' ')}`));
  if (twin) {
    throw new Dns01Error('E_REJECTED', `two TXT records at ${name} in ${zone} are the same to Virtualmin's command`, {
      hint: `delete "${value}" on the page DNS Records of Virtualmin`,
    });
  }
  return [...texts].map((text) => ['remove-record', text]);
}

/** The command takes its parameters apart at blanks, and puts them together with one. */
function checkValue({ name, value }: TxtRecord): void {
  if (!/\s\s|^\s|\s$|^$/.test(value)) return;
  throw new Dns01Error('E_REJECTED', `the value for ${name} has blanks that Virtualmin's command would lose`, {
    hint: 'use a value with single blanks only',
  });
}
