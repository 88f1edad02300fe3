import { unquoteTxt } from '../../src/provider.ts';
import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface HestiacpFakeSettings extends StandInSettings {
  /** What the role of the access key allows. */
  readonly commands?: readonly string[];
  /** The user of the access key; the zones are those of `it`. */
  readonly keyUser?: string;
  readonly api?: 'on' | 'off' | 'for other addresses';
  /** How many records a zone of this package may have. */
  readonly limit?: number;
  /** The name server does not start again after a change, which is made nonetheless. */
  readonly restartFails?: boolean;
  readonly afterCall?: (call: string) => void;
}

export interface HestiacpFake extends StandIn {
  /** As two commands at the same moment make them: two records with the same id. */
  plantWithId(id: number, name: string, value: string): void;
  /** Gives two records each other's ids, as `v-change-dns-record-id` can. */
  swapIds(name: string, other: string): void;
  unplant(name: string): void;
  idOf(name: string): number;
}

interface Row {
  id: number;
  readonly record: string;
  readonly type: string;
  readonly priority: string;
  readonly value: string;
  readonly ttl: string;
  suspended: boolean;
}

export const HESTIA_ACCESS = 'u2Ci9wCSGgRHfhJgUnSc';
export const HESTIA_SECRET = 'X8J=4QFF_sG8Zdgm72K29m-GQ2fBvSt1bYqJRVgr';
const USER = 'it';

const TYPES = ['A', 'AAAA', 'NS', 'CNAME', 'MX', 'TXT', 'SRV', 'PTR', 'SPF', 'TLSA', 'CAA', 'DS'];

