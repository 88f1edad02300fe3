import { plainName, unquoteTxt } from '../../src/provider.ts';
import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface DirectadminFakeSettings extends StandInSettings {
  /** The commands that the login key may run. */
  readonly commands?: readonly string[];
  /** How the panel shows values: as they were given, or always in quotes. */
  readonly shows?: 'as given' | 'quoted';
  /** The status of refusals in JSON: 500 today, 200 before. */
  readonly refusalStatus?: 200 | 400 | 403 | 500;
  /** What the panel says to a deletion of nothing: not documented. */
  readonly deletesNothing?: 'accept' | 'refuse';
  readonly afterCall?: (call: string) => void;
}

export interface DirectadminFake extends StandIn {
  unplant(name: string): void;
}

interface Row {
  readonly type: string;
  readonly name: string;
  readonly value: string;
  readonly ttl: string;
}

export const DIRECTADMIN_USER = 'fred';
export const DIRECTADMIN_KEY = 'Login-Key/0123456789+abcdef';

const TYPES = ['A', 'NS', 'MX', 'CNAME', 'TXT', 'AAAA'];

/** The DNS part of DirectAdmin's legacy API, for one user. */
export async function startDirectadminFake(settings: DirectadminFakeSettings = {}): Promise<DirectadminFake> {
  const {
    commands = ['CMD_API_SHOW_DOMAINS', 'CMD_API_DNS_CONTROL'],
    shows = 'as given',
    refusalStatus = 500,
  } = settings;
  const login = `Basic ${Buffer.from(`${DIRECTADMIN_USER}:${DIRECTADMIN_KEY}`).toString('base64')}`;
  const zones = new Map((settings.zones ?? ['example.com']).map((zone) => [zone, newZone(zone)]));
  const names = [...zones.keys()];

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const answer = await answerTo(request);
    settings.afterCall?.(request.call);
    return answer;
  }

  async function answerTo(request: FakeRequest): Promise<FakeReply> {
    if (request.headers['authorization'] !== login) {
      return { status: 401, headers: { 'content-type': 'text/html' }, body: '<html>401 Unauthorized</html>' };
    }
    const command = request.path.slice(1);
    const fields = fieldsOf(request);
    const refuse = (error: string, result: string): FakeReply =>
      fields.get('json') === 'yes'
        ? json(refusalStatus, { error, result })
        : text(`error=1&text=${encodeURIComponent(error)}&details=${encodeURIComponent(result)}`);
    if (!commands.includes(command)) return refuse('Access Denied', 'You are not allowed to run this command');
    if (command === 'CMD_API_SHOW_DOMAINS') return text(names.map((zone) => `list[]=${zone}`).join('&'));
    const zone = fields.get('domain') ?? '';
    if (zone === '') return refuse('Cannot View Dns Record', 'No domain provided');
    const rows = zones.get(zone);
    if (!rows) return refuse('Cannot View Dns Record', 'Domain does not belong to you');
    const action = fields.get('action');
    if (action === null) return list(rows);
    const fault = await (action === 'add'
      ? add(zone, rows, fields)
      : action === 'select'
        ? remove(zone, rows, fields)
        : 'unknown action');
    if (fault !== undefined) return refuse(action === 'add' ? 'Error adding record' : 'Error deleting records', fault);
    const words = action === 'add' ? 'record added' : 'Records Deleted';
    if (fields.get('json') === 'yes') return json(200, { result: '', success: words });
    return text(`error=0&text=${encodeURIComponent(words)}&details=`);
  }

  function list(rows: readonly Row[]): FakeReply {
    const records = rows.map((row) => {
      const value = row.type === 'TXT' && shows === 'quoted' ? quoted(row.value) : row.value;
      return { type: row.type, name: row.name, value, combined: `name=${row.name}&value=${value}`, ttl: row.ttl };
    });
    return json(200, { records, dnssec: '1', dns_ttl: '1', allow_dns_underscore: '1', full_mx_records: '1' });
  }

  async function add(zone: string, rows: Row[], fields: URLSearchParams): Promise<string | undefined> {
    const unknown = [...fields.keys()].find((key) => !/^(domain|json|action|type|name|value|ttl)$/.test(key));
    if (unknown) return `unknown field ${unknown}`;
    const [type = '', name = '', value = ''] = ['type', 'name', 'value'].map((key) => fields.get(key) ?? '');
    const ttl = fields.get('ttl') ?? '14400';
    if (!TYPES.includes(type) || name === '' || value === '' || !/^\d+$/.test(ttl))
      return 'a field is missing or wrong';
    if (name.endsWith('.') && plainName(name) !== zone && !plainName(name).endsWith(`.${zone}`)) return 'Invalid name';
    const strings = value.startsWith('"') ? [...value.matchAll(/"([^"]*)"/g)].map(([, part = '']) => part) : [value];
    // Without quotes, a semicolon begins a comment and a blank another string of the zone file.
    if (
      type === 'TXT' &&
      ((!value.startsWith('"') && /[;\s]/.test(value)) || strings.some((part) => part.length > 255))
    ) {
      return 'Invalid value';
    }
    if (rows.some((row) => row.type === 'CNAME' && absolute(row.name, zone) === absolute(name, zone)))
      return 'That name is a CNAME';
    rows.push({ type, name, value, ttl });
    await tell(zone, name, value, type, 'added');
    return undefined;
  }

  async function remove(zone: string, rows: Row[], fields: URLSearchParams): Promise<string | undefined> {
    let found = 0;
    for (const [key, combined] of fields) {
      const [, type = ''] = /^([a-z]+)recs\d+$/.exec(key) ?? [];
      if (type === '') continue;
      const [, name = '', value = ''] = /^name=([^&]*)&value=([\s\S]*)$/.exec(combined) ?? [];
      const index = rows.findIndex((row) => {
        const shown = shows === 'quoted' ? quoted(row.value) : row.value;
        return row.type === type.toUpperCase() && row.name === name && shown === value;
      });
      const [row] = index < 0 ? [] : rows.splice(index, 1);
      if (!row) continue;
      found++;
      await tell(zone, row.name, row.value, row.type, 'removed');
    }
    return found === 0 && settings.deletesNothing === 'refuse' ? 'No such record' : undefined;
  }

  const tell = async (zone: string, name: string, value: string, type: string, change: 'added' | 'removed') => {
    if (type === 'TXT') await settings.onChange?.(zone, absolute(name, zone), unquoteTxt(value), change);
  };
  const rowsHolding = (name: string): { zone: string; rows: Row[] } => {
    const zone = zoneHolding(names, name);
    const rows = zones.get(zone ?? '');
    if (zone === undefined || !rows) throw new Error(`no zone of the stand-in holds ${name}`);
    return { zone, rows };
  };

  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    options: { url: server.origin, username: DIRECTADMIN_USER, loginKey: DIRECTADMIN_KEY },
    secrets: [DIRECTADMIN_KEY, login.slice('Basic '.length)],
    calls: { add: 'POST add', remove: 'POST delete' },
    held: (name) =>
      [...zones].flatMap(([zone, rows]) =>
        rows
          .filter((row) => row.type === 'TXT' && absolute(row.name, zone) === name)
          .map(({ value }) => unquoteTxt(value)),
      ),
    plant(name, value, type = 'TXT') {
      const { zone, rows } = rowsHolding(name);
      const relative = name === zone ? `${zone}.` : name.slice(0, -zone.length - 1);
      rows.push({ type, name: relative, value, ttl: '14400' });
    },
    unplant(name) {
      const { zone, rows } = rowsHolding(name);
      zones.set(
        zone,
        rows.filter((row) => absolute(row.name, zone) !== name),
      );
    },
    everything: () =>
      [...zones].flatMap(([zone, rows]) =>
        rows.map(({ type, name, value, ttl }) => `${absolute(name, zone)} ${ttl} ${type} ${unquoteTxt(value)}`),
      ),
    close: () => server.close(),
  };
}

