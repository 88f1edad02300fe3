import { quoteTxt, unquoteTxt } from '../../src/provider.ts';
import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface PoweradminFakeSettings extends StandInSettings {
  /** Zones of other users, and those that are only copies. */
  readonly othersZones?: readonly string[];
  readonly copies?: readonly string[];
  /** What the user of the key may do in its zones; default: edit. */
  readonly rights?: 'edit' | 'view';
  readonly apiEnabled?: boolean;
  /** 4.2 and before list records in a bare array. */
  readonly release?: '4.2' | '4.4';
  /** With `api`, the experimental backend, a refused batch keeps what came before, and ids are texts. */
  readonly backend?: 'sql' | 'api';
  /** Called after each call and before its answer: another program may write in that moment. */
  readonly afterCall?: (call: string) => void;
}

export interface PoweradminFake extends StandIn {
  /** The id of each zone, those of others included. */
  readonly zoneIds: Map<string, number>;
  /** Removes the records of a name without the API. */
  unplant(name: string): void;
  /** Stores a record that is not served. */
  plantDisabled(name: string, value: string): void;
}

interface StoredRecord {
  readonly id: number | string;
  readonly zone: string;
  readonly name: string;
  readonly type: string;
  /** As in the database: quoted. */
  readonly content: string;
  readonly ttl: number;
  readonly disabled: boolean;
}

type Body = Readonly<Record<string, unknown>>;

export const POWERADMIN_KEY = 'pwa_7c0a3f1be2d94d6e8a5b0c1d2e3f4a5b6c7d8e9f';

const BASE = '/api/v2';
/** The API ignores other fields; here they are a mistake. */
const FIELDS = /^(action|id|name|type|content|ttl|priority|disabled|create_ptr)$/;

