import { type FakeReply, type FakeRequest, type FaultServer, startFaultServer } from './fault-server.ts';

export interface PowerdnsFakeSettings {
  readonly apiKey?: string;
  /** The zones of the server, with their kind; one native `example.com` unless said otherwise. */
  readonly zones?: Readonly<Record<string, { readonly kind?: string; readonly soaEditApi?: string }>>;
  /**
   * What becomes of the filter: 4.7 shows the record set without its disabled values, servers since 5.0 show these too,
   * some releases between forget the type, servers before 4.7 show the whole zone.
   */
  readonly filter?: 'hides disabled' | 'shows disabled' | 'forgets the type' | 'none';
  /** Not every backend can be searched, and a proxy may forbid it. */
  readonly search?: 'works' | 'finds nothing' | 'fails' | 'forbidden';
  /** Told of each call after it is done and before it is answered: another program may write in that moment. */
  readonly afterCall?: (call: string) => void;
}

/** A row of the records table, as a panel could write it: with or without quotes. */
interface StoredRow {
  readonly zone: string;
  readonly name: string;
  readonly type: string;
  readonly content: string;
  readonly ttl: number;
  readonly disabled: boolean;
}

export interface PowerdnsFake {
  /** The fault server below; its calls are named `GET zones`, `GET zone`, `GET rrset`, `GET search-data`, `PATCH zone`. */
  readonly server: FaultServer;
  readonly url: string;
  readonly apiKey: string;
  readonly rows: StoredRow[];
  /** Every TXT content at a name that is served, as it is stored. */
  held(name: string): string[];
  /** A row written past the API, exactly so. */
  plant(name: string, content: string, extra?: Partial<StoredRow>): void;
  close(): Promise<void>;
}

interface Change {
  readonly name: string;
  readonly type: string;
  readonly ttl?: number;
  readonly changetype: string;
  readonly records?: readonly { readonly content: string; readonly disabled?: boolean }[];
}

