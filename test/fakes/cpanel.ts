import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface CpanelFakeSettings extends StandInSettings {
  /** Answers as WHM's API 1 at port 2087, not as UAPI at port 2083. */
  readonly whm?: boolean;
  /** Whether the hosting company has switched on the Zone Editor. */
  readonly zoneEditor?: boolean;
  /** UAPI's documents show the answer inside `result`; recorded answers come without it. */
  readonly nested?: boolean;
  /** Names in the zone file relative to the zone, as older panels wrote them. */
  readonly relativeNames?: boolean;
  /** Called after each call and before its answer: another program may write in that moment. */
  readonly afterCall?: (call: string) => void;
}

export interface CpanelFake extends StandIn {
  /** A record before all others, as another program adds one: every later line moves. */
  plantFirst(name: string, value: string): void;
  unplant(name: string): void;
}

interface Line {
  readonly type: 'comment' | 'control' | 'record';
  readonly text?: string;
  readonly name: string;
  readonly recordType: string;
  readonly ttl: number;
  readonly data: readonly string[];
  /** How many lines of the file it takes: an SOA record takes several. */
  readonly span: number;
}

interface Zone {
  serial: number;
  lines: Line[];
}

export const CPANEL_USER = 'hostuser';
export const CPANEL_TOKEN = 'U7HMR63FHY282DQZ4H5BIH16JLYSO01M';

const base64 = (value: string): string => Buffer.from(value).toString('base64');

const FIELDS = ['data', 'dname', 'record_type', 'ttl'];