class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The REST API v2 of Poweradmin for one key, by the source of 4.1.0 to 4.4.0 and as measured with 4.4.0 on MariaDB. */
export async function startPoweradminFake(settings: PoweradminFakeSettings = {}): Promise<PoweradminFake> {
  const { rights = 'edit', release = '4.4', backend = 'sql', othersZones = [], copies = [] } = settings;
  const own = settings.zones ?? ['example.com'];
  const zoneIds = new Map([...othersZones, ...own, ...copies].map((zone, index) => [zone, index + 1]));
  let records: StoredRecord[] = [];
  let lastId = 100;

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const answer = await answerTo(request).catch((error: unknown) => {
      if (error instanceof Refused) return failure(error.status, error.message);
      throw error;
    });
    settings.afterCall?.(request.call);
    return answer;
  }

  async function answerTo({ method, path, query, headers, body }: FakeRequest): Promise<FakeReply> {
    if (!path.startsWith(`${BASE}/zones`)) return json(404, { error: 'Not Found', message: 'not found', status: 404 });
    if (settings.apiEnabled === false) {
      return json(403, { error: true, message: 'The API feature is disabled in the system configuration.' });
    }
    if (headers['x-api-key'] !== POWERADMIN_KEY) throw new Refused(401, 'Unauthorized: Invalid credentials');
    const [id, resource, last] = path.slice(`${BASE}/zones`.length + 1).split('/');
    const filters = new URLSearchParams(query);
    if (!id && method === 'GET') return listZones(filters);
    const [zone] = [...zoneIds].find(([, zoneId]) => String(zoneId) === id) ?? [];
    if (zone === undefined) throw new Refused(404, 'Zone not found');
    if (resource !== 'records') return json(404, { error: 'Not Found', message: 'not found', status: 404 });
    if (method === 'GET' && !last) return listRecords(zone, filters.get('type'));
    // A zone that is a copy is refused like one of somebody else.
    if (!own.includes(zone) || rights === 'view') {
      throw new Refused(403, 'You do not have permission to edit this zone');
    }
    if (method === 'POST' && !last) return create(zone, parse(body));
    if (method === 'POST' && last === 'bulk') return bulk(zone, parse(body));
    if (method === 'DELETE' && last) {
      await remove(zone, last);
      return { status: 204 };
    }
    throw new Refused(405, 'Method not allowed');
  }

  function listZones(filters: URLSearchParams): FakeReply {
    const name = filters.get('name');
    const perPage = Number(filters.get('per_page') ?? 0);
    const page = Number(filters.get('page') ?? 1);
    const visible = [...own, ...copies].filter((zone) => name === null || zone === name);
    const shown = perPage === 0 ? visible : visible.slice((page - 1) * perPage, page * perPage);
    const zones = shown.map((zone) => ({
      id: zoneIds.get(zone),
      name: zone,
      type: copies.includes(zone) ? 'SLAVE' : 'NATIVE',
      created_at: null,
    }));
    const last = perPage === 0 ? 1 : Math.max(1, Math.ceil(visible.length / perPage));
    const pagination = { current_page: page, per_page: perPage, total: visible.length, last_page: last };
    // Without pages there is no pagination, unless nothing was found.
    const pages = perPage > 0 || visible.length === 0 ? { pagination } : {};
    return success(200, { zones }, 'Zones retrieved successfully', {
      meta: { timestamp: '2026-11-21 17:57:21' },
      ...pages,
    });
  }

  function listRecords(zone: string, type: string | null): FakeReply {
    if (othersZones.includes(zone)) throw new Refused(403, 'You do not have permission to view this zone');
    const shown = records
      .filter((record) => record.zone === zone && (type === null || record.type === type))
      .map((record) => ({ ...shownRecord(record), name: record.name }));
    return success(200, release === '4.2' ? shown : { records: shown }, 'Records retrieved successfully');
  }

  async function create(zone: string, body: Body): Promise<FakeReply> {
    const record = await add(zone, body);
    const { id, ...rest } = shownRecord(record);
    return success(201, { record: { id, zone_id: zoneIds.get(zone), ...rest, ptr_created: false } }, 'Record created');
  }

  /** Identical records are accepted (measured with 4.4.0; the web pages refuse them). */
  async function add(zone: string, body: Body): Promise<StoredRecord> {
    const unknown = Object.keys(body).find((key) => !FIELDS.test(key));
    if (unknown) throw new Refused(400, `unknown field ${unknown}`);
    for (const field of ['name', 'type', 'content']) {
      if (typeof body[field] !== 'string' || body[field] === '') throw new Refused(400, `Field '${field}' is required`);
    }
    const { name: given, type, content: raw } = body as { name: string; type: string; content: string };
    const ttl = Number(body['ttl'] ?? 3600);
    if (!(ttl >= 1)) throw new Refused(400, 'TTL must be greater than 0');
    const plain = given.replace(/\.$/, '');
    // A name outside of the zone is not refused: it gets the zone's name behind it (measured).
    const isInside = plain === zone || plain.endsWith(`.${zone}`);
    const name = plain === '@' ? zone : isInside ? plain : `${plain}.${zone}`;
    if (!/^[\w*.-]+$/.test(name)) throw new Refused(400, 'You have invalid characters in your zone name.');
    if (records.some((record) => record.name === name && record.type === 'CNAME')) {
      throw new Refused(400, 'This is not a valid record. There already exists a CNAME with this name.');
    }
    const content = contentOf(raw.trim());
    const id = backend === 'api' ? Buffer.from(`${name} ${content} ${++lastId}`).toString('base64') : ++lastId;
    const record = { id, zone, name, type, content, ttl, disabled: false };
    records.push(record);
    if (type === 'TXT') await settings.onChange?.(zone, name, unquoteTxt(content), 'added');
    return record;
  }

  async function remove(zone: string, id: string): Promise<void> {
    const record = records.find((candidate) => String(candidate.id) === decodeURIComponent(id));
    if (record?.zone !== zone) throw new Refused(404, 'Record not found in this zone');
    records = records.filter((candidate) => candidate !== record);
    if (record.type === 'TXT') await settings.onChange?.(zone, record.name, unquoteTxt(record.content), 'removed');
  }

  async function bulk(zone: string, { operations }: Body): Promise<FakeReply> {
    if (!Array.isArray(operations)) throw new Refused(400, "Field 'operations' is required and must be an array");
    if (operations.length === 0) throw new Refused(400, 'At least one operation is required');
    const before = records;
    records = [...records];
    const counts = { total_operations: operations.length, created: 0, updated: 0, deleted: 0, failed: 0 };
    for (const [index, operation] of (operations as readonly Body[]).entries()) {
      try {
        if (operation['action'] === 'create') await add(zone, operation);
        else if (operation['action'] === 'delete') await remove(zone, String(operation['id']));
        else throw new Refused(400, `Invalid action: ${operation['action']}. Must be 'create', 'update', or 'delete'`);
        counts[operation['action'] === 'create' ? 'created' : 'deleted']++;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (backend === 'sql') records = before;
        const made = backend === 'sql' ? { created: 0, deleted: 0 } : {};
        const errors = [`Operation ${index} (${operation['action']}): ${error.message}`];
        const data = { ...counts, ...made, failed: 1, errors };
        return json(error.status, { success: false, data, message: 'Bulk operations failed' });
      }
    }
    return success(200, { ...counts, errors: [] }, 'Bulk operations completed successfully');
  }

  const store = (name: string, content: string, type: string, disabled: boolean) => {
    const zone = zoneHolding(zoneIds.keys(), name) ?? '';
    records.push({ id: ++lastId, zone, name, type, content, ttl: 60, disabled });
  };
  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    options: { url: server.origin, apiKey: POWERADMIN_KEY },
    secrets: [POWERADMIN_KEY],
    calls: { add: 'POST record', remove: 'DELETE record' },
    zoneIds,
    held: (name) =>
      records
        .filter((record) => record.name === name && record.type === 'TXT' && !record.disabled)
        .map(({ content }) => unquoteTxt(content))
        .sort(),
    plant: (name, value, type = 'TXT') => store(name, type === 'TXT' ? quoteTxt(value) : value, type, false),
    plantDisabled: (name, value) => store(name, quoteTxt(value), 'TXT', true),
    unplant(name) {
      records = records.filter((record) => record.name !== name);
    },
    everything: () => records.map((record) => JSON.stringify(record)),
    close: () => server.close(),
  };
}

