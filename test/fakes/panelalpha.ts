import { type FakeReply, type FakeRequest, type FaultServer, startFaultServer } from './fault-server.ts';

/** The answers of these calls are not documented: each setting is one way in which the panel may behave. */
export interface PanelalphaFakeSettings {
  readonly token?: string;
  /** The user who owns the accounts; if set, a request has to name this user in its header. */
  readonly userId?: string;
  /** The hosting accounts by id, with their zones, or the status of an account without DNS. */
  readonly accounts?: Readonly<Record<string, readonly string[] | number>>;
  readonly listForm?: 'bare' | 'data' | 'data.data' | 'keyed' | 'records';
  /** How lists say that they have more pages; `none` shows all at once. */
  readonly paging?: 'none' | 'meta' | 'top' | 'links' | 'next_page_url';
  readonly pageSize?: number;
  readonly nameOut?: 'relative' | 'fqdn' | 'fqdn-dot';
  /** How the names of TXT records are shown, if different from other records. */
  readonly txtNameOut?: PanelalphaFakeSettings['nameOut'];
  /** The accepted forms of names. Others are doubled, or refused where only full names are accepted. */
  readonly nameIn?: 'any' | 'relative' | 'zone file' | 'fqdn';
  readonly valueField?: 'txtdata' | 'rdata' | 'content' | 'value' | 'record' | 'data';
  readonly quoting?: 'plain' | 'quoted' | 'chunks';
  /** What identifies a record to delete: an id, a text, its line number in the zone, or its name, which may not be unique. */
  readonly lineKind?: 'id' | 'text' | 'number' | 'name';
  /** The answer to a write. */
  readonly written?: { readonly status: number; readonly body?: string };
  /** How many lists come before one that shows a change. */
  readonly delay?: number;
  readonly duplicates?: 'refused' | 'accepted';
  /** Seconds. */
  readonly leastTtl?: number;
  readonly missing?: 404 | 422;
  readonly language?: 'en' | 'de';
  /** Called after each call and before its answer: another program may write in that moment. */
  readonly afterCall?: (call: string) => void;
}

interface StoredRecord {
  readonly id: number;
  readonly zone: string;
  /** Full, without a dot at the end. */
  readonly name: string;
  readonly type: string;
  readonly value: string;
  readonly ttl: number;
}

export interface PanelalphaFake {
  /** The fault server below; its calls are named `GET accounts`, `GET zones`, `GET records`, `POST record`, `DELETE record`. */
  readonly server: FaultServer;
  readonly url: string;
  readonly token: string;
  readonly records: readonly StoredRecord[];
  /** Every TXT value at a name. */
  held(name: string): string[];
  plant(name: string, value: string, type?: string): void;
  /** Adds many TXT records to a zone, `r0.example.com` and so on, after the others. */
  fill(zone: string, count: number): void;
  close(): Promise<void>;
}

const TEXTS = {
  en: { denied: 'Unauthenticated.', missing: 'Record not found', twin: 'Such a DNS record already exists on zone.' },
  de: { denied: 'Nicht angemeldet.', missing: 'Eintrag nicht gefunden', twin: 'Diesen DNS-Eintrag gibt es schon.' },
};