/** The zone editor of cPanel, for one account, or of WHM. */
export async function startCpanelFake(settings: CpanelFakeSettings = {}): Promise<CpanelFake> {
  const { whm = false, zoneEditor = true, nested = false } = settings;
  const zones = new Map((settings.zones ?? ['example.com']).map((zone) => [zone, newZone(zone)]));
  const names = [...zones.keys()];

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const answer = await answerTo(request);
    settings.afterCall?.(request.call);
    return answer;
  }

  async function answerTo({ path, headers, ...request }: FakeRequest): Promise<FakeReply> {
    if (headers['authorization'] !== `${whm ? 'whm' : 'cpanel'} ${CPANEL_USER}:${CPANEL_TOKEN}`) {
      return { status: 401, headers: { 'content-type': 'text/html' }, body: '<html>Access denied</html>' };
    }
    const form = formOf({ headers, ...request });
    const version = form.get('api.version');
    form.delete('api.version');
    if (whm && version !== '1') return { status: 500, body: 'api.version=1 is missing' };
    const call = callOf(path);
    if (call === undefined) return { status: 404, body: '<html>not found</html>' };
    if (call === 'list') return list(form);
    if (call === 'feature') return feature(form);
    if (!zoneEditor) return refuse(call, 'You do not have the feature “zoneedit”.');
    const zone = form.get('zone') ?? '';
    const found = zones.get(zone);
    if (!found) return refuse(call, `You do not control a DNS zone named ${zone}.`);
    return call === 'parse' ? parse(found) : edit(zone, found, form);
  }

  function list(form: URLSearchParams): FakeReply {
    if ([...form.keys()].length > 0) return refuse('list', 'unknown parameter');
    if (whm) return accept('listzones', { zone: names.map((domain) => ({ domain, zonefile: `${domain}.db` })) });
    const [main_domain, ...addon_domains] = names;
    return accept('list_domains', { main_domain, addon_domains, parked_domains: [], sub_domains: ['sub.example.com'] });
  }

  function feature(form: URLSearchParams): FakeReply {
    if (form.get('name') !== 'zoneedit') return refuse('feature', 'unknown feature');
    return zoneEditor ? accept('has_feature', null) : refuse('has_feature', 'The feature “zoneedit” is not enabled.');
  }

  function parse({ lines, serial }: Zone): FakeReply {
    let index = 0;
    const payload = lines.map(({ type, text = '', name, recordType, ttl, data, span }) => {
      const line_index = index;
      index += span;
      if (type !== 'record') return { line_index, type, text_b64: base64(text) };
      const shown = recordType === 'SOA' ? data.map((part) => (part === 'SERIAL' ? String(serial) : part)) : data;
      return { line_index, type, dname_b64: base64(name), data_b64: shown.map(base64), record_type: recordType, ttl };
    });
    return accept('parse_dns_zone', whm ? { payload } : payload);
  }

  async function edit(zone: string, found: Zone, form: URLSearchParams): Promise<FakeReply> {
    const unknown = [...form.keys()].find((key) => !/^(zone|serial|(add|edit|remove)(-\d+)?)$/.test(key));
    if (unknown) return refuse('edit', `unknown parameter ${unknown}`);
    const serial = form.get('serial') ?? '';
    if (!/^\d+$/.test(serial)) return refuse('edit', 'Provide the “serial” argument.');
    if (Number(serial) !== found.serial) {
      const text = `The given serial number (${serial}) does not match the DNS zone’s serial number (${found.serial}). Refresh your view of the DNS zone, then resubmit.`;
      return refuse('edit', text);
    }
    const values = (name: string) =>
      [...form].flatMap(([key, value]) => (key.replace(/-\d+$/, '') === name ? [value] : []));
    if (values('edit').length > 0) return refuse('edit', 'nothing here edits records');
    const starts = new Map<number, Line>();
    let index = 0;
    for (const line of found.lines) {
      starts.set(index, line);
      index += line.span;
    }
    const removed = values('remove').map((text) => (/^\d+$/.test(text) ? starts.get(Number(text)) : undefined));
    if (removed.some((line) => line?.type !== 'record'))
      return refuse('edit', 'A line index is not the start of a record.');
    const added = values('add').map((text) => newLine(zone, text));
    const fault = added.find((line) => typeof line === 'string');
    if (typeof fault === 'string') return refuse('edit', fault);
    const lines = [...found.lines.filter((line) => !removed.includes(line)), ...(added as Line[])];
    if (
      lines.some(
        (line) =>
          line.recordType === 'CNAME' &&
          lines.some((other) => other !== line && other.type === 'record' && other.name === line.name),
      )
    ) {
      return refuse('edit', 'A CNAME record cannot exist with other records of the same name.');
    }
    found.lines = lines;
    found.serial++;
    for (const line of removed) if (line) await tell(zone, line, 'removed');
    for (const line of added as Line[]) await tell(zone, line, 'added');
    return accept('mass_edit_dns_zone', { new_serial: whm ? String(found.serial) : found.serial });
  }

  function newLine(zone: string, text: string): Line | string {
    let given: { dname?: unknown; ttl?: unknown; record_type?: unknown; data?: unknown };
    try {
      given = JSON.parse(text) as typeof given;
    } catch {
      return 'The “add” argument is not JSON.';
    }
    const { dname, ttl, record_type, data } = given;
    if (Object.keys(given).sort().join() !== FIELDS.join()) return 'A record needs dname, ttl, record_type and data.';
    if (typeof dname !== 'string' || !Number.isInteger(ttl) || Number(ttl) < 1) return 'dname or ttl is wrong';
    const isStrings = Array.isArray(data) && data.every((part) => typeof part === 'string' && part.length < 256);
    if (record_type !== 'TXT' || !isStrings || data.length === 0) return 'A TXT string has at most 255 octets.';
    const absolute = dname.endsWith('.') ? dname : `${dname}.${zone}.`;
    if (`.${absolute}`.endsWith(`.${zone}.`))
      return lineOf(absolute.slice(0, -1), zone, 'TXT', data as string[], Number(ttl));
    return `The name ${dname} is not in the zone ${zone}.`;
  }

  const lineOf = (name: string, zone: string, recordType: string, data: readonly string[], ttl = 14_400): Line => ({
    type: 'record',
    name: settings.relativeNames && name !== zone ? name.slice(0, -zone.length - 1) : `${name}.`,
    recordType,
    ttl,
    data,
    span: 1,
  });

  const tell = async (zone: string, { name, recordType, data }: Line, change: 'added' | 'removed') => {
    if (recordType === 'TXT') await settings.onChange?.(zone, absolute(name, zone), data.join(''), change);
  };

  function accept(command: string, data: unknown): FakeReply {
    if (whm) return json(200, { data, metadata: { command, reason: 'OK', result: 1, version: 1 } });
    const result = { data, errors: null, messages: null, metadata: { transformed: 1 }, status: 1, warnings: null };
    return json(200, nested ? { apiversion: 3, func: command, module: 'DNS', result } : result);
  }

  function refuse(command: string, reason: string): FakeReply {
    if (whm) return json(200, { data: null, metadata: { command, reason, result: 0, version: 1 } });
    const result = { data: null, errors: [reason], messages: null, metadata: {}, status: 0, warnings: null };
    return json(200, nested ? { apiversion: 3, func: command, module: 'DNS', result } : result);
  }

  const zoneOf = (name: string) => {
    const zone = zoneHolding(names, name);
    const found = zones.get(zone ?? '');
    if (zone === undefined || !found) throw new Error(`no zone of the stand-in holds ${name}`);
    return { zone, found };
  };
  const records = () =>
    [...zones].flatMap(([zone, { lines }]) =>
      lines.filter(({ type }) => type === 'record').map((line) => ({ ...line, name: absolute(line.name, zone) })),
    );

  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    options: { url: server.origin, username: CPANEL_USER, token: CPANEL_TOKEN, ...(whm ? { whm } : {}) },
    secrets: [CPANEL_TOKEN],
    calls: { add: 'mass_edit add', remove: 'mass_edit remove' },
    held: (name) =>
      records()
        .filter((line) => line.recordType === 'TXT' && line.name === name)
        .map(({ data }) => data.join('')),
    plant(name, value, type = 'TXT') {
      const { zone, found } = zoneOf(name);
      found.lines.push(lineOf(name, zone, type, type === 'TXT' ? (value.match(/.{1,255}/g) ?? ['']) : [value]));
      found.serial++;
    },
    plantFirst(name, value) {
      const { zone, found } = zoneOf(name);
      found.lines.unshift(lineOf(name, zone, 'TXT', [value]));
      found.serial++;
    },
    unplant(name) {
      const { zone, found } = zoneOf(name);
      found.lines = found.lines.filter((line) => absolute(line.name, zone) !== name);
      found.serial++;
    },
    everything: () =>
      records()
        .filter(({ recordType }) => recordType !== 'SOA')
        .map(({ name, recordType, ttl, data }) => `${name} ${ttl} ${recordType} ${data.join(' ')}`),
    close: () => server.close(),
  };
}