/** web/api/index.php with the DNS commands of HestiaCP 1.10.3, for one access key. */
export async function startHestiacpFake(settings: HestiacpFakeSettings = {}): Promise<HestiacpFake> {
  const {
    commands = ['v-list-dns-records', 'v-add-dns-record', 'v-delete-dns-record', 'v-list-dns-domains'],
    keyUser = USER,
    api = 'on',
    limit = 1000,
  } = settings;
  const zones = new Map((settings.zones ?? ['example.com']).map((zone) => [zone, newZone()]));

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const answer = await answerTo(request);
    settings.afterCall?.(request.call);
    return answer;
  }

  async function answerTo({ path, method, ...request }: FakeRequest): Promise<FakeReply> {
    if (path !== '/api/' || method !== 'POST') return { status: 404, body: '<html>404 Not Found</html>' };
    const fields = fieldsOf(request);
    if (api === 'off') return ended(11, 'API has been disabled');
    if (api !== 'on') return ended(10, 'IP is not allowed to connect with API');
    const field = (name: string) => (fields.get(name) ?? '').trim();
    const command = field('cmd');
    if (!/^[\w-]+$/.test(command)) return ended(2, `${command} command invalid`);
    const [hashAccess, hashSecret] = field('hash').split(':');
    const access = fields.get('access_key') ?? hashAccess;
    if (access !== HESTIA_ACCESS) return ended(9, `key ${access} doesn't exist`);
    if ((fields.get('secret_key') ?? hashSecret) !== HESTIA_SECRET)
      return ended(9, `Invalid secret key for key ${access}`);
    if (!commands.includes(command))
      return ended(10, `Key ${access} don't have permission to run the command ${command}`);
    const args = Array.from({ length: 13 }, (_, index) => fields.get(`arg${index + 1}`)?.trim());
    const last = args.findLastIndex((arg) => arg !== undefined);
    if (args[0] !== keyUser) return ended(10, `Key ${access} - the "user" argument doesn\\'t match the key\\'s user`);
    return run(
      command,
      args.slice(0, last + 1).map((arg) => arg ?? ''),
    );
  }

  async function run(command: string, args: readonly string[]): Promise<FakeReply> {
    const [user, domain = '', third = ''] = args;
    const least = { 'v-list-dns-domains': 1, 'v-list-dns-records': 2, 'v-delete-dns-record': 3 }[command] ?? 5;
    if (args.length < least) return ended(1, `Usage: ${command} USER DOMAIN ...`);
    if (user !== USER) return ended(3, `user ${user} doesn't exist`);
    if (command === 'v-list-dns-domains') return done(listing([...zones.keys()].map((zone) => [zone, DOMAIN])));
    if (/[_\s]/.test(domain)) return ended(2, `invalid domain format :: ${domain}`);
    const rows = zones.get(domain);
    if (!rows) return ended(3, `dns domain ${domain} doesn't exist`);
    if (command === 'v-list-dns-records')
      return third === 'json' ? done(listing(rows.map(shown))) : ended(2, 'only json here');
    return command === 'v-delete-dns-record' ? remove(domain, rows, third) : add(domain, rows, args);
  }

  async function add(domain: string, rows: Row[], args: readonly string[]): Promise<FakeReply> {
    const [, , name = '', kind = '', given = '', priority = '10', id = '', restart = '', ttl = ''] = args;
    const type = kind.toUpperCase();
    const record = name.toLowerCase();
    // is_common_format_valid: in Unicode, so that `xn--` is no fault.
    if (/[!#$^&()+={}:<>?/|"';%` ]|\.\.|__|^[^\w*@]|[^\w*@.]$/.test(record) || /(?<!^xn|\.xn)--/.test(record)) {
      return ended(2, `invalid record format :: ${record}`);
    }
    if (!TYPES.includes(type)) return ended(2, `invalid dns record type format :: ${type}`);
    if (given === '' || !/^[\x20-\x7e]+$/.test(given)) return ended(2, `${type} record contains non-ASCII characters`);
    if (!/^(yes|no|reload|scheduled|)$/.test(restart) || !/^\d*$/.test(ttl) || !/^(|[1-9]\d*)$/.test(id)) {
      return ended(2, 'invalid restart, ttl or id format');
    }
    if (rows.length >= limit) return ended(8, 'DNS_RECORDS limit is reached :: upgrade user package');
    const bare = given.replaceAll('"', '');
    const value = type === 'CAA' ? given : /[;\s]/.test(bare) ? `"${bare}"` : bare;
    const number = id === '' ? Math.max(0, ...rows.map((row) => row.id)) + 1 : Number(id);
    if (rows.some((row) => row.id === number)) return ended(4, `ID=${number} already exists`);
    rows.push({ id: number, record, type, priority: type === 'MX' ? priority : '', value, ttl, suspended: false });
    if (type === 'TXT') await settings.onChange?.(domain, absolute(record, domain), bare, 'added');
    return settings.restartFails ? ended(20, 'dns failed to restart') : done('');
  }

  async function remove(domain: string, rows: Row[], id: string): Promise<FakeReply> {
    if (!/^[1-9]\d*$/.test(id)) return ended(2, `invalid id format :: ${id}`);
    const gone = rows.filter((row) => String(row.id) === id);
    if (gone.length === 0) return ended(3, `${domain} id ${id} doesn't exist`);
    // Since 1.10 the check of the record's type cannot read two lines at once; before, both were deleted.
    if (gone.length > 1) return ended(2, `Invalid object format: ID='${id}'`);
    zones.set(
      domain,
      rows.filter((row) => !gone.includes(row)),
    );
    for (const { type, record, value } of gone) {
      if (type === 'TXT') await settings.onChange?.(domain, absolute(record, domain), unquoteTxt(value), 'removed');
    }
    return done('');
  }

  const rowsHolding = (name: string): { zone: string; rows: Row[] } => {
    const zone = zoneHolding(zones.keys(), name);
    const rows = zones.get(zone ?? '');
    if (zone === undefined || !rows) throw new Error(`no zone of the stand-in holds ${name}`);
    return { zone, rows };
  };
  const rowAt = (name: string): Row => {
    const { zone, rows } = rowsHolding(name);
    const row = rows.find(({ record }) => absolute(record, zone) === name);
    if (!row) throw new Error(`nothing is at ${name}`);
    return row;
  };
  const store = (name: string, value: string, type: string, id?: number) => {
    const { zone, rows } = rowsHolding(name);
    const record = name === zone ? '@' : name.slice(0, -zone.length - 1);
    const stored = type === 'TXT' && /[;\s]/.test(value) ? `"${value}"` : value;
    const next = Math.max(0, ...rows.map((row) => row.id)) + 1;
    rows.push({ id: id ?? next, record, type, priority: '', value: stored, ttl: '', suspended: false });
  };

  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    options: { url: server.origin, accessKey: HESTIA_ACCESS, secretKey: HESTIA_SECRET, user: USER },
    secrets: [HESTIA_ACCESS, HESTIA_SECRET],
    calls: { add: 'v-add-dns-record', remove: 'v-delete-dns-record' },
    held: (name) =>
      [...zones].flatMap(([zone, rows]) =>
        rows
          .filter((row) => row.type === 'TXT' && !row.suspended && absolute(row.record, zone) === name)
          .map(({ value }) => unquoteTxt(value)),
      ),
    plant: (name, value, type = 'TXT') => store(name, value, type),
    plantWithId: (id, name, value) => store(name, value, 'TXT', id),
    swapIds(name, other) {
      const [first, second] = [rowAt(name), rowAt(other)];
      [first.id, second.id] = [second.id, first.id];
    },
    unplant(name) {
      const { zone, rows } = rowsHolding(name);
      zones.set(
        zone,
        rows.filter(({ record }) => absolute(record, zone) !== name),
      );
    },
    idOf: (name) => rowAt(name).id,
    everything: () =>
      [...zones].flatMap(([zone, rows]) =>
        rows.map(({ record, type, value, ttl }) => `${absolute(record, zone)} ${ttl} ${type} ${unquoteTxt(value)}`),
      ),
    close: () => server.close(),
  };
}

