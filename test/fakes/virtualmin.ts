import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface VirtualminFakeSettings extends StandInSettings {
  /** Who logs in: the server's administrator, a domain owner, or one who may not use the remote API. */
  readonly login?: 'master' | 'owner' | 'nobody';
  /** Virtual servers of others, and those whose records are copies of another's. */
  readonly othersZones?: readonly string[];
  readonly aliases?: readonly string[];
  /** The language of the login, for messages that are translated. */
  readonly language?: 'en' | 'de';
  /** Names at which a domain owner may create no record. */
  readonly refuses?: (record: { readonly name: string; readonly value: string }) => boolean;
  /** The zone cannot be loaded after a change, which stays in its file. */
  readonly failsToLoad?: boolean;
  /** Called after each call and before its answer: another program may write in that moment. */
  readonly afterCall?: (call: string) => void;
}

export interface VirtualminFake extends StandIn {
  readonly username: string;
  readonly password: string;
  /** Stores a TXT record of these strings. */
  plantStrings(name: string, strings: readonly string[]): void;
  unplant(name: string): void;
}

interface StoredRecord {
  readonly zone: string;
  /** Absolute, as in a zone file. */
  readonly name: string;
  readonly type: string;
  readonly ttl: string | undefined;
  readonly values: readonly string[];
}

/** What the command writes to its error log comes first, and is taken apart like a record (measured). */
const LOGGED = { name: '[21/Nov/2026', value: '18:50:22 +0000] [127.0.0.1] Failed to get MySQL/MariaDB version' };

class Usage extends Error {}

