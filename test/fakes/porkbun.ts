import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export const PORKBUN_KEYS = {
  apiKey: 'pk1_5299b57125c8f3cdf347d2fe0e713311ee3a1e11f11a14942b26472593e35368',
  secretApiKey: 'sk1_7d119e3f656b00ae042980302e1425a04163c476efec18330cb0f54fc6f5022e',
} as const;

export interface PorkbunFakeSettings extends StandInSettings {
  /** Domains of the account whose API ACCESS is off. */
  readonly closedZones?: readonly string[];
  /** What the API does with a record that is there already. Its documents do not say; clients report a refusal. */
  readonly duplicates?: 'refuse' | 'accept';
  /** An id is a number in recorded answers and a text in the document. */
  readonly ids?: 'number' | 'text';
  /** Older answers have no codes. */
  readonly codes?: boolean;
  /** The refusal of an unknown record id; its words are not documented. */
  readonly unknownId?: string;
  /** Errors come with status 200, as some clients expect. */
  readonly errorStatus?: 200 | 400;
}

interface StoredRecord {
  readonly id: number;
  readonly zone: string;
  readonly name: string;
  readonly type: string;
  readonly content: string;
  readonly ttl: number;
}

const BASE = '/api/json/v3';
const TYPES = ['A', 'AAAA', 'MX', 'CNAME', 'ALIAS', 'TXT', 'NS', 'SRV', 'TLSA', 'CAA', 'SSHFP'];
const FIELDS = ['apikey', 'secretapikey', 'name', 'type', 'content', 'ttl', 'prio', 'notes'];
const DOMAINS_PER_PAGE = 1000;
const MIN_TTL = 600;

