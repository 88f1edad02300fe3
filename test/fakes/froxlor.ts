import { domainToASCII } from 'node:url';
import { quoteTxt, unquoteTxt } from '../../src/provider.ts';
import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface FroxlorFakeSettings extends StandInSettings {
  /** Subdomains of the zones, which Froxlor lists as domains. */
  readonly subdomains?: readonly string[];
  /** Domains without a nameserver. */
  readonly withoutDns?: readonly string[];
  readonly apiEnabled?: boolean;
  /** Whether the customer has the DNS editor. */
  readonly dnsAllowed?: boolean;
  /** The name server that the zones are for: TXT records have no quotes for PowerDNS. */
  readonly dnsServer?: 'bind' | 'PowerDNS';
  /** The language of the user, for messages that are translated. */
  readonly language?: 'en' | 'de';
  /** Called after each call and before its answer: another program may write in that moment. */
  readonly afterCall?: (call: string) => void;
}

export interface FroxlorFake extends StandIn {
  /** Stores a record with another TTL than 60. */
  plantWithTtl(name: string, value: string, ttl: number): void;
}

interface StoredEntry {
  readonly id: number;
  readonly zone: string;
  /** Relative to the zone, `@` for the zone itself. */
  readonly record: string;
  readonly type: string;
  readonly content: string;
  readonly ttl: number;
  readonly prio: number;
}

type Params = Readonly<Record<string, unknown>>;

/** The parameters of the commands, by their source; the API ignores others, here they are a mistake. */
const FIELDS: Readonly<Record<string, RegExp>> = {
  'DomainZones.add': /^(id|domainname|record|type|prio|content|ttl)$/,
  'DomainZones.get': /^(id|domainname)$/,
  'DomainZones.listing': /^(id|domainname|sql_search|sql_limit|sql_offset|sql_orderby)$/,
  'DomainZones.delete': /^(entry_id|id|domainname)$/,
  'SubDomains.listing': /^(with_ips|customerid|loginname|sql_search|sql_limit|sql_offset|sql_orderby)$/,
};

const GERMAN: Readonly<Record<string, string>> = {
  'Record already exists': 'Eintrag existiert bereits',
  'DNS is not enabled for this domain': 'DNS ist für diese Domain nicht aktiviert',
};