/** remote.cgi of Virtualmin GPL (2026-08-22), behind Webmin's own web server, by their source and as measured. */
export async function startVirtualminFake(settings: VirtualminFakeSettings = {}): Promise<VirtualminFake> {
  const { login = 'master', othersZones = [], aliases = [], language = 'en' } = settings;
  const [username, password] = ['root', 'Webmin+Pass/wörd "42"'];
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const own = [...(settings.zones ?? ['example.com']), ...aliases];
  const all = [...own, ...othersZones];
  let records: StoredRecord[] = [];

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const answer = await answerTo(request);
    settings.afterCall?.(request.call);
    return answer;
  }

  async function answerTo({ method, path, query, headers, body }: FakeRequest): Promise<FakeReply> {
    if (headers['authorization'] !== authorization) {
      const html = '<html><head><title>401 &mdash; Unauthorized</title></head></html>';
      return { status: 401, headers: { 'content-type': 'text/html', 'www-authenticate': 'Basic' }, body: html };
    }
    if (path !== '/virtual-server/remote.cgi') return { status: 404, body: '<h2>404 &mdash; Not found</h2>' };
    // A POST body and the address, in this order; the body's content type does not matter.
    const given = [...new URLSearchParams([method === 'POST' ? body : '', query].filter(Boolean).join('&'))];
    const parameter = (key: string) => given.find(([name]) => name === key)?.[1];
    const program = parameter('program') ?? '';
    const known = ['get-dns', 'modify-dns', 'list-domains'].includes(program);
    // Before the format is known, and so in no JSON.
    if (login === 'nobody') return plain('ERROR: You are not allowed to run remote commands\n');
    if (!known) return plain(`ERROR: Remote program ${program} does not exist\n`);
    const args = given.filter(([key]) => key !== 'program' && key !== 'json');
    try {
      const more = await run(program, args);
      return json(200, { command: program, status: 'success', ...more });
    } catch (error) {
      if (!(error instanceof Usage)) throw error;
      const full_error = `${error.message}\n\nChanges DNS settings for one or more domains.\n`;
      return json(200, { command: program, status: 'failure', error: error.message, full_error });
    }
  }

  function domainOf(args: readonly (readonly [string, string])[], what: string): string {
    const domain = args.find(([key]) => key === 'domain')?.[1];
    if (domain === undefined) throw new Usage('No domains specified');
    if (own.includes(domain) || (login === 'master' && all.includes(domain))) return domain;
    if (login === 'master') throw new Usage(`${what} ${domain} does not exist`);
    // In the language of the login, and the same for domains of others.
    throw new Usage(
      language === 'de' ? `Virtueller Server ${domain} existiert nicht` : `Virtual server ${domain} does not exist`,
    );
  }

  async function run(program: string, args: readonly (readonly [string, string])[]): Promise<object> {
    if (program === 'list-domains') {
      expectOnly(args, ['with-feature', 'name-only', 'multiline']);
      return { data: [LOGGED, ...(login === 'master' ? all : own).map((name) => ({ name, values: {} }))] };
    }
    if (program === 'get-dns') return { data: [LOGGED, ...listRecords(args)] };
    await modify(args);
    return { output: 'Updating server example.com ..\n.. done\n' };
  }

  function listRecords(args: readonly (readonly [string, string])[]): object[] {
    expectOnly(args, ['domain', 'type', 'name', 'multiline']);
    if (!args.some(([key]) => key === 'multiline')) throw new Error('without multiline, there is a table and no JSON');
    const domain = domainOf(args, 'Virtual server');
    const name = args.find(([key]) => key === 'name')?.[1];
    const type = args.find(([key]) => key === 'type')?.[1];
    const wanted = name && `${name.toLowerCase().endsWith(domain) ? name : `${name}.${domain}`}.`.replace('..', '.');
    return records
      .filter((record) => record.zone === domain && (!wanted || record.name.toLowerCase() === wanted.toLowerCase()))
      .filter((record) => !type || record.type.toLowerCase() === type.toLowerCase())
      .map(({ name: shown, type: kind, ttl, values }) => ({
        name: shown,
        // A value is shown up to the end of its line, without blanks before it.
        values: {
          ...{ type: [kind], class: ['IN'], value: values.map((value) => value.trimStart()), file: ['/x.hosts'] },
          ...(ttl ? { ttl: [ttl] } : {}),
        },
      }));
  }

  /** Removals come before additions, whatever their order. What is done before a refusal stays in the zone file. */
  async function modify(args: readonly (readonly [string, string])[]): Promise<void> {
    expectOnly(args, ['domain', 'add-record-with-ttl', 'add-record', 'remove-record']);
    const domain = domainOf(args, 'Domain');
    if (args.length === 1) throw new Usage('Nothing to do');
    if (aliases.includes(domain)) {
      throw new Usage('Records cannot be edited in alias domains as their records are copied from the target');
    }
    for (const [, text] of args.filter(([key]) => key === 'remove-record')) {
      const [name = '', type, ...values] = text.split(/\s+/);
      if (!type) throw new Usage('--remove-record must be followed by the record name and type, all in one parameter');
      const gone = records.filter(
        (record) =>
          record.zone === domain &&
          record.name === expand(name, domain) &&
          record.type.toLowerCase() === type.toLowerCase() &&
          // Without values, all of them.
          (values.length === 0 || record.values.join(' ') === values.join(' ')),
      );
      records = records.filter((record) => !gone.includes(record));
      for (const record of gone) await change(record, 'removed');
    }
    for (const [key, text] of args.filter(([name]) => name.startsWith('add-record'))) {
      const words = text.split(/\s+/);
      const [name = '', type = ''] = words;
      const ttl = key === 'add-record-with-ttl' ? words[2] : undefined;
      const value = words.slice(ttl === undefined ? 2 : 3).join(' ');
      if (!name || !type || !value)
        throw new Usage(`--${key} must be followed by the record name, type, TTL and values`);
      const absolute = expand(name, domain);
      if (login === 'owner' && settings.refuses?.({ name: absolute, value })) {
        throw new Usage('This DNS record cannot be created by a domain owner');
      }
      const values = value.match(/.{1,255}/g) ?? [];
      // Only a value of one string is known again; the command says so and does not fail.
      const clash = records.some((record) => record.name === absolute && record.values.join('" "') === value);
      const isInside = absolute === `${domain}.` || absolute.endsWith(`.${domain}.`);
      if (clash || !isInside) continue;
      const record = { zone: domain, name: absolute, type: type.toUpperCase(), ttl, values };
      records.push(record);
      await change(record, 'added');
    }
    if (settings.failsToLoad) throw new Usage('Failed to save DNS records : zone file is broken');
  }

  async function change({ zone, name, type, values }: StoredRecord, what: 'added' | 'removed'): Promise<void> {
    if (type === 'TXT') await settings.onChange?.(zone, name.slice(0, -1), values.join(''), what);
  }

  const store = (name: string, type: string, values: readonly string[]) =>
    records.push({ zone: zoneHolding(all, name) ?? '', name: `${name}.`, type, ttl: '60', values });
  const nameOf = ({ body, query }: { readonly body: string; readonly query: string }) =>
    new URLSearchParams(body || query).get('program') ?? 'nothing';
  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    username,
    password,
    options: { url: server.origin, username, password },
    secrets: [password, authorization.slice('Basic '.length)],
    calls: { add: 'modify-dns', remove: 'modify-dns' },
    held: (name) =>
      records
        .filter((record) => record.name === `${name}.` && record.type === 'TXT')
        .map(({ values }) => values.join(''))
        .sort(),
    plant: (name, value, type = 'TXT') =>
      store(name, type, type === 'TXT' ? (value.match(/.{1,255}/g) ?? []) : [value]),
    plantStrings: (name, strings) => store(name, 'TXT', strings),
    unplant(name) {
      records = records.filter((record) => record.name !== `${name}.`);
    },
    everything: () => records.map((record) => JSON.stringify(record)),
    close: () => server.close(),
  };
}

const expand = (name: string, domain: string): string =>
  name === '@' ? `${domain}.` : name.endsWith('.') ? name : `${name}.${domain}.`;

function expectOnly(args: readonly (readonly [string, string])[], known: readonly string[]): void {
  const unknown = args.find(([key]) => !known.includes(key));
  if (unknown) throw new Usage(`Unknown parameter --${unknown[0]}`);
}

const plain = (body: string): FakeReply => ({ status: 200, headers: { 'content-type': 'text/plain' }, body });
