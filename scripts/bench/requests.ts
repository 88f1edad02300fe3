import { startFakeDns } from '../../test/fakes/dns-server.ts';
import { ACCOUNTS, type AccountName, configOf, ZONE } from './accounts.ts';
import { type Findings, goal, type Part, table } from './part.ts';
import { namesIn, openPlace } from './place.ts';
import { zoneidWithWindow } from './provider-limits.ts';

const COUNTS = [1, 10, 100];

interface Case {
  readonly title: string;
  readonly provider: AccountName;
  readonly config: (setting: Setting) => object;
}

interface Setting {
  readonly login: Readonly<Record<string, unknown>>;
  readonly names: readonly string[];
  /** A name server that has the zone. */
  readonly nameserver: string;
}

interface Counted {
  readonly title: string;
  readonly provider: AccountName;
  readonly names: number;
  readonly added: number;
  readonly removed: number;
}

const plain = (provider: AccountName): Case => ({ title: provider, provider, config: ({ login }) => configOf(login) });

const CASES: readonly Case[] = [
  plain('ispconfig'),
  plain('zoneid'),
  {
    title: 'zoneid, zone seen in DNS',
    provider: 'zoneid',
    config: ({ login, nameserver }) => ({ accounts: { it: login }, dns: { nameservers: { [ZONE]: [nameserver] } } }),
  },
  {
    title: 'zoneid, zone not in DNS',
    provider: 'zoneid',
    config: ({ login }) => ({ accounts: { it: login }, dns: { followCnames: false } }),
  },
  plain('panelalpha'),
  plain('powerdns'),
  plain('olspanel'),
  { title: 'acme-dns', provider: 'acme-dns', config: accountForEach },
  plain('rfc2136'),
];

/** The requests to add and to remove one name, read in the source of other clients and not counted here. */
interface Peers {
  readonly acmesh: string;
  readonly lego: string;
}

const UNKNOWN: Peers = { acmesh: 'not known', lego: 'not known' };

const PEERS: Partial<Record<AccountName, Peers>> = {
  zoneid: { acmesh: '5 + 6', lego: '1 + 2' },
  // Both also have to find the zone, with one request or more.
  ispconfig: { acmesh: 'at least 4 + not known', lego: 'at least 5 + not known' },
};

export const requests: Part = {
  title: 'Requests',
  async run(): Promise<Findings> {
    const counted: Counted[] = [];
    for (const each of CASES) {
      for (const names of COUNTS) counted.push(await countRequests(each, names));
    }
    const rows = counted.map(({ title, provider, names, added, removed }) => {
      const { acmesh, lego } = PEERS[provider] ?? UNKNOWN;
      const each = ((added + removed) / names).toFixed(2);
      return [title, String(names), String(added), String(removed), each, acmesh, lego];
    });
    return {
      lines: [
        'One `dns01 batch` of adds and one of removes, names two labels below their zone, which is in the config unless',
        'said otherwise. Of `rfc2136` the messages are counted, at `acme-dns` there is one account for each name. acme.sh (of',
        '2026-06) and lego (of 2026-07) start from nothing for each name: their columns are what one name costs to add + to',
        'remove, as their sources have it.',
        '',
        ...table(['provider', 'names', 'to add', 'to remove', 'a name', 'acme.sh, a name', 'lego, a name'], rows),
        '',
        ...goals(counted),
      ],
    };
  },
};

/** Names in the batch are two labels deep: one request for each name above that is not a zone. */
const ZONE_SEARCH = 2;

function goals(counted: readonly Counted[]): string[] {
  const of = (wanted: AccountName) => counted.filter(({ provider }) => provider === wanted);
  const titles = [...new Set(of('zoneid').map(({ title }) => title))];
  const listed = (list: readonly Counted[], number: (one: Counted) => number | string) =>
    list.map((one) => `${number(one)} for ${one.names}`).join(', ');
  return [
    ...titles.map((title) => {
      const list = counted.filter((one) => one.title === title);
      return goal(
        `${title}: 2 requests a name, to add and remove it, and the search for the zone (${ZONE_SEARCH}) once`,
        listed(list, ({ added, removed }) => added + removed),
        list.every(({ added, removed, names }) => added + removed <= 2 * names + ZONE_SEARCH),
      );
    }),
    ...Object.entries(SHARED).map(([provider, { text, most }]) => {
      const list = of(provider as AccountName).filter(({ names }) => names > 1);
      return goal(
        `${provider}, a batch to add and one to remove: ${text} each`,
        listed(list, ({ added, removed }) => `${added} + ${removed}`),
        list.every(({ added, removed, names }) => Math.max(added, removed) <= most(names)),
      );
    }),
  ];
}

/** Providers where many changes of a zone share requests. */
const SHARED: Partial<Record<AccountName, { readonly text: string; most(names: number): number }>> = {
  rfc2136: { text: '1 message', most: () => 1 },
  powerdns: { text: 'at most 5 requests', most: () => 5 },
  ispconfig: { text: 'at most 4 requests and 1 a name', most: (names) => names + 4 },
};

async function countRequests({ title, provider, config }: Case, count: number): Promise<Counted> {
  const account = await ACCOUNTS[provider]();
  const dns = await startFakeDns({ zones: [{ name: ZONE }] });
  const names = namesIn(ZONE, count);
  const place = openPlace();
  try {
    // Requests that wait for ZoneID's rate limit are the same requests, only later.
    const quick = provider === 'zoneid' ? { provider: await zoneidWithWindow(place.directory, 1) } : {};
    place.configure(config({ login: { ...account.login, ...quick }, names, nameserver: dns.at }));
    await place.batch('add', names, '--no-wait');
    const added = account.takeRequests();
    await place.batch('remove', names);
    return { title, provider, names: count, added, removed: account.takeRequests() };
  } finally {
    place.remove();
    await Promise.all([account.close(), dns.close()]);
  }
}

/** A registration at acme-dns is for one name. */
function accountForEach({ names, login }: Setting): object {
  const domains = names.map((name, index) => [name.replace('_acme-challenge.', ''), `a${index}`] as const);
  return {
    accounts: Object.fromEntries(domains.map(([, account]) => [account, login])),
    zones: Object.fromEntries(domains),
    dns: { followCnames: false },
  };
}
