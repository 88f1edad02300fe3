import { quoteTxt } from '../../src/provider.ts';
import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface DigitaloceanFakeSettings extends StandInSettings {
  /** Custom scopes of the token; default: all of domains. */
  readonly scopes?: readonly string[];
  /** At most so many items a page, whatever is asked for. */
  readonly pageSize?: number;
  /** Called after each call and before its answer: another program may write in that moment. */
  readonly afterCall?: (call: string) => void;
}

interface StoredRecord {
  readonly id: number;
  readonly domain: string;
  /** Relative, `@` for the domain itself. */
  readonly name: string;
  readonly type: string;
  readonly data: string;
  readonly ttl: number;
}

export const DIGITALOCEAN_TOKEN = `dop_v1_${'0123456789abcdef'.repeat(4)}`;
const ALL_SCOPES = ['domain:read', 'domain:create', 'domain:update', 'domain:delete'];
const FIELDS = /^(type|name|data|priority|port|ttl|weight|flags|tag)$/;
/** The most of a TXT record as in a zone file, as the authors of DNSControl found out. */
const MAX_TXT = 512;

/** The domains of DigitalOcean's API v2, for one token. */
export async function startDigitaloceanFake(settings: DigitaloceanFakeSettings = {}): Promise<StandIn> {
  const { zones = ['example.com'], scopes = ALL_SCOPES, pageSize = 200 } = settings;
  let lastId = 28_448_000;
  let used = 0;
  let records: StoredRecord[] = zones.flatMap((domain) =>
    [1, 2].map((nth) => ({
      id: ++lastId,
      domain,
      name: '@',
      type: 'NS',
      data: `ns${nth}.digitalocean.com`,
      ttl: 1800,
    })),
  );

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const answer = await answerTo(request);
    settings.afterCall?.(request.call);
    const limits = { 'ratelimit-limit': '5000', 'ratelimit-remaining': String(5000 - ++used), 'ratelimit-reset': '1' };
    return { ...answer, headers: { ...answer.headers, ...limits } };
  }

  async function answerTo({ method, path, query, headers, body }: FakeRequest): Promise<FakeReply> {
    if (headers['authorization'] !== `Bearer ${DIGITALOCEAN_TOKEN}`) {
      return refusal(401, 'unauthorized', 'Unable to authenticate you');
    }
    const { domain, isRecords, id } = parsePath(path);
    const needed = {
      GET: ['domain:read'],
      POST: ['domain:create', 'domain:update'],
      DELETE: ['domain:delete', 'domain:update'],
    };
    const wanted = needed[method as 'GET'] ?? ['domain:update'];
    if (!wanted.some((scope) => scopes.includes(scope))) {
      return refusal(403, 'forbidden', 'You are not authorized to perform this operation');
    }
    const filter = new URLSearchParams(query);
    if (path === '/v2/domains') return pageOf('domains', zones.map(shownDomain), path, filter);
    if (domain === undefined || !zones.includes(domain)) return notFound();
    if (!isRecords) return json(200, { domain: shownDomain(domain) });
    if (method === 'GET' && id === undefined) return listRecords(domain, path, filter);
    if (method === 'POST' && id === undefined) return create(domain, body);
    const record = records.find((one) => one.domain === domain && String(one.id) === id);
    if (!record) return notFound();
    if (method === 'GET') return json(200, { domain_record: shownRecord(record) });
    if (method !== 'DELETE') return refusal(405, 'method_not_allowed', 'not known here');
    records = records.filter((one) => one !== record);
    if (record.type === 'TXT') await settings.onChange?.(domain, fullName(record), record.data, 'removed');
    return { status: 204, headers: {} };
  }

  function listRecords(domain: string, path: string, filter: URLSearchParams): FakeReply {
    const name = filter.get('name');
    const type = filter.get('type');
    const own = records.filter((record) => record.domain === domain);
    const found = own.filter(
      (record) => (type === null || record.type === type) && (name === null || fullName(record) === name),
    );
    return pageOf('domain_records', found.map(shownRecord), path, filter);
  }

  /** `links.pages` only where there is more than one page, and with the vendor's own address. */
  function pageOf(key: string, all: readonly unknown[], path: string, filter: URLSearchParams): FakeReply {
    const page = Number(filter.get('page') ?? 1);
    const asked = Number(filter.get('per_page') ?? 20);
    if (!(page >= 1 && asked >= 1 && asked <= 200))
      return refusal(422, 'unprocessable_entity', 'invalid per_page or page');
    const size = Math.min(asked, pageSize);
    const last = Math.max(1, Math.ceil(all.length / size));
    const link = (number: number) => {
      const others = new URLSearchParams(filter);
      others.set('page', String(number));
      return `https://api.digitalocean.com${path}?${others}`;
    };
    const pages = {
      ...(page > 1 ? { first: link(1), prev: link(page - 1) } : {}),
      ...(page < last ? { next: link(page + 1), last: link(last) } : {}),
    };
    const items = all.slice((page - 1) * size, page * size);
    return json(200, { [key]: items, links: last > 1 ? { pages } : {}, meta: { total: all.length } });
  }

  async function create(domain: string, body: string): Promise<FakeReply> {
    const given = parse(body);
    if (given === undefined) return refusal(400, 'bad_request', 'Invalid JSON');
    const { type, name, data, ttl = 1800 } = given;
    const unknown = Object.keys(given).find((field) => !FIELDS.test(field));
    if (unknown) return invalid(`unknown field ${unknown}`);
    if (typeof type !== 'string') return invalid("Type can't be blank");
    const relative = typeof name === 'string' ? relativeTo(domain, name) : '';
    if (relative === '' || relative.endsWith('.')) return invalid('Name is not valid');
    if (typeof data !== 'string' || data === '') return invalid("Data can't be blank");
    // A value of null is that of no TTL.
    if (ttl !== null && (!Number.isInteger(ttl) || Number(ttl) < 30))
      return invalid('Ttl must be greater than or equal to 30');
    if (type === 'TXT' && quoteTxt(data).length > MAX_TXT)
      return invalid('Data is too long (maximum is 512 characters)');
    const beside = records.filter((one) => one.domain === domain && one.name === relative);
    if (beside.some((one) => one.type === 'CNAME'))
      return invalid('CNAME records cannot share a name with other records');
    const record = { id: ++lastId, domain, name: relative, type, data, ttl: Number(ttl ?? 1800) };
    records = [...records, record];
    if (type === 'TXT') await settings.onChange?.(domain, fullName(record), data, 'added');
    return json(201, { domain_record: shownRecord(record) });
  }

  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    options: { url: server.origin, token: DIGITALOCEAN_TOKEN },
    secrets: [DIGITALOCEAN_TOKEN],
    calls: { add: 'POST records', remove: 'DELETE records' },
    held: (name) => records.filter((one) => one.type === 'TXT' && fullName(one) === name).map(({ data }) => data),
    plant(name, data, type = 'TXT') {
      const domain = zoneHolding(zones, name) ?? '';
      const relative = name === domain ? '@' : name.slice(0, -domain.length - 1);
      records = [...records, { id: ++lastId, domain, name: relative, type, data, ttl: 1800 }];
    },
    everything: () => records.map((record) => JSON.stringify(record)),
    close: () => server.close(),
  };
}

