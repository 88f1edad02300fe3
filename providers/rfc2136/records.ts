import { Dns01Error } from '../../src/errors.ts';
import type { DnsProvider, Fqdn, ProviderContext, RecordHandle, TxtRecord } from '../../src/provider.ts';
import { addition, deletion, exactly, noneOf, type UpdateClient } from './client.ts';
import { CLASS, decodeName, decodeTxt, encodeTxt, TYPE } from './message.ts';
import { cnameInTheWay } from './refusal.ts';
import { findZone } from './zone.ts';

/** The provider's verbs. Each is one conversation: most need one message, because prerequisites ask what a query would. */
export function createRecords(open: () => UpdateClient, context: Pick<ProviderContext, 'writeOnce'>): DnsProvider {
  async function talk<Result>(verb: (client: UpdateClient) => Promise<Result>): Promise<Result> {
    const client = open();
    try {
      return await verb(client);
    } finally {
      client.close();
    }
  }

  async function add(client: UpdateClient, zone: Fqdn, { name, value, ttl }: TxtRecord): Promise<boolean> {
    const changes = [addition(name, TYPE.TXT, ttl, encodeTxt(value))];
    const noCname = noneOf(name, TYPE.CNAME);
    const isAlone = await client.update({ zone, prerequisites: [noneOf(name, TYPE.TXT), noCname], changes });
    if (isAlone === 'done') return true;
    if ((await textsAt(client, name)).some((text) => text.value === value)) return false;
    if ((await client.update({ zone, prerequisites: [noCname], changes })) === 'done') return true;
    throw cnameInTheWay(name);
  }

  async function remove(client: UpdateClient, zone: Fqdn, { name, value }: TxtRecord): Promise<'removed' | 'absent'> {
    const data = encodeTxt(value);
    const changes = [deletion(name, TYPE.TXT, data)];
    const wasAlone = await client.update({ zone, prerequisites: [exactly(name, TYPE.TXT, data)], changes });
    if (wasAlone === 'done') return 'removed';
    const matches = (await textsAt(client, name)).filter((text) => text.value === value);
    if (matches.length === 0) return 'absent';
    const deletions = matches.map((text) => deletion(name, TYPE.TXT, text.data));
    await client.update({ zone, prerequisites: [], changes: deletions });
    return 'removed';
  }

  const holds = async (client: UpdateClient, { name, value }: TxtRecord) =>
    (await textsAt(client, name)).some((text) => text.value === value);

  return {
    addTxt: (record) =>
      talk(async (client) => {
        const zone = record.zone ?? (await findZone(client, record.name));
        const changed = await context.writeOnce({
          write: () => add(client, zone, record),
          look: async () => ((await holds(client, record)) ? true : undefined),
        });
        return { zone, changed };
      }),

    removeTxt: (record, handle?: RecordHandle) =>
      talk(async (client) => {
        const zone = handle?.zone ?? record.zone ?? (await findZone(client, record.name));
        return context.writeOnce<'removed' | 'absent'>({
          write: () => remove(client, zone, record),
          look: async () => ((await holds(client, record)) ? undefined : 'removed'),
        });
      }),

    listTxt: (name) => talk(async (client) => (await textsAt(client, name)).map(({ value }) => value)),

    nameServers: (zone) => talk((client) => nameServersOf(client, zone)),
  };
}

/** What the server has for a zone of its own; what it has heard of others does not count. */
async function nameServersOf(client: UpdateClient, zone: Fqdn): Promise<string[]> {
  const { authoritative, answers } = await client.ask(zone, TYPE.NS);
  const own = answers.filter(({ name, type }) => name === zone && type === TYPE.NS);
  return authoritative ? own.map(({ data }) => decodeName(data, 0).name) : [];
}

interface Text {
  readonly value: string;
  /** How it is stored: the same value can be cut into strings in several ways. */
  readonly data: Buffer;
}

/** The TXT records at a name, asked of the server itself. @throws E_REJECTED for a name that is a CNAME */
async function textsAt(client: UpdateClient, name: Fqdn): Promise<Text[]> {
  const { authoritative, answers } = await client.query(name, TYPE.TXT);
  if (!authoritative) throw notAuthoritative(name);
  const own = answers.filter((record) => record.name === name && record.class === CLASS.IN);
  if (own.some(({ type }) => type === TYPE.CNAME)) throw cnameInTheWay(name);
  return own.filter(({ type }) => type === TYPE.TXT).map(({ data }) => ({ value: decodeTxt(data), data }));
}

function notAuthoritative(name: Fqdn): Dns01Error {
  return new Dns01Error(
    'E_ZONE',
    `the server is not authoritative for ${name}: it has delegated it, or is a resolver`,
    {
      hint: 'set server to the primary of the zone that holds the name',
    },
  );
}
