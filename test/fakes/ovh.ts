import { createHash } from 'node:crypto';
import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface OvhSettings extends StandInSettings {
  /** Seconds by which the API's clock is ahead. */
  readonly aheadSeconds?: number;
  /** The rules of the consumer key; default: everything. */
  readonly rules?: readonly OvhRule[];
  readonly status?: 'expired' | 'pendingValidation' | 'refused' | 'validated';
  readonly expiration?: string | null;
  /** A known fault of the live API: the answer to a created record has the id 0. */
  readonly zeroIds?: boolean;
}

export interface OvhRule {
  readonly method: string;
  readonly path: string;
}

interface OvhRecord {
  readonly id: number;
  readonly fieldType: string;
  readonly subDomain: string;
  readonly target: string;
  readonly ttl: number;
}

interface Zone {
  /** What the API shows. */
  stored: OvhRecord[];
  /** What the name servers have, since the last refresh. */
  served: OvhRecord[];
}

export interface OvhStandIn extends StandIn {
  /** How many records are stored but not served, or served but no longer stored. */
  unrefreshed(): number;
}

const BASE = '/1.0';

/** The keys of the account. */
export const OVH_KEYS = {
  applicationKey: 'a0pp1key2of3test',
  applicationSecret: 'a0secret1of2the3application4test',
  consumerKey: 'c0onsumer1key2of3the4account5tst',
};

/** Seconds by which the time of a request may differ from the API's. */
const CLOCK_SECONDS = 180;

const TYPES = 'A AAAA CAA CNAME DKIM DMARC DNAME LOC MX NAPTR NS PTR SPF SRV SSHFP TLSA TXT'.split(' ');

/**
 * The OVHcloud API v1 for one account, by its schema (domain.json, auth.json), the guide "First steps with the OVHcloud
 * APIs", the answers that dns-lexicon recorded, and the error codes that OVH's own client (python-ovh) knows.
 */