const fullName = ({ name, domain }: StoredRecord): string => (name === '@' ? domain : `${name}.${domain}`);

/** Names are relative; lego sends absolute ones, with the dot. */
function relativeTo(domain: string, name: string): string {
  const plain = name.toLowerCase();
  if (plain === `${domain}.`) return '@';
  return plain.endsWith(`.${domain}.`) ? plain.slice(0, -domain.length - 2) : plain;
}

const shownDomain = (name: string) => ({ name, ttl: 1800, zone_file: `$ORIGIN ${name}.\n$TTL 1800\n` });

const NONE = { priority: null, port: null, weight: null, flags: null, tag: null };
const shownRecord = ({ domain: _, ...record }: StoredRecord) => ({ ...record, ...NONE });

const refusal = (status: number, id: string, message: string): FakeReply => json(status, { id, message });
const invalid = (message: string): FakeReply => refusal(422, 'unprocessable_entity', message);
const notFound = (): FakeReply => refusal(404, 'not_found', 'The resource you were accessing could not be found.');

function parse(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(body) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

function nameOf({ method, path }: Omit<FakeRequest, 'call'>): string {
  const { domain, isRecords } = parsePath(path);
  return `${method} ${isRecords ? 'records' : domain === undefined ? 'domains' : 'domain'}`;
}

function parsePath(path: string) {
  const [, domain, records, id] = /^\/v2\/domains\/([^/]+)(?:\/(records)(?:\/([^/]+))?)?$/.exec(path) ?? [];
  return { domain: domain && decodeURIComponent(domain), isRecords: records !== undefined, id };
}
