import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { DEFAULT_TTL, parsed, stored, unquoted } from './gandi-body.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface GandiFakeSettings extends StandInSettings {
  /** The token has no right for these domains. */
  readonly forbidden?: readonly string[];
  /** Called after each request and before its answer: another program may write in that moment. */
  readonly afterCall?: (call: string) => void;
}

export interface GandiFake extends StandIn {
  readonly sets: RecordSet[];
}

interface RecordSet {
  readonly zone: string;
  /** Relative to the zone, `@` for the zone itself. */
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  /** TXT values are quoted. */
  readonly values: readonly string[];
}

export const GANDI_TOKEN = 'pat_0123456789abcdef0123456789abcdef01234567';
/** The old kind of login, which the API still takes from other clients. */
export const GANDI_API_KEY = 'fakeApiKeyOfTheOldKind24';

const BASE = '/v5/livedns';
const TYPES = [
  'A',
  'AAAA',
  'ALIAS',
  'CAA',
  'CDS',
  'CNAME',
  'DNAME',
  'DS',
  'HTTPS',
  'KEY',
  'LOC',
  'MX',
  'NAPTR',
  'NS',
  'OPENPGPKEY',
  'PTR',
  'RP',
  'SOA',
  'SPF',
  'SRV',
  'SSHFP',
  'SVCB',
  'TLSA',
  'TXT',
  'WKS',
];
/** Gandi's LiveDNS API v5, by its documents and recorded answers. */
export async function startGandiFake(settings: GandiFakeSettings = {}): Promise<GandiFake> {
  const zones = settings.zones ?? ['example.com'];
  const sets: RecordSet[] = [];

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const before = [...sets];
    const answer = answerTo(request);
    await tell(before);
    settings.afterCall?.(request.call);
    return answer;
  }

  function answerTo({ method, path, query, headers, body }: FakeRequest): FakeReply {
    const [scheme, login] = (headers['authorization'] ?? '').split(' ');
    if (scheme === 'Bearer' && login !== GANDI_TOKEN)
      return fault(403, 'The token is invalid or has expired', 'HTTPForbidden');
    if (scheme !== 'Bearer' && (scheme !== 'Apikey' || login !== GANDI_API_KEY)) {
      return fault(
        401,
        'The server could not verify that you authorized to access the document you requested.',
        'HTTPUnauthorized',
      );
    }
    const [resource, zone, what, name, type] = path.startsWith(`${BASE}/`)
      ? path
          .slice(BASE.length + 1)
          .split('/')
          .map(decodeURIComponent)
      : [];
    if (resource !== 'domains') return notFound();
    if (zone === undefined)
      return method === 'GET'
        ? list(new URLSearchParams(query))
        : fault(405, 'Method not allowed', 'HTTPMethodNotAllowed');
    if (settings.forbidden?.includes(zone)) return fault(403, 'Access was denied to this resource.', 'HTTPForbidden');
    if (!zones.includes(zone)) return notFound();
    const url = `https://api.gandi.net${BASE}/domains/${zone}`;
    if (what === undefined)
      return json(200, {
        fqdn: zone,
        automatic_snapshots: true,
        domain_href: url,
        domain_keys_href: `${url}/keys`,
        domain_records_href: `${url}/records`,
      });
    if (what === 'nameservers') return json(200, ['ns-154-a.gandi.net', 'ns-232-b.gandi.net', 'ns-109-c.gandi.net']);
    if (what !== 'records' || name === undefined || name === '') return notFound();
    if (type === undefined)
      return method === 'GET'
        ? json(200, sets.filter((set) => set.zone === zone && set.name === name).map(shown))
        : notFound();
    if (!TYPES.includes(type)) return notFound();
    if (!/^(?:@|(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*)$/i.test(name) || name.endsWith(zone))
      return invalid('rrset_name', `${name} is no name in this zone`);
    return change({ zone, name: name.toLowerCase(), type }, method, body, headers);
  }

  function change(
    at: Pick<RecordSet, 'zone' | 'name' | 'type'>,
    method: string,
    body: string,
    headers: FakeRequest['headers'],
  ): FakeReply {
    const index = sets.findIndex((set) => set.zone === at.zone && set.name === at.name && set.type === at.type);
    const old = sets[index];
    const missing = fault(404, `Can't find the DNS record ${at.name}/${at.type} in the zone`, 'dns-record');
    if (method === 'GET') return old ? json(200, shown(old)) : missing;
    if (method === 'DELETE') {
      if (old) sets.splice(index, 1);
      return { status: 204 };
    }
    if (headers['content-type']?.split(';')[0] !== 'application/json')
      return fault(415, 'Content-Type must be application/json', 'HTTPUnsupportedMediaType');
    const given = parsed(body, method === 'PATCH');
    if (typeof given === 'string') return invalid('body', given);
    const beside = sets.some(
      (set) => set.zone === at.zone && set.name === at.name && set.type === 'CNAME' && at.type !== 'CNAME',
    );
    if (beside) return fault(400, `A CNAME record already exists for ${at.name}`, 'HTTPBadRequest');
    const { values, add, remove, ttl } = given;
    if (method === 'PATCH') {
      if (!old) return missing;
      const wanted = [...old.values.filter((value) => !remove.map(stored).includes(value)), ...add.map(stored)];
      const next = { ...old, ttl: ttl ?? old.ttl, values: [...new Set(wanted)] };
      // What becomes of an empty set is not documented.
      if (next.values.length === 0) return invalid('remove_rrset_values', 'no value would be left');
      sets[index] = next;
      return json(200, shown(next));
    }
    const next = {
      ...at,
      ttl: ttl ?? DEFAULT_TTL,
      values: [...new Set(values.map(at.type === 'TXT' ? stored : String))],
    };
    if (method === 'POST' && old) {
      const isSame = JSON.stringify([...old.values].sort()) === JSON.stringify([...next.values].sort());
      return isSame
        ? json(200, { message: 'A DNS Record already exists with same value' })
        : fault(409, 'A DNS record with that name / type already exists', 'dns-record', 'Conflict');
    }
    if (method !== 'POST' && method !== 'PUT') return fault(405, 'Method not allowed', 'HTTPMethodNotAllowed');
    if (index < 0) sets.push(next);
    else sets[index] = next;
    return json(201, { message: 'DNS Record Created' });
  }

  function list(query: URLSearchParams): FakeReply {
    const size = Number(query.get('per_page') ?? 100);
    const page = Number(query.get('page') ?? 1);
    const names = zones.slice((page - 1) * size, page * size);
    const items = names.map((fqdn) => ({
      fqdn,
      domain_href: `https://api.gandi.net${BASE}/domains/${fqdn}`,
      domain_records_href: `https://api.gandi.net${BASE}/domains/${fqdn}/records`,
    }));
    return json(200, items, { 'total-count': String(zones.length), 'filtered-count': String(items.length) });
  }

  async function tell(before: readonly RecordSet[]): Promise<void> {
    const [old, now] = [before, sets].map((all) =>
      all
        .filter(({ type }) => type === 'TXT')
        .flatMap(({ zone, name, values }) =>
          values.map((value) => JSON.stringify([zone, fullName(name, zone), unquoted(value)])),
        ),
    );
    const told = (text: string) => JSON.parse(text) as [string, string, string];
    for (const each of old ?? []) if (!now?.includes(each)) await settings.onChange?.(...told(each), 'removed');
    for (const each of now ?? []) if (!old?.includes(each)) await settings.onChange?.(...told(each), 'added');
  }

  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    options: { url: server.origin, token: GANDI_TOKEN },
    secrets: [GANDI_TOKEN],
    calls: { add: 'POST record', remove: 'DELETE record' },
    sets,
    held: (name) =>
      sets.flatMap((set) =>
        fullName(set.name, set.zone) === name && set.type === 'TXT' ? set.values.map(unquoted) : [],
      ),
    plant(name, value, type = 'TXT') {
      const zone = zoneHolding(zones, name);
      if (zone === undefined) throw new Error(`no zone of the stand-in holds ${name}`);
      const relative = name === zone ? '@' : name.slice(0, -zone.length - 1);
      const index = sets.findIndex((set) => set.zone === zone && set.name === relative && set.type === type);
      const old = sets[index];
      const set = {
        zone,
        name: relative,
        type,
        ttl: old?.ttl ?? 3600,
        values: [...(old?.values ?? []), type === 'TXT' ? stored(value) : value],
      };
      if (index < 0) sets.push(set);
      else sets[index] = set;
    },
    everything: () => sets.flatMap(({ values, ...set }) => values.map((value) => JSON.stringify({ ...set, value }))),
    close: () => server.close(),
  };
}

