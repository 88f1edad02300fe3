import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  createChangeVerbs,
  type DnsProvider,
  defineProvider,
  type Fqdn,
  httpUrl,
  isSameName,
  type ProviderContext,
  parseZones,
  secret,
  type TxtChange,
  unquoteTxt,
} from '../../src/provider.ts';
import { type CpanelClient, createCpanelClient, nameServersIn, type Zone, type ZoneLine } from './client.ts';

const options = z.strictObject({
  url: httpUrl('address of the panel: https://HOST:2083 for a cPanel account, https://HOST:2087 for WHM'),
  username: z.string().check(z.regex(/^[\w.@-]+$/, 'expected a username'), z.describe('cPanel or WHM username')),
  token: secret('API token of this user'),
  whm: z.optional(
    z.boolean().check(z.describe('true for a token of WHM; default: true for the ports 2086 and 2087 of url')),
  ),
});

/** How often an edit is sent if other programs change the zone in between. */
const MAX_ATTEMPTS = 5;

/** Milliseconds, on average, before the zone is read again. */
const PAUSE_MS = 300;

/** cPanel (UAPI) and WHM (WHM API 1): lines of a zone file, edited by their index and the zone's serial. */
export default defineProvider({
  type: 'cpanel',
  title: 'cPanel and WHM',
  docs: {
    url: 'https://api.docs.cpanel.net/openapi/cpanel/operation/dns-mass_edit_zone/',
    rights: [
      'In cPanel: Security » Manage API Tokens » Create, give the token a name and, if you like, an end date, and copy it: it is shown once. `username` is your cPanel username, `url` is the address of cPanel with port 2083.',
      'If that page is not there, or dns01 says that the account may not edit zones: ask your hosting company to switch on the features "Manage API Tokens" and "Zone Editor (AAAA, CAA, SRV, TXT)" for your package.',
      'As a reseller in WHM: Development » Manage API Tokens » Generate Token, with the privilege Edit DNS Zones (`edit-dns`) and no other. `url` is the address of WHM with port 2087. The token reaches all zones of the reseller.',
    ],
    requests: { add: '2; 1 if the value exists; 2 for up to 200 changes of a zone', remove: 'the same' },
    tried:
      "Never against a live panel. Against a stand-in made from cPanel's API documents (DNS::parse_zone, DNS::mass_edit_zone, DomainInfo::list_domains, Features::has_feature, WHM parse_dns_zone and mass_edit_dns_zone of version 11.138), from lego's recorded answers and from what users of lego saw in its issue 1060 (all read on 2026-11-21). acme.sh publishes and removes through the same stand-in.",
    notes: [
      'Every change names the serial number of the zone that was read. If the zone has changed in between, the panel refuses, and dns01 reads the zone again, so it never uses an outdated line number.',
      'A program that edits the zone file on the server without a new serial number can move lines without dns01 noticing. The panel itself never does that.',
      'A token of a cPanel account can do everything that the account can do. cPanel has no tokens for DNS only, so store it where no one else can read it.',
      'The zone must be served by the panel. If you use name servers of another company, changes here have no effect.',
    ],
  },
  options,
  http: true,
  exclusive: true,
  changes: { atMost: 200, atomic: true },
  create({ url, username, token, whm = /:208[67]$/.test(new URL(url).origin) }, context) {
    context.keepSecret(`${username}:${token}`);
    const client = createCpanelClient({ url, username, token, whm }, context);
    const provider = createVerbs(client, context);
    if (whm) return provider;
    return {
      ...provider,
      checkRights: async () => [{ right: 'zoneedit', held: await client.mayEditZones(), hint: client.featureHint }],
    };
  },
});

function createVerbs(client: CpanelClient, context: ProviderContext): DnsProvider {
  /** Whether each change had to be made. */
  async function change(zone: Fqdn, changes: readonly TxtChange[]): Promise<boolean[]> {
    let seen = await client.read(zone);
    const sent = new Set<TxtChange>();

    /** Writes what the zone, as it was read last, still lacks. */
    async function write(): Promise<true> {
      for (let attempt = 1; ; attempt++) {
        const needed = changes.filter((wanted) => !isReached(wanted, seen));
        if (needed.length === 0) return true;
        const refusal = await client.edit(zone, seen.serial, editOf(needed, seen)).catch((error: unknown) => {
          for (const wanted of needed) sent.add(wanted);
          throw error;
        });
        if (!refusal) {
          for (const wanted of needed) sent.add(wanted);
          return true;
        }
        // The wording of refusals depends on the language of the panel; the serial does not.
        if (attempt > 1) await context.sleep(PAUSE_MS * (0.5 + Math.random()));
        const { serial } = seen;
        seen = await client.read(zone);
        if (seen.serial === serial) throw refusal;
        if (attempt === MAX_ATTEMPTS) throw busy(zone);
        context.log.debug('the zone has changed since it was read', { zone, attempt });
      }
    }

    await context.writeOnce<true>({
      write,
      async look() {
        seen = await client.read(zone);
        return changes.every((wanted) => isReached(wanted, seen)) || undefined;
      },
    });
    return changes.map((wanted) => sent.has(wanted));
  }

  const listTxt: DnsProvider['listTxt'] = async (name, zone) => {
    const { lines } = await client.read(zone);
    return lines.filter((line) => line.type === 'TXT' && isSameName(line.name, name, zone)).map(txtOf);
  };

  return {
    ...createChangeVerbs(change, listTxt),
    listZones: () => parseZones(client.zones()),
    nameServers: async (zone) => nameServersIn(await client.read(zone), zone),
  };
}

const txtOf = ({ data }: ZoneLine): string => unquoteTxt(data.join(''));

const linesOf = ({ record: { name, value, zone } }: TxtChange, { lines }: Zone): ZoneLine[] =>
  lines.filter((line) => line.type === 'TXT' && isSameName(line.name, name, zone) && txtOf(line) === value);

const isReached = (wanted: TxtChange, seen: Zone): boolean =>
  linesOf(wanted, seen).length > 0 === (wanted.action === 'add');

function editOf(changes: readonly TxtChange[], seen: Zone) {
  return {
    add: changes.filter(({ action }) => action === 'add').map(({ record }) => record),
    remove: changes
      .filter(({ action }) => action === 'remove')
      .flatMap((wanted) => linesOf(wanted, seen).map(({ index }) => index)),
  };
}

function busy(zone: Fqdn): Dns01Error {
  return new Dns01Error('E_REMOTE', `the zone ${zone} changed while it was edited, ${MAX_ATTEMPTS} times in a row`, {
    hint: 'something else writes the same zone at the same time: try again later',
  });
}