function shownRecord({ id, zone, name, type, content, ttl, disabled }: StoredRecord) {
  const relative = name === zone ? '@' : name.slice(0, -zone.length - 1);
  return { id, name: relative, type, content: bare(content, type), ttl, priority: 0, disabled, auth: true };
}

/** Quotes are taken away where there is only one string. */
function bare(content: string, type: string): string {
  return type === 'TXT' && !content.includes('" "') ? content.replace(/^"(.*)"$/, '$1') : content;
}

/** Quotes are added where there are none, around as many octets as there are; strings in quotes have at most 255. */
function contentOf(raw: string): string {
  const content = raw.startsWith('"') && raw.endsWith('"') ? raw : `"${raw}"`;
  if (!/^[\x20-\x7e]+$/.test(content)) throw new Refused(400, 'Invalid characters in content field.');
  const strings = /^"[^"]*"(\s+"[^"]*")+$/.test(content) ? content.match(/"([^"\\]|\\.)*"/g) : null;
  if (strings?.some((string) => string.length > 257)) {
    throw new Refused(
      400,
      'Each TXT record string must be 255 bytes or less. Split long content into multiple strings.',
    );
  }
  if (!strings && /(?<!\\)"/.test(content.slice(1, -1))) {
    throw new Refused(400, 'Backslashes must precede all quotes (") in TXT content');
  }
  return content;
}

function parse(body: string): Body {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null) return value as Body;
  } catch {
    // Said below.
  }
  throw new Refused(400, 'Invalid JSON in request body');
}

const success = (status: number, data: unknown, message: string, more: object = {}): FakeReply =>
  json(status, { success: true, data, message, ...more });

const failure = (status: number, message: string): FakeReply => json(status, { success: false, data: null, message });

/** `GET zones`, `GET records`, `POST record`, `DELETE record`, `POST bulk`. */
function nameOf({ method, path }: { readonly method: string; readonly path: string }): string {
  if (path.endsWith('/bulk')) return `${method} bulk`;
  if (!path.includes('/records')) return `${method} zones`;
  return `${method} ${method === 'GET' ? 'records' : 'record'}`;
}
