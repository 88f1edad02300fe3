import { ACCOUNTS, type AccountName, configOf, ZONE } from './accounts.ts';
import { type Findings, goal, type Part, table } from './part.ts';
import { namesIn, openPlace, type Place } from './place.ts';
import { zoneidWithWindow } from './zoneid-window.ts';

const COUNTS = [1, 10, 100];

interface Counted {
  readonly provider: AccountName;
  readonly names: number;
  readonly added: number;
  readonly removed: number;
}

/** For one name, to add and to remove. Read in their sources, not counted here. */
interface Peers {
  readonly acmesh: string;
  readonly lego: string;
}

const UNKNOWN: Peers = { acmesh: 'not known', lego: 'not known' };

const PEERS: Partial<Record<AccountName, Peers>> = {
  zoneid: { acmesh: '5 + 6', lego: '1 + 2' },
  // Each has to find the zone as well, with one request or more.
  ispconfig: { acmesh: 'at least 4 + not known', lego: 'at least 5 + not known' },
};

export const requests: Part = {
  title: 'Requests',
  async run(): Promise<Findings> {
    const counted: Counted[] = [];
    for (const provider of Object.keys(ACCOUNTS) as AccountName[]) {
      for (const names of COUNTS) counted.push({ provider, names, ...(await countRequests(provider, names)) });
    }
    const rows = counted.map(({ provider, names, added, removed }) => {
      const { acmesh, lego } = PEERS[provider] ?? UNKNOWN;
      const each = ((added + removed) / names).toFixed(2);
      return [provider, String(names), String(added), String(removed), each, acmesh, lego];
    });
    return {
      lines: [
        'One `dns01 batch` of adds and one of removes, the zone in the config, names two labels below it. Of `rfc2136` the',
        'messages are counted, of `acme-dns` there is one account for each name. acme.sh (of 2026-06) and lego (of 2026-07)',
        'start from nothing for each name: their columns are what one name costs to add + to remove, as their sources have it.',
        '',
        ...table(['provider', 'names', 'to add', 'to remove', 'a name', 'acme.sh, a name', 'lego, a name'], rows),
        '',
        ...goals(counted),
      ],
    };
  },
};

function goals(counted: readonly Counted[]): string[] {
  const of = (wanted: AccountName) => counted.filter(({ provider }) => provider === wanted);
  const [zoneid, ispconfig] = [of('zoneid'), of('ispconfig')];
  const told = (list: readonly Counted[], number: (one: Counted) => number) =>
    list.map((one) => `${number(one)} for ${one.names}`).join(', ');
  return [
    goal(
      'ZoneID takes 2 requests a name, to add and remove it, beside the search for the zone',
      told(zoneid, ({ added, removed }) => added + removed),
      zoneid.every(({ added, removed, names }) => added + removed <= 2 * names),
    ),
    goal(
      'ISPConfig takes 2 requests and 1 a name to add in a batch',
      told(ispconfig, ({ added }) => added),
      ispconfig.every(({ added, names }) => added <= 2 + names),
    ),
  ];
}

async function countRequests(provider: AccountName, count: number): Promise<Pick<Counted, 'added' | 'removed'>> {
  const account = await ACCOUNTS[provider]();
  const names = namesIn(ZONE, count);
  const place = openPlace();
  try {
    place.configure(await configFor(provider, account.login, names, place));
    await place.batch('add', names, '--no-wait');
    const added = account.takeRequests();
    await place.batch('remove', names);
    return { added, removed: account.takeRequests() };
  } finally {
    place.remove();
    await account.close();
  }
}

async function configFor(
  provider: AccountName,
  login: object,
  names: readonly string[],
  { directory }: Place,
): Promise<object> {
  if (provider === 'acme-dns') return accountForEach(names, login);
  // What waits for the budget is the same requests later.
  if (provider === 'zoneid') return configOf({ ...login, provider: await zoneidWithWindow(directory, 1) });
  return configOf(login);
}

/** A registration at acme-dns is for one name. */
function accountForEach(names: readonly string[], login: object): object {
  const domains = names.map((name, index) => [name.replace('_acme-challenge.', ''), `a${index}`] as const);
  return {
    accounts: Object.fromEntries(domains.map(([, account]) => [account, login])),
    zones: Object.fromEntries(domains),
    dns: { followCnames: false },
  };
}
