import { type FakeReply, type FakeRequest, type HoldingServer, startFaultServer } from './fault-server.ts';

export interface ZoneidFakeSettings {
  readonly username?: string;
  readonly apiKey?: string;
  /** The zones of the account; default: `example.com`. */
  readonly zones?: readonly string[];
  /** Ids are quoted strings in the API's examples and on the live API, and integers in its schema. */
  readonly ids?: 'string' | 'number';
  /** Whether lists are paged: 10 records a page, up to 100 on request. No DNS list is documented to be. */
  readonly pager?: boolean;
  readonly rateLimit?: RateLimit;
  /** The answer to a record that exists already: the live API's is not documented. */
  readonly duplicates?: 'refuse' | 'accept';
  /** The status for a zone that does not exist; only 404 is documented. */
  readonly unknownZone?: 403 | 404 | 422;
  /** Names with a CNAME, beside which no TXT record is possible. */
  readonly cnames?: readonly string[];
  /** The form of validation errors: `{field: code}`, `{field: [code]}` or `[{field: code}]`. */
  readonly validationErrors?: 'object' | 'lists' | 'array';
  /** Milliseconds since 1970, for tests that do not wait for the end of a window. */
  readonly now?: () => number;
  /** Called for every change before its answer is sent, so that a DNS server can follow. */
  readonly onChange?: (zone: string, name: string, value: string, change: 'added' | 'removed') => Promise<void>;
}

/** A fixed window that begins with its first request. */
export interface RateLimit {
  readonly requests: number;
  /** Milliseconds. */
  readonly window: number;
  readonly retryAfter?: 'seconds' | 'date' | 'none';
}

interface StoredTxt {
  readonly id: number;
  readonly name: string;
  readonly destination: string;
  readonly delete: boolean;
}

export interface ZoneidFake {
  /** The fault server below; its calls are named `GET txt`, `POST txt`, `DELETE txt`, `GET zone`. */
  readonly server: HoldingServer;
  /** The API's address, for the option `url`. */
  readonly url: string;
  readonly username: string;
  readonly apiKey: string;
  /** The records of each zone. */
  readonly zones: ReadonlyMap<string, StoredTxt[]>;
  /** Every value at a name, in all zones. */
  held(name: string): string[];
  /** Stores a record without the API. Its zone has to be one of the account. */
  plant(name: string, destination: string, extra?: { readonly delete?: boolean }): Promise<StoredTxt>;
  close(): Promise<void>;
}

const BASE = '/v2';