/** The part of PanelAlpha's user API for DNS. */
export async function startPanelalphaFake(settings: PanelalphaFakeSettings = {}): Promise<PanelalphaFake> {
  const token = settings.token ?? '7|panelalpha-token-f00d';
  const accounts = settings.accounts ?? { '12': ['example.com'] };
  const texts = TEXTS[settings.language ?? 'en'];
  const zones = Object.values(accounts).flatMap((held) => (typeof held === 'number' ? [] : held));
  let lastId = 100;
  const stored = (zone: string, name: string, type: string, value: string, ttl = 3600): StoredRecord => ({
    id: ++lastId,
    zone,
    name,
    type,
    value,
    ttl,
  });
  let records = zones.flatMap((zone) => [
    stored(zone, zone, 'NS', 'ns1.panel.example'),
    stored(zone, `www.${zone}`, 'A', '192.0.2.1'),
    stored(zone, zone, 'TXT', 'v=spf1 -all'),
    stored(zone, `mail.${zone}`, 'A', '192.0.2.2'),
  ]);
  let pending: { left: number; apply: () => void }[] = [];

  function reply(request: FakeRequest): FakeReply {
    const answer = answerTo(request);
    settings.afterCall?.(request.call);
    return answer;
  }

  function answerTo(request: FakeRequest): FakeReply {
    const { headers, method } = request;
    const isUser = settings.userId === undefined || headers['x-panelalpha-user'] === settings.userId;
    if (headers['authorization'] !== `Bearer ${token}` || !isUser) return json(401, { message: texts.denied });
    const { account, zone, line } = parsePath(request.path);
    if (account === undefined) {
      return list(request, Object.keys(accounts), (id) => ({ id: Number(id), username: `user${id}` }));
    }
    const held = accounts[account];
    if (held === undefined || typeof held === 'number') return json(held ?? 404, { message: texts.missing });
    if (zone === undefined) {
      return list(request, held, (name) => ({ name, details: { remote_id: `remote-${name}` } }));
    }
    if (!held.includes(zone)) return json(404, { message: texts.missing });
    if (method === 'POST') return create(zone, request.body);
    if (method === 'DELETE') return remove(zone, line ?? '');
    settle();
    const inZone = records.filter((record) => record.zone === zone);
    return list(request, inZone, shown);
  }

  /** A change is made now, or after some more lists. */
  function change(apply: () => void): void {
    if (settings.delay === undefined) apply();
    else pending.push({ left: settings.delay, apply });
  }

  function settle(): void {
    for (const each of pending) if (each.left-- <= 0) each.apply();
    pending = pending.filter(({ left }) => left >= 0);
  }

  function list<Item>(
    request: FakeRequest,
    items: readonly Item[],
    show: (item: Item, index: number) => unknown,
  ): FakeReply {
    const { paging = 'none', pageSize = 3 } = settings;
    if (paging === 'none') return json(200, inForm(items.map(show)));
    const page = Number(new URLSearchParams(request.query).get('page') ?? '1');
    const last = Math.max(1, Math.ceil(items.length / pageSize));
    const first = (page - 1) * pageSize;
    const body = inForm(items.slice(first, first + pageSize).map((item, index) => show(item, first + index)));
    // As behind a proxy that ends TLS: the panel does not know its own address exactly.
    const next = page < last ? `https://127.0.0.1${request.path}?page=${page + 1}` : null;
    const pageInfo = {
      meta: { meta: { current_page: page, last_page: last } },
      top: { current_page: page, last_page: last },
      links: { links: { first: `https://127.0.0.1${request.path}?page=1`, next } },
      next_page_url: { next_page_url: next },
    }[paging];
    return json(200, Array.isArray(body) ? body : { ...body, ...pageInfo });
  }

  function inForm(items: readonly unknown[]) {
    switch (settings.listForm) {
      case 'bare':
        return items;
      case 'data.data':
        return { data: { data: items } };
      case 'keyed':
        // PHP turns an array with gaps into an object, and an empty one into an array.
        return {
          data: items.length === 0 ? [] : Object.fromEntries(items.map((item, index) => [index * 2 + 1, item])),
        };
      case 'records':
        return { status: 'success', records: items };
      default:
        return { data: items };
    }
  }

  function shown(record: StoredRecord, index: number): unknown {
    const { valueField = 'txtdata', nameOut = 'fqdn', txtNameOut = nameOut } = settings;
    const { zone, type, ttl } = record;
    const name = {
      relative: record.name === zone ? '@' : record.name.slice(0, -(zone.length + 1)),
      fqdn: record.name,
      'fqdn-dot': `${record.name}.`,
    }[type === 'TXT' ? txtNameOut : nameOut];
    return { name, type, ttl: String(ttl), line: lineOf(record, index), [valueField]: written(record) };
  }

  function written({ type, value }: StoredRecord): string {
    if (type !== 'TXT' || (settings.quoting ?? 'plain') === 'plain') return value;
    if (settings.quoting === 'quoted') return `"${value}"`;
    return `"${value.slice(0, 10)}" "${value.slice(10)}"`;
  }

  function lineOf(record: StoredRecord, index: number): string | number {
    return { id: record.id, text: `record_${record.id}/x`, number: index + 1, name: record.name }[
      settings.lineKind ?? 'id'
    ];
  }

  function create(zone: string, body: string): FakeReply {
    const { name, type, txtdata, ttl, ...rest } = JSON.parse(body) as Record<string, unknown>;
    if (typeof name !== 'string' || type !== 'TXT' || typeof txtdata !== 'string' || Object.keys(rest).length > 0) {
      return invalid('type');
    }
    if (ttl !== undefined && (!Number.isInteger(ttl) || Number(ttl) < (settings.leastTtl ?? 1))) return invalid('ttl');
    const full = understood(name, zone);
    if (full === undefined) return invalid('name');
    const twin = records.some((record) => record.name === full && record.value === txtdata);
    if (twin && settings.duplicates !== 'accepted') return json(422, { message: texts.twin });
    change(() => {
      // Not at the end, so that the line numbers after it change.
      const record = stored(zone, full, 'TXT', txtdata, Number(ttl ?? 3600));
      records.splice(records.findIndex((other) => other.zone === zone) + 1, 0, record);
    });
    return done();
  }

  function understood(name: string, zone: string): string | undefined {
    const plain = name.replace(/\.$/, '');
    const isFull = plain === zone || plain.endsWith(`.${zone}`);
    const appended = name === '@' ? zone : `${plain}.${zone}`;
    switch (settings.nameIn) {
      case 'relative':
        return appended;
      case 'zone file':
        return name.endsWith('.') ? plain : appended;
      case 'fqdn':
        return isFull ? plain : undefined;
      default:
        return isFull ? plain : appended;
    }
  }

  function remove(zone: string, line: string): FakeReply {
    const inZone = records.filter((record) => record.zone === zone);
    const struck = inZone.filter((record, index) => String(lineOf(record, index)) === line);
    if (struck.length === 0) return json(settings.missing ?? 404, { message: texts.missing });
    change(() => {
      records = records.filter((record) => !struck.includes(record));
    });
    return done();
  }

  function done(): FakeReply {
    const { status = 200, body = JSON.stringify({ data: [] }) } = settings.written ?? {};
    return { status, headers: { 'content-type': 'application/json' }, ...(status === 204 ? {} : { body }) };
  }

  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    url: server.origin,
    token,
    get records() {
      return records;
    },
    held: (name) =>
      records.filter((record) => record.type === 'TXT' && record.name === name).map((record) => record.value),
    plant(name, value, type = 'TXT') {
      const zone = zones
        .filter((candidate) => name === candidate || name.endsWith(`.${candidate}`))
        .sort((a, b) => b.length - a.length)[0];
      if (zone === undefined) throw new Error(`no zone of the fake holds ${name}`);
      records.splice(records.findIndex((other) => other.zone === zone) + 1, 0, stored(zone, name, type, value));
    },
    fill(zone, count) {
      for (let index = 0; index < count; index++) {
        records.push(stored(zone, `r${index}.${zone}`, 'TXT', `v=spf1 include:r${index}.example.net -all`));
      }
    },
    close: () => server.close(),
  };
}

function nameOf({ method, path }: Omit<FakeRequest, 'call'>): string {
  const { account, zone } = parsePath(path);
  if (zone !== undefined) return method === 'GET' ? 'GET records' : `${method} record`;
  return account === undefined ? 'GET accounts' : 'GET zones';
}

function parsePath(path: string): { account?: string; zone?: string; line?: string } {
  const [, account, zone, line] =
    /^\/api\/server-accounts(?:\/([^/]+)\/dns-zones(?:\/([^/]+)\/records(?:\/([^/]+))?)?)?$/.exec(path) ?? [];
  return {
    ...(account === undefined ? {} : { account }),
    ...(zone === undefined ? {} : { zone: decodeURIComponent(zone) }),
    ...(line === undefined ? {} : { line: decodeURIComponent(line) }),
  };
}

const invalid = (field: string): FakeReply =>
  json(422, { message: 'The given data was invalid.', errors: { [field]: [`The ${field} field is invalid.`] } });

const json = (status: number, body: unknown): FakeReply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