const absolute = (record: string, zone: string): string => (record === '@' ? zone : `${record}.${zone}`);

const newZone = (): Row[] =>
  [
    ['@', 'A', '192.0.2.1'],
    ['@', 'NS', 'ns1.host.example.'],
    ['@', 'NS', 'NS2.host.example.'],
    // The panel's templates for mail keys hold backslashes, which its JSON does not escape.
    ['mail._domainkey', 'TXT', '"v=DKIM1\\; k=rsa\\; p=MIGf"'],
  ].map(([record = '', type = '', value = ''], index) => ({
    ...{ id: index + 1, record, type, value, priority: '', ttl: '', suspended: false },
  }));

const DOMAIN = { IP: '192.0.2.1', TPL: 'default', TTL: '14400', SERIAL: '3000000001', SUSPENDED: 'no' };

/** As json_list of v-list-dns-records prints a row: only quotes are escaped. */
const shown = ({ id, record, type, priority, value, ttl, suspended }: Row): [string, object] => [
  String(id),
  {
    RECORD: record,
    TYPE: type,
    PRIORITY: priority,
    VALUE: value.replaceAll('"', '\\"'),
    ID: String(id),
    SUSPENDED: suspended ? 'yes' : 'no',
    TIME: '18:00:00',
    DATE: '2026-11-21',
    TTL: ttl || '14400',
  },
];

function listing(rows: readonly (readonly [string, object])[]): string {
  const objects = rows.map(([key, row]) => {
    const fields = Object.entries(row).map(([name, value]) => `        "${name}": "${String(value)}"`);
    return `    "${key}": {\n${fields.join(',\n')}\n    }`;
  });
  return `{\n${objects.join(',\n')}${rows.length > 0 ? '\n' : ''}}`;
}

/** exit_code_to_http_code of web/inc/helpers.php. */
function ended(code: number, message: string): FakeReply {
  const status = code === 2 ? 422 : [5, 6, 9, 10, 21].includes(code) ? 401 : 400;
  return { status, headers: { 'hestia-exit-code': String(code) }, body: `Error: ${message}` };
}

const done = (output: string): FakeReply =>
  output === ''
    ? { status: 204, headers: { 'hestia-exit-code': '0' } }
    : {
        status: 200,
        headers: { 'hestia-exit-code': '0', 'content-type': 'application/json; charset=utf-8' },
        body: output,
      };

/** A form, or JSON, as the API takes both. */
function fieldsOf({ headers, body }: Pick<FakeRequest, 'headers' | 'body'>): Map<string, string> {
  if (headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
    return new Map(new URLSearchParams(body));
  try {
    return new Map(Object.entries(JSON.parse(body) as object).map(([key, value]) => [key, String(value)]));
  } catch {
    return new Map();
  }
}

const nameOf = (request: Omit<FakeRequest, 'call'>): string => fieldsOf(request).get('cmd') ?? 'nothing';