/** A ZoneID API v2 for one account, by its documents and the reports of clients about the live one. */
export async function startZoneidFake(settings: ZoneidFakeSettings = {}): Promise<ZoneidFake> {
  const username = settings.username ?? 'zoneid-user';
  const apiKey = settings.apiKey ?? 'zoneid-api-key-f00d';
  const login = `Basic ${Buffer.from(`${username}:${apiKey}`).toString('base64')}`;
  const zones = new Map((settings.zones ?? ['example.com']).map((zone) => [zone, [] as StoredTxt[]]));
  const countRequest = rateLimiter(settings);
  let lastId = 1000;

  async function store(zone: string, record: Omit<StoredTxt, 'id'>): Promise<StoredTxt> {
    const stored = { id: ++lastId, ...record };
    zones.get(zone)?.push(stored);
    await settings.onChange?.(zone, stored.name, stored.destination, 'added');
    return stored;
  }

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const { over, headers } = countRequest();
    const answer = over ? { status: 429 } : await answerTo(request);
    return { ...answer, headers: { 'content-type': 'application/json', ...headers, ...answer.headers } };
  }

  async function answerTo({ method, path, headers, body }: FakeRequest): Promise<FakeReply> {
    if (headers['authorization'] !== login) return { status: 401, ...says('Autoriseerimine ebaõnnestus') };
    const { zone, resource, id } = parsePath(path);
    const records = zones.get(zone);
    if (!records) return unknownZone();
    if (method === 'GET' && resource === '') {
      return json(200, [{ identificator: zone, active: true, ipv6: false, resource_url: url(zone) }]);
    }
    if (resource !== 'txt') return notFound();
    if (method === 'GET' && id === undefined) return listOf(zone, records, headers);
    if (method === 'POST' && id === undefined) return create(zone, records, headers, body);
    if (method === 'DELETE' && id !== undefined) return remove(zone, records, id);
    return { status: 400, ...says('Toiming ei ole toetatud') };
  }

  function unknownZone(): FakeReply {
    if (settings.unknownZone === 422) return invalid({ name: 'invalid_host' });
    if (settings.unknownZone === 403) return { status: 403, ...says('Ligipääs keelatud') };
    return notFound();
  }

  function listOf(zone: string, records: StoredTxt[], headers: FakeRequest['headers']): FakeReply {
    if (!settings.pager) {
      return json(
        200,
        records.map((record) => shown(zone, record)),
      );
    }
    const limit = Math.min(100, Number(headers['x-pager-limit'] ?? 10));
    const page = Number(headers['x-pager-page'] ?? 1);
    const onPage = records.slice((page - 1) * limit, page * limit).map((record) => shown(zone, record));
    return json(200, onPage, {
      'x-pager-enabled': '1',
      'x-pager-page': String(page),
      'x-pager-pages': String(Math.ceil(records.length / limit)),
      'x-pager-limit': String(limit),
      'x-pager-items': String(records.length),
    });
  }

  async function create(
    zone: string,
    records: StoredTxt[],
    headers: FakeRequest['headers'],
    body: string,
  ): Promise<FakeReply> {
    // Clients report that a chunked body is refused; its status is not known.
    if (headers['content-length'] === undefined) return { status: 411 };
    const { name, destination } = JSON.parse(body) as { name: string; destination: string };
    if (name !== zone && !name.endsWith(`.${zone}`)) return invalid({ name: 'invalid_host' });
    if (settings.cnames?.includes(name)) return invalid({ name: 'zone_conflict' });
    const twin = records.some((record) => record.name === name && record.destination === destination);
    if (twin && settings.duplicates !== 'accept') return invalid({ name: 'zone_conflict' });
    const stored = await store(zone, { name, destination, delete: true });
    return json(201, [shown(zone, stored)], says('Kirje lisatud').headers);
  }

  async function remove(zone: string, records: StoredTxt[], id: string): Promise<FakeReply> {
    const index = records.findIndex((record) => String(record.id) === id);
    const record = records[index];
    if (!record) return notFound();
    if (!record.delete) return { status: 400, ...says('Toiming ei ole toetatud') };
    records.splice(index, 1);
    await settings.onChange?.(zone, record.name, record.destination, 'removed');
    return { status: 204 };
  }

  function invalid(fields: Record<string, string>): FakeReply {
    const lists = Object.fromEntries(Object.entries(fields).map(([field, code]) => [field, [code]]));
    const body = { object: fields, lists, array: [fields] }[settings.validationErrors ?? 'object'];
    return json(422, body, says('Puudulik sisend: kontrolli välja väärtust').headers);
  }

  function shown(zone: string, record: StoredTxt): unknown {
    const id = settings.ids === 'number' ? record.id : String(record.id);
    const { id: _, ...rest } = record;
    // In the order of the live API, which acme.sh's script relies on.
    return { id, resource_url: `${url(zone)}/txt/${id}`, ...rest, modify: true, comment: null };
  }

  const url = (zone: string) => `https://api.zone.eu/v2/dns/${zone}`;

  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    url: server.origin + BASE,
    username,
    apiKey,
    zones,
    held: (name) =>
      [...zones.values()].flatMap((records) =>
        records.filter((record) => record.name === name).map((record) => record.destination),
      ),
    async plant(name, destination, extra = {}) {
      const zone = [...zones.keys()]
        .filter((candidate) => name === candidate || name.endsWith(`.${candidate}`))
        .sort((a, b) => b.length - a.length)[0];
      if (zone === undefined) throw new Error(`no zone of the fake holds ${name}`);
      return store(zone, { name, destination, delete: extra.delete ?? true });
    },
    close: () => server.close(),
  };
}

function nameOf({ method, path }: Omit<FakeRequest, 'call'>): string {
  return `${method} ${parsePath(path).resource || 'zone'}`;
}

function parsePath(path: string): { zone: string; resource: string; id: string | undefined } {
  const [, zone = '', resource = '', id] = /^\/v2\/dns\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path) ?? [];
  return { zone: decodeURIComponent(zone), resource, id };
}

/** Counts every request, as the API is assumed to, and returns the headers of each answer. */
function rateLimiter({ rateLimit, now = Date.now }: ZoneidFakeSettings): () => {
  over: boolean;
  headers: Record<string, string>;
} {
  const { requests, window, retryAfter = 'none' } = rateLimit ?? { requests: 60, window: 0 };
  let windowEnd = 0;
  let used = 0;
  return () => {
    if (now() >= windowEnd) {
      windowEnd = now() + window;
      used = 0;
    }
    used++;
    const over = used > requests;
    const seconds = String(Math.ceil((windowEnd - now()) / 1000));
    const wait = { seconds, date: new Date(windowEnd + 999).toUTCString(), none: undefined }[retryAfter];
    return {
      over,
      headers: {
        'x-ratelimit-limit': String(requests),
        'x-ratelimit-remaining': String(Math.max(0, requests - used)),
        ...(over && wait !== undefined ? { 'retry-after': wait } : {}),
      },
    };
  };
}

const notFound = (): FakeReply => ({ status: 404, ...says('Kirjet ei leitud') });

function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): FakeReply {
  return { status, headers, body: JSON.stringify(body) };
}

/** Messages as the live API reportedly sends them: UTF-8 bytes read as Latin-1, with the intact text beside it. */
function says(message: string): { headers: Readonly<Record<string, string>> } {
  const bytes = Buffer.from(message);
  return {
    headers: { 'x-status-message': bytes.toString('latin1'), 'x-status-message-base64': bytes.toString('base64') },
  };
}
