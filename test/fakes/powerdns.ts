import { type FakeReply, type FakeRequest, type FaultServer, startFaultServer } from './fault-server.ts';

export interface PowerdnsFakeSettings {
  readonly apiKey?: string;
  /** The zones of the server with their kind; default: one native `example.com`. */
  readonly zones?: Readonly<Record<string, { readonly kind?: string; readonly soaEditApi?: string }>>;
  /**
   * How the filter behaves: 4.7 shows the record set without its disabled values, servers since 5.0 show these too, some
   * releases between forget the type, servers before 4.7 show the whole zone.
   */
  readonly filter?: 'hides disabled' | 'shows disabled' | 'forgets the type' | 'none';
  /** Servers since 4.9.12 and 5.0.2 know EXTEND and PRUNE. */
  readonly takesExtend?: boolean;
  /** Some backends cannot be searched, and a proxy may forbid it. */
  readonly search?: 'works' | 'finds nothing' | 'fails' | 'forbidden';
  /** Called after each call and before its answer: another program may write in that moment. */
  readonly afterCall?: (call: string) => void;
}

/** A row of the records table, as a panel may write it: with or without quotes. */
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
  /** Every TXT content that is served at a name, as stored. */
  held(name: string): string[];
  /** Stores a row without the API, unchanged. */
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

/** The HTTP API of PowerDNS 4.7.3, as measured, and the differences of other releases. */
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
    if (resource === 'search-data') return search(query);
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

  /** `*` is any text and `?` one character, in names and contents; the limit counts rows, 100 by default. */
  function search(query: URLSearchParams): FakeReply {
    if (settings.search === 'fails') return text(500, 'Internal Server Error');
    if (settings.search === 'forbidden') return text(403, 'Forbidden');
    if (settings.search === 'finds nothing') return json(200, []);
    const pattern = (query.get('q') ?? '').replace(/[.+^${}()|[\]\\]/g, '\\$&');
    if (pattern === '') return json(422, { error: "Query q can't be blank" });
    const wanted = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'is');
    const limit = Number(query.get('max') ?? 100);
    const found = [...rows, ...Object.keys(zones).map(soaOf)]
      .filter((row) => wanted.test(row.name) || wanted.test(row.content))
      .slice(0, limit);
    if (found.some(isUnreadable)) return text(500, 'Internal Server Error');
    return json(
      200,
      found
        .filter(({ type }) => type !== '')
        .map(({ zone, ...row }) => ({
          ...row,
          content: shown(row.content),
          name: `${row.name}.`,
          object_type: 'record',
          zone: `${zone}.`,
          zone_id: `${zone}.`,
        })),
    );
  }

  /** All changes or none, in a transaction. */
  function change(zone: string, body: string): FakeReply {
    const { rrsets } = JSON.parse(body) as { rrsets: Change[] };
    const before = rows;
    const replaced = new Set<string>();
    for (const wanted of rrsets) {
      const key = `${wanted.name} ${wanted.type} ${wanted.changetype}`;
      const isSingle = wanted.changetype === 'EXTEND' || wanted.changetype === 'PRUNE';
      const error =
        replaced.has(key) && !isSingle
          ? `Duplicate RRset ${wanted.name} IN ${wanted.type} with changetype: ${wanted.changetype}`
          : isSingle
            ? changeSingle(zone, wanted)
            : changeSet(zone, wanted);
      replaced.add(key);
      if (error !== undefined) {
        rows = before;
        return json(422, { error });
      }
    }
    return { status: 204 };
  }

  function changeSet(zone: string, wanted: Change): string | undefined {
    const error = problemOf(zone, wanted);
    if (error !== undefined) return error;
    const { type, ttl = 0, records = [] } = wanted;
    const name = wanted.name.replace(/\.$/, '').toLowerCase();
    const added = records.map(({ content, disabled = false }) => ({ zone, name, type, content, ttl, disabled }));
    rows = [...rows.filter((row) => row.zone !== zone || row.name !== name || row.type !== type), ...added];
    return undefined;
  }

  /** One record of a set. The server reads the served set and writes it back: disabled values are lost. */
  function changeSingle(zone: string, { name, type, ttl, changetype, records = [] }: Change): string | undefined {
    if (!settings.takesExtend) return 'Changetype not understood';
    if (!name.endsWith('.')) return `DNS Name '${name}' is not canonical`;
    if (ttl === undefined) return "Key 'ttl' not an Integer or not present";
    const [record] = records;
    if (records.length !== 1 || !record) return 'Exactly one record should be provided for PRUNE or EXTEND operation';
    const plain = name.replace(/\.$/, '').toLowerCase();
    const isOfSet = (row: StoredRow) => row.zone === zone && row.name === plain && row.type === type;
    const set = rows.filter((row) => isOfSet(row) && !row.disabled);
    const kept = set.filter(({ content }) => content !== record.content);
    if ((changetype === 'EXTEND') === kept.length < set.length) return undefined;
    if (changetype === 'EXTEND') kept.push({ zone, name: plain, type, content: record.content, ttl, disabled: false });
    if (kept.some((row) => row.ttl !== kept[0]?.ttl)) return `RRset ${name} IN ${type}: uses different TTLs`;
    rows = [...rows.filter((row) => !isOfSet(row)), ...kept];
    return undefined;
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

const soaOf = (zone: string): StoredRow => ({
  zone,
  name: zone,
  type: 'SOA',
  content: `ns1.${zone}. hostmaster.${zone}. 1 10800 3600 604800 3600`,
  ttl: 3600,
  disabled: false,
});

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

/** "Data field in DNS should start with quote": the whole request fails, whatever it asks for. */
const isUnreadable = ({ type, content }: StoredRow): boolean => type === 'TXT' && !/^("|[a-z0-9]+$)/.test(content);

/** Of values without quotes, the server only reads those of lower-case letters and digits. */
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