/** The HTTP API of PowerDNS 4.7.3, as it was measured, and what other releases do otherwise. */
export async function startPowerdnsFake(settings: PowerdnsFakeSettings = {}): Promise<PowerdnsFake> {
  const apiKey = settings.apiKey ?? 'powerdns-api-key-f00d';
  const zones = settings.zones ?? { 'example.com': {} };
  let rows: StoredRow[] = [];

  function reply(request: FakeRequest): FakeReply {
    const answer = answerTo(request);
    settings.afterCall?.(request.call);
    return answer;
  }

  function answerTo(request: FakeRequest): FakeReply {
    if (request.headers['x-api-key'] !== apiKey) return text(401, 'Unauthorized');
    const { resource, zone } = parsePath(request.path);
    const query = new URLSearchParams(request.query);
    if (resource === 'zones' && zone === undefined) return json(200, Object.keys(zones).map(head));
    if (resource === 'search-data') return search(query.get('q') ?? '');
    if (resource !== 'zones' || zone === undefined || !zones[zone]) return text(404, 'Not Found');
    return request.method === 'GET' ? show(zone, query) : change(zone, request.body);
  }

  function head(zone: string) {
    const { kind = 'Native', soaEditApi = '' } = zones[zone] ?? {};
    return { id: `${zone}.`, name: `${zone}.`, kind, serial: 1, soa_edit_api: soaEditApi, url: `/api/v1/…/${zone}.` };
  }

  function show(zone: string, query: URLSearchParams): FakeReply {
    if (query.get('rrsets') === 'false') return json(200, head(zone));
    const filter = query.has('rrset_name') ? (settings.filter ?? 'hides disabled') : 'none';
    const name = (query.get('rrset_name') ?? '').replace(/\.$/, '').toLowerCase();
    const type = query.get('rrset_type');
    const shown = rows.filter(
      (row) =>
        row.zone === zone &&
        (filter === 'none' ||
          (row.name === name &&
            (filter === 'forgets the type' || row.type === type) &&
            (filter === 'shows disabled' || !row.disabled))),
    );
    if (shown.some(isUnreadable)) return text(500, 'Internal Server Error');
    return json(200, { ...head(zone), rrsets: rrsetsOf(shown) });
  }

  function search(name: string): FakeReply {
    if (settings.search === 'fails') return text(500, 'Internal Server Error');
    if (settings.search === 'forbidden') return text(403, 'Forbidden');
    if (settings.search === 'finds nothing') return json(200, []);
    const found = rows.filter((row) => row.name === name || row.content === name);
    if (found.some(isUnreadable)) return text(500, 'Internal Server Error');
    return json(
      200,
      found.map(({ zone, ...row }) => ({
        ...row,
        content: shown(row.content),
        name: `${row.name}.`,
        object_type: 'record',
        zone: `${zone}.`,
        zone_id: `${zone}.`,
      })),
    );
  }

  function change(zone: string, body: string): FakeReply {
    const { rrsets } = JSON.parse(body) as { rrsets: Change[] };
    for (const wanted of rrsets) {
      const error = problemOf(zone, wanted);
      if (error !== undefined) return json(422, { error });
    }
    for (const { name, type, ttl = 0, records = [] } of rrsets) {
      const plain = name.replace(/\.$/, '').toLowerCase();
      rows = rows.filter((row) => row.zone !== zone || row.name !== plain || row.type !== type);
      for (const { content, disabled = false } of records) {
        rows.push({ zone, name: plain, type, content, ttl, disabled });
      }
    }
    return { status: 204 };
  }

  function problemOf(zone: string, { name, type, ttl, changetype, records }: Change): string | undefined {
    const about = `RRset ${name} IN ${type}`;
    if (!name.endsWith('.')) return `DNS Name '${name}' is not canonical`;
    if (changetype === 'DELETE') return undefined;
    if (changetype !== 'REPLACE') return 'Changetype not understood';
    if (ttl === undefined) return "Key 'ttl' not an Integer or not present";
    if (name !== `${zone}.` && !name.endsWith(`.${zone}.`)) return `${about}: Name is out of zone`;
    const contents = (records ?? []).map(({ content }) => content);
    if (contents.some((content) => !content.startsWith('"'))) return `Record ${name}/TXT: Parsing record content`;
    const twice = contents.find((content, index) => contents.indexOf(content) !== index);
    if (twice !== undefined) return `Duplicate record in ${about} with content "${twice}"`;
    const beside = rows.some((row) => `${row.name}.` === name && row.type === 'CNAME');
    return beside ? `${about}: Conflicts with pre-existing RRset` : undefined;
  }

  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    url: server.origin,
    apiKey,
    get rows() {
      return rows;
    },
    held: (name) =>
      rows.filter((row) => row.name === name && row.type === 'TXT' && !row.disabled).map(({ content }) => content),
    plant(name, content, extra = {}) {
      const zone = Object.keys(zones)
        .filter((candidate) => name === candidate || name.endsWith(`.${candidate}`))
        .sort((a, b) => b.length - a.length)[0];
      if (zone === undefined) throw new Error(`no zone of the fake holds ${name}`);
      rows.push({ zone, name, type: 'TXT', content, ttl: 300, disabled: false, ...extra });
    },
    close: () => server.close(),
  };
}

function rrsetsOf(rows: readonly StoredRow[]) {
  const sets = new Map<string, StoredRow[]>();
  for (const row of rows) {
    const key = `${row.name} ${row.type}`;
    const set = sets.get(key);
    if (set) set.push(row);
    else sets.set(key, [row]);
  }
  return [...sets.values()].map((set) => ({
    comments: [],
    name: `${set[0]?.name}.`,
    type: set[0]?.type,
    ttl: set[0]?.ttl,
    records: set.map(({ content, disabled }) => ({ content: shown(content), disabled })),
  }));
}

/** "Data field in DNS should start with quote": the API then fails as a whole, whatever else was asked for. */
const isUnreadable = ({ type, content }: StoredRow): boolean => type === 'TXT' && !/^("|[a-z0-9]+$)/.test(content);

/** Of all values without quotes, the server reads only those of lower-case letters and digits. */
const shown = (content: string): string => (/^[a-z0-9]+$/.test(content) ? `"${content}"` : content);

function nameOf({ method, path, query }: Omit<FakeRequest, 'call'>): string {
  const { resource, zone } = parsePath(path);
  if (zone === undefined) return `${method} ${resource}`;
  return `${method} ${query.includes('rrset_name=') ? 'rrset' : 'zone'}`;
}

function parsePath(path: string): { resource: string; zone: string | undefined } {
  const [, resource = '', zone] = /^\/api\/v1\/servers\/localhost\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  return { resource, zone: zone === undefined ? undefined : decodeURIComponent(zone).replace(/\.$/, '') };
}

const json = (status: number, body: unknown): FakeReply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

const text = (status: number, body: string): FakeReply => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
});