export async function startOvhFake(settings: OvhSettings = {}): Promise<OvhStandIn> {
  const keys = OVH_KEYS;
  const rules = settings.rules ?? ['GET', 'POST', 'PUT', 'DELETE'].map((method) => ({ method, path: '/*' }));
  const zones = new Map<string, Zone>();
  for (const zone of settings.zones ?? ['example.com']) zones.set(zone, { stored: [], served: [] });
  let lastId = 5_000_000_000;

  const now = () => Math.floor(Date.now() / 1000) + (settings.aheadSeconds ?? 0);

  /** The refusal of a request that is not signed rightly, or not allowed. */
  function unauthorised({ method, path, query, headers, body }: FakeRequest): FakeReply | undefined {
    const { 'x-ovh-application': application, 'x-ovh-consumer': consumer, 'x-ovh-timestamp': time = '' } = headers;
    if (application !== keys.applicationKey) return refusal(403, 'INVALID_KEY', 'Invalid application key');
    if (consumer === undefined) return refusal(403, 'NOT_CREDENTIAL', 'You must login first');
    if (!/^\d+$/.test(time) || Math.abs(Number(time) - now()) > CLOCK_SECONDS) {
      return refusal(400, 'QUERY_TIME_OUT', 'Query out of time');
    }
    const url = `${headers['x-forwarded-proto'] ?? 'http'}://${headers['host']}${path}${query ? `?${query}` : ''}`;
    const text = [keys.applicationSecret, consumer, method, url, body, time].join('+');
    const signature = `$1$${createHash('sha1').update(text).digest('hex')}`;
    if (headers['x-ovh-signature'] !== signature) return refusal(400, 'INVALID_SIGNATURE', 'Invalid signature');
    const { status = 'validated' } = settings;
    if (consumer !== keys.consumerKey || status !== 'validated') {
      return refusal(403, 'INVALID_CREDENTIAL', 'This credential is not valid');
    }
    const route = path.slice(BASE.length);
    const isAllowed = rules.some((rule) => rule.method === method && globOf(rule.path).test(route));
    return isAllowed ? undefined : refusal(403, 'NOT_GRANTED_CALL', 'This call has not been granted');
  }

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const { method, path, query, body } = request;
    if (!path.startsWith(`${BASE}/`)) return refusal(404, undefined, 'Got an invalid (or empty) URL');
    const route = path.slice(BASE.length);
    if (method === 'GET' && route === '/auth/time') return json(200, now());
    const refused = unauthorised(request);
    if (refused) return refused;
    if (method === 'GET' && route === '/auth/currentCredential') return json(200, credential());
    if (method === 'GET' && /^\/domain(\/zone)?\/?$/.test(route)) return json(200, [...zones.keys()]);
    const [, name = '', rest = ''] = /^\/domain\/zone\/([^/]+)(\/.*)?$/.exec(route) ?? [];
    const zone = zones.get(decodeURIComponent(name));
    if (!zone) return refusal(404, undefined, 'This service does not exist');
    if (method === 'GET' && rest === '') return json(200, zoneOf(name));
    if (method === 'GET' && rest === '/status') return json(200, { errors: null, isDeployed: true, warnings: null });
    if (method === 'POST' && rest === '/refresh') return refresh(name, zone);
    if (method === 'GET' && rest === '/record') return json(200, idsOf(zone, new URLSearchParams(query)));
    if (method === 'POST' && rest === '/record') return create(name, zone, body);
    const id = Number(/^\/record\/(\d+)$/.exec(rest)?.[1]);
    const record = zone.stored.find((each) => each.id === id);
    if (!record) return refusal(404, undefined, `The requested object (id = ${id}) does not exist`);
    if (method === 'GET') return json(200, shown(name, record));
    if (method !== 'DELETE') return refusal(405, undefined, 'Method not allowed');
    zone.stored = zone.stored.filter((each) => each !== record);
    return json(200, null);
  }

  function create(name: string, zone: Zone, body: string): FakeReply {
    const given = JSON.parse(body) as Readonly<Record<string, unknown>>;
    const { fieldType, subDomain = '', target, ttl = 0 } = given;
    const unknown = Object.keys(given).find((key) => !['fieldType', 'subDomain', 'target', 'ttl'].includes(key));
    if (unknown !== undefined) return refusal(400, undefined, `Unknown parameter ${unknown}`);
    if (typeof fieldType !== 'string' || !TYPES.includes(fieldType)) return invalid('fieldType');
    if (typeof subDomain !== 'string' || !/^([\w*-]+(\.[\w-]+)*)?$/.test(subDomain)) return invalid('subDomain');
    if (typeof ttl !== 'number' || !Number.isInteger(ttl) || (ttl !== 0 && ttl < 60)) return invalid('ttl');
    if (typeof target !== 'string' || target === '') return invalid('target');
    if (fieldType === 'TXT' && !isTxt(target)) return invalid('target');
    const record = { id: ++lastId, fieldType, subDomain, target, ttl };
    zone.stored.push(record);
    return json(200, { ...record, zone: name, ...(settings.zeroIds ? { id: 0 } : {}) });
  }

  async function refresh(name: string, zone: Zone): Promise<FakeReply> {
    const [gone, come] = [zone.served, zone.stored].map((own, index, both) =>
      own.filter((record) => record.fieldType === 'TXT' && !both[1 - index]?.includes(record)),
    );
    zone.served = [...zone.stored];
    const changed = (records: readonly OvhRecord[] = [], change: 'added' | 'removed') =>
      records.map((record) => settings.onChange?.(name, fullName(name, record), txtOf(record), change));
    await Promise.all([...changed(gone, 'removed'), ...changed(come, 'added')]);
    return json(200, null);
  }

  const credential = () => ({
    status: settings.status ?? 'validated',
    expiration: settings.expiration ?? null,
    rules,
    allowedIPs: null,
    applicationId: 1,
    credentialId: 2,
    creation: '2026-01-02T03:04:05+01:00',
    lastUse: null,
    ovhSupport: false,
  });

  const server = await startFaultServer({ nameOf, reply });
  const all = (which: keyof Zone) =>
    [...zones].flatMap(([name, zone]) => zone[which].map((record) => ({ name, record })));
  return {
    server,
    options: { url: server.origin + BASE, ...keys },
    secrets: [keys.applicationSecret, keys.consumerKey],
    calls: { add: 'POST records', remove: 'DELETE record' },
    held: (name) =>
      all('served')
        .filter((each) => each.record.fieldType === 'TXT' && fullName(each.name, each.record) === name)
        .map(({ record }) => txtOf(record)),
    plant(name, value, type = 'TXT') {
      const zone = zoneHolding(zones.keys(), name) ?? '';
      const subDomain = name === zone ? '' : name.slice(0, -zone.length - 1);
      const record = {
        id: ++lastId,
        fieldType: type,
        subDomain,
        target: type === 'TXT' ? `"${value}"` : value,
        ttl: 0,
      };
      zones.get(zone)?.stored.push(record);
      zones.get(zone)?.served.push(record);
    },
    everything: () => all('stored').map(({ name, record }) => JSON.stringify({ ...record, zone: name })),
    unrefreshed: () =>
      [...zones.values()].flatMap(({ stored, served }) => [
        ...stored.filter((record) => !served.includes(record)),
        ...served.filter((record) => !stored.includes(record)),
      ]).length,
    close: () => server.close(),
  };
}

