import { quoteTxt, unquoteTxt } from '../../src/provider.ts';
import {
  type Body,
  type DesecPolicy,
  find,
  isSet,
  mayWrite,
  nameOfSet,
  type RRset,
  STAMP,
  shownSet,
  type Valid,
  validate,
} from './desec-rules.ts';
import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface DesecFakeSettings extends StandInSettings {
  /** Of every domain, in seconds. */
  readonly minimumTtl?: number;
  /** The policies of the token; without one it may write everything. */
  readonly policies?: readonly DesecPolicy[];
  /** Whether the token may list tokens; then with this end. */
  readonly managesTokens?: { readonly max_age: string | null; readonly max_unused_period: string | null };
  /** Items of a page; 500 at desec.io. */
  readonly pageSize?: number;
  /** Called after each call and before its answer: another program may write in that moment. */
  readonly afterCall?: (call: string) => void;
}

export interface DesecFake extends StandIn {
  /** Removes the TXT records of a name without the API. */
  unplant(name: string): void;
}

export const DESEC_TOKEN = 'mu4W4MHuSc0Hy-GD1h_dnKuZBond';
/** deSEC's API v1 for one token, by the source of its server: its serializers, views and permissions. */
export async function startDesecFake(settings: DesecFakeSettings = {}): Promise<DesecFake> {
  const { zones = ['example.com'], minimumTtl = 3600, pageSize = 500, policies = [] } = settings;
  let sets: RRset[] = zones.map((domain) => ({
    domain,
    subname: '',
    type: 'NS',
    ttl: minimumTtl,
    records: ['ns1.desec.io.', 'ns2.desec.org.'],
  }));

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const answer = await answerTo(request);
    settings.afterCall?.(request.call);
    return answer;
  }

  async function answerTo(request: FakeRequest): Promise<FakeReply> {
    const { method, path, headers } = request;
    const authorization = headers['authorization'];
    if (authorization === undefined) return detail(401, 'Authentication credentials were not provided.');
    if (authorization !== `Token ${DESEC_TOKEN}`) return detail(401, 'Invalid token.');
    if (!path.endsWith('/'))
      return { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Not Found</h1>' };
    const { resource, domain, subname, type } = parsePath(path);
    if (resource === 'tokens') return listTokens(request);
    if (resource === 'domains' && domain === undefined) return listDomains(request);
    if (domain === undefined || !zones.includes(domain)) return detail(404, 'No Domain matches the given query.');
    if (resource === 'domain') return json(200, shownDomain(domain));
    if (resource === 'rrsets') return method === 'GET' ? listSets(domain, request) : writeList(domain, request);
    return one(domain, subname, type, request);
  }

  function listTokens(request: FakeRequest): FakeReply {
    const end = settings.managesTokens;
    if (!end) return detail(403, 'You do not have permission to perform this action.');
    const base = { created: STAMP, mfa: null, is_valid: true, name: '', allowed_subnets: ['0.0.0.0/0', '::/0'] };
    const own = { ...base, ...end, id: '3a6b94b5-d20e-40bd-a7cc-521f5c79fab3', last_used: new Date().toISOString() };
    const other = {
      ...base,
      id: '4a6b94b5-d20e-40bd-a7cc-521f5c79fab3',
      last_used: null,
      max_age: '1',
      max_unused_period: null,
    };
    return pageOf([other, own], request);
  }

  function listDomains(request: FakeRequest): FakeReply {
    const name = new URLSearchParams(request.query).get('owns_qname');
    if (name === null) return pageOf(zones.map(shownDomain), request);
    const zone = zoneHolding(zones, name);
    return json(200, zone === undefined ? [] : [shownDomain(zone)]);
  }

  function listSets(domain: string, request: FakeRequest): FakeReply {
    const filter = new URLSearchParams(request.query);
    if (filter.get('type') === 'SOA') return detail(403, 'You cannot tinker with the SOA RRset.');
    const found = sets.filter(
      (set) =>
        set.domain === domain &&
        (filter.get('type') ?? set.type) === set.type &&
        (filter.get('subname') ?? set.subname) === set.subname,
    );
    return pageOf(found.map(shownSet), request);
  }

  /** LinkHeaderCursorPagination: without a cursor, a list of more than one page is refused. */
  function pageOf(all: readonly unknown[], { path, query }: FakeRequest): FakeReply {
    if (all.length <= pageSize) return json(200, all);
    const filter = new URLSearchParams(query);
    const link = (rel: string, cursor: string) => {
      const page = new URLSearchParams(filter);
      page.set('cursor', cursor);
      return `<https://desec.io${path}?${page}>; rel="${rel}"`;
    };
    const cursor = filter.get('cursor');
    if (cursor === null) {
      const text = `Pagination required. You can query up to ${pageSize} items at a time (${all.length} total). Please use the \`first\` page link (see Link header).`;
      return json(400, { detail: text }, { link: link('first', '') });
    }
    const start = cursor === '' ? 0 : Number(Buffer.from(cursor, 'base64'));
    const at = (index: number) => Buffer.from(String(index)).toString('base64');
    const links = [link('first', '')];
    if (start > 0) links.push(link('prev', at(Math.max(0, start - pageSize))));
    if (start + pageSize < all.length) links.push(link('next', at(start + pageSize)));
    return json(200, all.slice(start, start + pageSize), { link: links.join(', ') });
  }

  /** POST of one set or a list, PATCH and PUT of a list: all or nothing. */
  async function writeList(domain: string, { method, body }: FakeRequest): Promise<FakeReply> {
    const given = parse(body);
    if (given === undefined) return detail(400, 'JSON parse error - Expecting value');
    const isList = Array.isArray(given);
    if (!isList && method !== 'POST')
      return json(400, { non_field_errors: ['Expected a list of items but got dict.'] });
    const items = (isList ? given : [given]) as Body[];
    const keys = items.map(({ subname, type }) => `${subname} ${type}`);
    const checked = items.map((item, index): Valid => {
      if (keys.indexOf(keys[index] ?? '') !== keys.lastIndexOf(keys[index] ?? '')) {
        return { errors: { non_field_errors: ['Same subname and type as in position(s) 0, but must be unique.'] } };
      }
      return validate(sets, domain, item, { method, isList, minimumTtl });
    });
    const wanted = checked.flatMap((one) => ('set' in one ? [one.set] : []));
    if (!wanted.every((wantedSet) => mayWrite(policies, wantedSet)))
      return detail(403, 'Insufficient token permissions.');
    const errors = checked.map((one) => ('errors' in one ? one.errors : {}));
    if (wanted.length < items.length) return json(400, isList ? errors : errors[0]);
    for (const set of wanted) await store(set);
    const shown = wanted.filter(({ records }) => records.length > 0).map(shownSet);
    return json(method === 'POST' ? 201 : 200, isList ? shown : shown[0]);
  }

  async function one(domain: string, subname: string, type: string, { method, body }: FakeRequest): Promise<FakeReply> {
    const set = find(sets, domain, subname, type);
    if (!set) return method === 'DELETE' ? { status: 204 } : detail(404, 'No RRset matches the given query.');
    if (method === 'GET') return json(200, shownSet(set));
    if (!mayWrite(policies, set)) return detail(403, 'Insufficient token permissions.');
    const given = method === 'DELETE' ? { records: [] } : parse(body);
    if (given === undefined) return detail(400, 'JSON parse error - Expecting value');
    const item = { subname, type, ...(given as Body) };
    const checked = validate(sets, domain, item, { method: 'PATCH', isList: true, minimumTtl });
    if ('errors' in checked) return json(400, checked.errors);
    await store(checked.set);
    return checked.set.records.length === 0 ? { status: 204 } : json(200, shownSet(checked.set));
  }

  async function store(set: RRset): Promise<void> {
    const { domain, subname, type, records } = set;
    const before = find(sets, domain, subname, type)?.records ?? [];
    sets = sets.filter((other) => !isSet(other, domain, subname, type));
    if (records.length > 0) sets = [...sets, set];
    if (type !== 'TXT') return;
    const tell = async (content: string, what: 'added' | 'removed') =>
      settings.onChange?.(domain, nameOfSet(set), unquoteTxt(content), what);
    for (const content of before) if (!records.includes(content)) await tell(content, 'removed');
    for (const content of records) if (!before.includes(content)) await tell(content, 'added');
  }

  const shownDomain = (name: string) => ({
    created: STAMP,
    published: STAMP,
    touched: STAMP,
    name,
    minimum_ttl: minimumTtl,
  });

  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    options: { url: `${server.origin}/api/v1`, token: DESEC_TOKEN },
    secrets: [DESEC_TOKEN],
    calls: { add: 'POST rrsets', remove: 'PATCH rrsets' },
    held: (name) =>
      sets
        .filter((set) => set.type === 'TXT' && nameOfSet(set) === name)
        .flatMap(({ records }) => records.map(unquoteTxt)),
    plant(name, value, type = 'TXT') {
      const domain = zoneHolding(zones, name) ?? '';
      const subname = name === domain ? '' : name.slice(0, -domain.length - 1);
      const { ttl, records } = find(sets, domain, subname, type) ?? { ttl: minimumTtl, records: [] };
      sets = sets.filter((set) => !isSet(set, domain, subname, type));
      sets = [...sets, { domain, subname, type, ttl, records: [...records, type === 'TXT' ? quoteTxt(value) : value] }];
    },
    unplant(name) {
      sets = sets.filter((set) => set.type !== 'TXT' || nameOfSet(set) !== name);
    },
    everything: () =>
      sets.flatMap((set) => set.records.map((record) => `${nameOfSet(set)} ${set.ttl} ${set.type} ${record}`)),
    close: () => server.close(),
  };
}

const detail = (status: number, text: string): FakeReply => json(status, { detail: text });

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function nameOf({ method, path }: Omit<FakeRequest, 'call'>): string {
  return `${method} ${parsePath(path).resource}`;
}

/** `@` and a subname with three dots are other spellings ("Accessing the Zone Apex"). */
function parsePath(path: string) {
  if (path === '/api/v1/auth/tokens/') return { resource: 'tokens', domain: undefined, subname: '', type: '' };
  const match = /^\/api\/v1\/domains\/(?:([^/]+)\/(?:(rrsets)\/(?:([^/]+)\/([^/]+)\/)?)?)?$/.exec(path);
  const [, domain, rest = '', subname = '', type = ''] = match ?? ['', ''];
  const resource = type ? 'rrset' : rest || (domain === undefined ? 'domains' : 'domain');
  const plain = decodeURIComponent(subname).replace(/\.\.\.$/, '');
  return { resource, domain: domain && decodeURIComponent(domain), subname: plain === '@' ? '' : plain, type };
}