const absolute = (name: string, zone: string): string => (name.endsWith('.') ? name.slice(0, -1) : `${name}.${zone}`);

/** A zone file as the panel makes one: a comment, a directive, an SOA record of several lines and the name servers. */
function newZone(zone: string): Zone {
  const record = { type: 'record', name: `${zone}.`, ttl: 86_400, span: 1 } as const;
  const none = { name: '', recordType: '', ttl: 0, data: [], span: 1 };
  return {
    serial: 2_026_112_101,
    lines: [
      { ...none, type: 'comment', text: '; cPanel first:11.138.0.10 latest:11.138.0.10' },
      { ...none, type: 'control', text: '$TTL 14400' },
      {
        ...record,
        recordType: 'SOA',
        data: ['ns1.host.example.', 'hostmaster.host.example.', 'SERIAL', '3600', '1800', '1209600', '86400'],
        span: 6,
      },
      { ...record, recordType: 'NS', data: ['ns1.host.example.'] },
      { ...record, recordType: 'NS', data: ['NS2.host.example.'] },
    ],
  };
}

function callOf(path: string): 'parse' | 'edit' | 'list' | 'feature' | undefined {
  if (/^\/(execute\/DNS\/parse_zone|json-api\/parse_dns_zone)$/.test(path)) return 'parse';
  if (/^\/(execute\/DNS\/mass_edit_zone|json-api\/mass_edit_dns_zone)$/.test(path)) return 'edit';
  if (/^\/(execute\/DomainInfo\/list_domains|json-api\/listzones)$/.test(path)) return 'list';
  return path === '/execute/Features/has_feature' ? 'feature' : undefined;
}

/** Parameters in the query and in a form's body count alike. */
function formOf({ query, body, headers }: Pick<FakeRequest, 'query' | 'body' | 'headers'>): URLSearchParams {
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  return new URLSearchParams([...new URLSearchParams(query), ...new URLSearchParams(isForm ? body : '')]);
}

function nameOf(request: Omit<FakeRequest, 'call'>): string {
  if (callOf(request.path) !== 'edit') return `${request.method} ${request.path.split('/').at(-1)}`;
  const kinds = [...formOf(request).keys()].map((key) => /^(add|edit|remove)/.exec(key)?.[0]).filter(Boolean);
  return `mass_edit ${[...new Set(kinds)].sort().join(' ')}`;
}