const newZone = (zone: string): Row[] => [
  { type: 'A', name: `${zone}.`, value: '192.0.2.1', ttl: '14400' },
  { type: 'A', name: 'www', value: '192.0.2.1', ttl: '14400' },
  { type: 'NS', name: `${zone}.`, value: 'ns1.host.example.', ttl: '14400' },
  { type: 'NS', name: `${zone}.`, value: 'NS2.host.example.', ttl: '14400' },
];

const quoted = (value: string): string => (value.startsWith('"') ? value : `"${value}"`);
const absolute = (name: string, zone: string): string =>
  name.endsWith('.') ? plainName(name) : `${plainName(name)}.${zone}`;

const text = (body: string): FakeReply => ({ status: 200, headers: { 'content-type': 'text/plain' }, body });

/**
 * Fields of the query and of a form alike. An `&` inside a field may come as an HTML entity instead of percent-encoded
 * (changes of version 1.24.2), as acme.sh sends it.
 */
function fieldsOf({ query, body }: Pick<FakeRequest, 'query' | 'body'>): URLSearchParams {
  const parse = (encoded: string) => [...new URLSearchParams(encoded.replaceAll('&amp;', '%26'))];
  return new URLSearchParams([...parse(query), ...parse(body)]);
}

function nameOf(request: Omit<FakeRequest, 'call'>): string {
  if (request.path !== '/CMD_API_DNS_CONTROL') return `${request.method} domains`;
  const action = fieldsOf(request).get('action');
  return action === null ? 'GET records' : `POST ${action === 'select' ? 'delete' : action}`;
}