function nameOf({ method, path }: Omit<FakeRequest, 'call'>): string {
  const [, , what, id] = /\/domain\/zone\/([^/]+)(?:\/(\w+))?(?:\/(\d+))?$/.exec(path) ?? [];
  if (what === 'record') return `${method} ${id === undefined ? 'records' : 'record'}`;
  return `${method} ${what ?? path.slice(BASE.length)}`;
}

/** Both filters are SQL's LIKE, the second without regard to case: `_` is any one character, `%` any text. */
function idsOf({ stored }: Zone, query: URLSearchParams): number[] {
  const like = (text: string, filter: string | null) =>
    filter === null ||
    new RegExp(
      `^${filter
        .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
        .replaceAll('_', '.')
        .replaceAll('%', '.*')}$`,
      'i',
    ).test(text);
  return stored
    .filter(
      ({ fieldType, subDomain }) => like(fieldType, query.get('fieldType')) && like(subDomain, query.get('subDomain')),
    )
    .map(({ id }) => id);
}

const fullName = (zone: string, { subDomain }: OvhRecord): string => (subDomain ? `${subDomain}.${zone}` : zone);

/** A bare text is quoted when it is stored, but not yet in the answer to its creation. */
const shown = (zone: string, record: OvhRecord) => ({
  ...record,
  zone,
  target: record.fieldType === 'TXT' && !record.target.startsWith('"') ? `"${record.target}"` : record.target,
});

/** Strings in quotes, of 255 octets each at most, or one bare text that a zone file could hold. */
function isTxt(target: string): boolean {
  if (!target.startsWith('"')) return target.length <= 255 && !/["\s;\\]/.test(target);
  return /^"(?:[^"\\]|\\.){0,255}"(?: "(?:[^"\\]|\\.){0,255}")*$/.test(target);
}

const txtOf = ({ target }: OvhRecord): string =>
  target.startsWith('"') ? [...target.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text).join('') : target;

const zoneOf = (name: string) => ({
  name,
  dnssecSupported: true,
  hasDnsAnycast: false,
  lastUpdate: '2026-01-02T03:04:05+01:00',
  nameServers: ['dns103.ovh.net', 'ns103.ovh.net'],
});

const globOf = (path: string): RegExp =>
  new RegExp(`^${path.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);

const invalid = (field: string): FakeReply => refusal(400, undefined, `Invalid ${field} given`);

/** `{"errorCode","httpCode","message"}` where the code is known, `{"class","message"}` otherwise. */
function refusal(status: number, errorCode: string | undefined, message: string): FakeReply {
  const names: Readonly<Record<number, string>> = { 400: 'Bad Request', 403: 'Forbidden', 404: 'Not Found' };
  const httpCode = `${status} ${names[status] ?? ''}`;
  return json(status, errorCode ? { errorCode, httpCode, message } : { class: 'Client::NotFound', message });
}