/** Porkbun's API v3, by its OpenAPI document (version 3.0) and by answers that lexicon recorded. */
export async function startPorkbunFake(settings: PorkbunFakeSettings = {}): Promise<StandIn> {
  const { apiKey, secretApiKey } = PORKBUN_KEYS;
  const { closedZones = [], zones = ['example.com'] } = settings;
  let records: StoredRecord[] = [];
  let lastId = 432_480_875;

  const refuse = (code: string, message: string): FakeReply =>
    json(settings.errorStatus ?? 400, {
      status: 'ERROR',
      ...(settings.codes === false ? {} : { code }),
      message,
    });
  const succeed = (fields: object = {}): FakeReply => json(200, { status: 'SUCCESS', ...fields });

  async function reply({ method, path, body }: FakeRequest): Promise<FakeReply> {
    if (method !== 'POST') return refuse('METHOD_NOT_ALLOWED', 'Method not allowed.');
    const sent = parsed(body);
    if (!sent) return refuse('INVALID_OR_EMPTY_JSON', 'All API requests must be JSON.');
    const { apikey, secretapikey, ...fields } = sent;
    if (apikey === undefined) return refuse('API_KEY_REQUIRED', 'Invalid API key. (002)');
    if (apikey !== apiKey || secretapikey !== secretApiKey) {
      return refuse('INVALID_API_KEYS_001', 'Invalid API key. (001)');
    }
    const [section, call, zone = '', ...rest] = path
      .slice(BASE.length + 1)
      .split('/')
      .map(decodeURIComponent);
    if (section === 'ping') return succeed({ yourIp: '192.0.2.7', xForwardedFor: '192.0.2.7', credentialsValid: true });
    if (section === 'domain' && call === 'listAll') return listAll(Number(fields['start'] ?? 0));
    if (section !== 'dns') return { status: 404, body: 'not found' };
    if (closedZones.includes(zone)) return refuse('DOMAIN_NOT_ALLOWED', 'Domain is not opted in to API access.');
    if (!zones.includes(zone)) return refuse('INVALID_DOMAIN', 'Invalid domain.');
    const own = records.filter((record) => record.zone === zone);
    if (call === 'create') return create(zone, fields);
    if (call === 'delete') return remove(own.find(({ id }) => String(id) === rest[0]));
    if (call === 'retrieve') return retrieved(own.filter(({ id }) => rest[0] === undefined || String(id) === rest[0]));
    if (call !== 'retrieveByNameType') return { status: 404, body: 'not found' };
    const [type, sub] = rest;
    const name = sub ? `${sub}.${zone}` : zone;
    return retrieved(own.filter((record) => record.type === type && record.name === name));
  }

  const retrieved = (found: readonly StoredRecord[]): FakeReply =>
    succeed({
      cloudflare: 'enabled',
      records: found.map(({ id, name, type, content, ttl }) => {
        return { id: String(id), name, type, content, ttl: String(ttl), prio: '0', notes: null };
      }),
    });

  function listAll(start: number): FakeReply {
    const all = [...zones, ...closedZones].map((domain) => ({
      domain,
      status: 'ACTIVE',
      tld: domain.split('.').at(-1),
      createDate: '2021-01-15 10:00:00',
      expireDate: '2027-01-15 10:00:00',
      securityLock: 1,
      whoisPrivacy: 1,
      autoRenew: 1,
      apiAccess: closedZones.includes(domain) ? 0 : 1,
      notLocal: 0,
    }));
    const domains = all.slice(start, start + DOMAINS_PER_PAGE);
    return succeed({ count: domains.length, domains });
  }

  async function create(zone: string, fields: Record<string, unknown>): Promise<FakeReply> {
    const { name: sub = '', type, content, ttl = 0 } = fields;
    if (!TYPES.includes(String(type))) return refuse('INVALID_TYPE', 'Invalid type.');
    const isWrong =
      typeof sub !== 'string' || typeof content !== 'string' || content === '' || !/^\d+$/.test(String(ttl));
    const unknown = Object.keys(fields).find((field) => !FIELDS.includes(field));
    if (isWrong || unknown) return refuse('INVALID_REQUEST', `Create error: invalid field ${unknown ?? ''}`);
    // A name with the domain at its end is taken, and is then below itself.
    const name = sub ? `${sub}.${zone}` : zone;
    const isTwin = (record: StoredRecord) => record.name === name && record.type === type && record.content === content;
    const isBesideCname = records.some((record) => record.name === name && record.type === 'CNAME');
    if (isBesideCname || (records.some(isTwin) && settings.duplicates !== 'accept')) {
      return refuse('CREATE_ERROR', 'Create error: We were unable to create the DNS record.');
    }
    const record = { id: ++lastId, zone, name, type: String(type), content, ttl: Math.max(MIN_TTL, Number(ttl)) };
    records.push(record);
    if (type === 'TXT') await settings.onChange?.(zone, name, content, 'added');
    return succeed({ id: settings.ids === 'text' ? String(record.id) : record.id });
  }

  async function remove(record: StoredRecord | undefined): Promise<FakeReply> {
    if (!record) return refuse('INVALID_RECORD_ID', settings.unknownId ?? 'Invalid record ID.');
    records = records.filter((one) => one !== record);
    const { zone, name, type, content } = record;
    if (type === 'TXT') await settings.onChange?.(zone, name, content, 'removed');
    return succeed();
  }

  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    options: { url: server.origin + BASE, apiKey, secretApiKey },
    secrets: [apiKey, secretApiKey],
    calls: { add: 'POST create', remove: 'POST delete' },
    held: (name) => records.filter((one) => one.name === name && one.type === 'TXT').map(({ content }) => content),
    plant(name, value, type = 'TXT') {
      const zone = zoneHolding(zones, name);
      if (zone === undefined) throw new Error(`no zone of the fake holds ${name}`);
      records.push({ id: ++lastId, zone, name, type, content: value, ttl: 3600 });
    },
    everything: () => records.map(({ id, name, type, content, ttl }) => [id, name, type, content, ttl].join(' ')),
    close: () => server.close(),
  };
}

function parsed(body: string): Record<string, unknown> | undefined {
  try {
    const sent: unknown = JSON.parse(body);
    return typeof sent === 'object' && sent !== null ? (sent as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function nameOf({ method, path }: Omit<FakeRequest, 'call'>): string {
  const [section = '', call] = path.slice(BASE.length + 1).split('/');
  return `${method} ${call ?? section}`;
}