const fullName = (name: string, zone: string): string => (name === '@' ? zone : `${name}.${zone}`);

const shown = ({ zone, name, type, ttl, values }: RecordSet) => ({
  rrset_type: type,
  rrset_ttl: ttl,
  rrset_name: name,
  rrset_href: `https://api.gandi.net${BASE}/domains/${zone}/records/${encodeURIComponent(name)}/${type}`,
  rrset_values: values,
});

/** Unlike other answers, those of refusals have a space after each colon, and acme.sh's script looks for that. */
const fault = (code: number, message: string, object: string, cause = message): FakeReply => {
  const reply = json(code, { code, message, object, cause });
  return { ...reply, body: reply.body?.replace(/(?<=")([:,])(?=["\d])|(?<=\d),(?=")/g, (mark) => `${mark} `) ?? '' };
};
const notFound = (): FakeReply => fault(404, 'The resource could not be found.', 'HTTPNotFound', 'Not Found');
const invalid = (name: string, description: string): FakeReply =>
  json(400, {
    status: 'error',
    code: 400,
    message: description,
    object: 'HTTPBadRequest',
    cause: 'Bad Request',
    errors: [{ location: 'body', name, description }],
  });

function nameOf({ method, path }: Omit<FakeRequest, 'call'>): string {
  const [, zone, what, , type] = path.slice(BASE.length + 1).split('/');
  const noun = type ? 'record' : (what ?? (zone ? 'domain' : 'domains'));
  return `${method} ${noun}`;
}