class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The API of Froxlor 2.3.4 for the key of a customer, by its source and as measured with BIND. */
export async function startFroxlorFake(settings: FroxlorFakeSettings = {}): Promise<FroxlorFake> {
  const { subdomains = [], withoutDns = [], dnsServer = 'bind', language = 'en' } = settings;
  const [apiKey, apiSecret] = ['f5ce1b2a90', 'froxlor-secret-0123456789abcdef'];
  const authorization = `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`;
  const zones = settings.zones ?? ['example.com'];
  const domains = [...zones, ...subdomains, ...withoutDns];
  let entries: StoredEntry[] = [];
  let lastId = 100;

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const answer = await answerTo(request).catch((error: unknown) => {
      if (!(error instanceof Refused)) throw error;
      const message = (language === 'de' && GERMAN[error.message]) || error.message;
      return json(error.status, { message });
    });
    settings.afterCall?.(request.call);
    return answer;
  }

  async function answerTo({ method, path, headers, body }: FakeRequest): Promise<FakeReply> {
    if (path !== '/api.php')
      return { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Not Found</h1>' };
    if (settings.apiEnabled === false) {
      throw new Refused(400, 'API is not enabled. Please contact the administrator if you think this is wrong.');
    }
    if (!headers['authorization']) throw new Refused(401, 'Unauthenticated. Please provide api user credentials.');
    if (headers['authorization'] !== authorization) throw new Refused(403, 'Invalid authorization credentials');
    if (method !== 'POST' || body === '') throw new Refused(400, 'Empty request body.');
    const { command, params = {} } = JSON.parse(body) as { command: string; params?: Params };
    const fields = FIELDS[command];
    if (!fields) throw new Refused(400, 'Unknown command');
    const unknown = Object.keys(params).find((key) => !fields.test(key));
    if (unknown) throw new Refused(400, `unknown parameter ${unknown}`);
    return run(command, params);
  }

  async function run(command: string, params: Params): Promise<FakeReply> {
    if (command === 'SubDomains.listing') return listDomains();
    if (settings.dnsAllowed === false) throw new Refused(405, 'You cannot access this resource');
    const domain = String(params['domainname'] ?? '');
    if (!domains.includes(domain)) throw new Refused(404, 'Requested subdomain could not be found');
    // Neither looks whether the domain is a zone.
    if (command === 'DomainZones.listing') return listEntries(domain);
    if (command === 'DomainZones.delete') return remove(domain, params['entry_id']);
    if (subdomains.includes(domain)) {
      throw new Refused(406, 'DNS zones can only be generated for the main domain, not for subdomains');
    }
    if (withoutDns.includes(domain)) throw new Refused(400, 'DNS is not enabled for this domain');
    if (command === 'DomainZones.add') await add(domain, params);
    return success(zoneLines(domain));
  }

  const success = (data: unknown): FakeReply => json(200, { data });

  /** Numbers of the database come as texts or as numbers, as PHP's driver pleases. */
  function listDomains(): FakeReply {
    const list = domains.map((domain, index) => ({
      ...{ id: String(index + 1), domain, domain_ace: domain, ipsandports: [], deactivated: 0 },
      parentdomainid: subdomains.includes(domain) ? '1' : '0',
      isbinddomain: withoutDns.includes(domain) ? '0' : '1',
    }));
    return success({ count: list.length, list });
  }

  function listEntries(zone: string): FakeReply {
    const list = entries
      .filter((entry) => entry.zone === zone)
      .map(({ zone: _, ...entry }) => ({ ...entry, domain_id: 1 }));
    return success({ count: list.length, list });
  }

  async function add(zone: string, params: Params): Promise<void> {
    const type = String(params['type'] ?? 'A');
    const given =
      String(params['record'] ?? '')
        .trim()
        .toLowerCase() || '@';
    if (given.includes('--')) {
      throw new Refused(406, 'You must not specify punycode (IDNA). The domain will automatically be converted');
    }
    const record = given
      .split('.')
      .map((label) => (/^[\x00-\x7f]*$/.test(label) ? label : domainToASCII(label)))
      .join('.');
    if (record.length > 63) throw new Refused(406, 'Records/labels can only be up to 63 characters');
    const ttl = Number(params['ttl'] ?? 18_000) > 0 ? Number(params['ttl'] ?? 18_000) : 18_000;
    const raw = String(params['content'] ?? '').trim();
    if (raw === '') throw new Refused(406, 'Content must not be empty');
    const same = entries.filter((entry) => entry.zone === zone && entry.record === record);
    if (same.some((entry) => entry.type === 'CNAME')) {
      throw new Refused(
        406,
        'There already exists a CNAME record with the same record-name. It can not be used for another type.',
      );
    }
    const content = type === 'TXT' ? enclosed(raw) : raw;
    // Only with the same TTL.
    if (same.some((entry) => entry.type === type && entry.content === content && entry.ttl === ttl)) {
      throw new Refused(406, 'Record already exists');
    }
    entries.push({ id: ++lastId, zone, record, type, content, ttl, prio: 0 });
    if (type === 'TXT') await settings.onChange?.(zone, nameOf(record, zone), unquoteTxt(content), 'added');
  }

  /** Whatever is between the first quote and the last is one string, which the zone file splits. */
  function enclosed(raw: string): string {
    const bare = raw.replace(/^"/, '').replace(/"$/, '');
    if (bare.includes('"')) throw new Error('quotes inside of a value come into the zone file as they are');
    return dnsServer === 'PowerDNS' ? bare : `"${bare}"`;
  }

  async function remove(zone: string, id: unknown): Promise<FakeReply> {
    const entry = entries.find((candidate) => String(candidate.id) === String(id) && candidate.zone === zone);
    if (!entry) return { status: 304 };
    entries = entries.filter((candidate) => candidate !== entry);
    if (entry.type === 'TXT') {
      await settings.onChange?.(zone, nameOf(entry.record, zone), unquoteTxt(entry.content), 'removed');
    }
    return success(true);
  }

  function zoneLines(zone: string): string[] {
    const own = entries.filter((entry) => entry.zone === zone);
    return [
      '$TTL 604800',
      `$ORIGIN ${zone}.`,
      `@\t604800\tIN\tSOA\tns1.example.net. admin.${zone}. (`,
      '\t\t\t\t2026112100\t; serial',
      '@\t604800\tIN\tNS\tNS1.example.net.',
      'sub\t604800\tIN\tNS\tns9.example.net.',
      ...own.map(({ record, ttl, type, content }) => `${record}\t${ttl}\tIN\t${type}\t${content}`),
      '',
    ];
  }

  const store = (name: string, type: string, content: string, ttl = 60) => {
    const zone = zoneHolding(zones, name) ?? '';
    const record = name === zone ? '@' : name.slice(0, -zone.length - 1);
    entries.push({ id: ++lastId, zone, record, type, content, ttl, prio: 0 });
  };
  const server = await startFaultServer({
    nameOf: ({ body }) => body.match(/"command":"([\w.]+)"/)?.[1] ?? 'nothing',
    reply,
  });
  return {
    server,
    options: { url: server.origin, apiKey, apiSecret },
    secrets: [apiSecret, authorization.slice('Basic '.length)],
    calls: { add: 'DomainZones.add', remove: 'DomainZones.delete' },
    held: (name) =>
      entries
        .filter((entry) => entry.type === 'TXT' && nameOf(entry.record, entry.zone) === name)
        .map(({ content }) => unquoteTxt(content))
        .sort(),
    plant: (name, value, type = 'TXT') => store(name, type, type === 'TXT' ? quoteTxt(value) : value),
    plantWithTtl: (name, value, ttl) => store(name, 'TXT', quoteTxt(value), ttl),
    everything: () => entries.map((entry) => JSON.stringify(entry)),
    close: () => server.close(),
  };
}

const nameOf = (record: string, zone: string): string => (record === '@' ? zone : `${record}.${zone}`);
