/**
 * The JSON remote API of ISPConfig 3, as observed on a real 3.2.12p1 (and, where they differ, 3.2.11p1): the functions
 * that a DNS-01 client may call, with their traps.
 */
import { type FakeReply, type FakeRequest, type FaultServer, startFaultServer } from './fault-server.ts';

export interface IspconfigZoneSettings {
  /** Without a dot at its end. */
  readonly name: string;
  readonly active?: 'Y' | 'N';
  readonly serverId?: string;
  /** The client who owns it; 0 is the administrator. */
  readonly clientId?: number;
  readonly serial?: number;
  /** The fault of the form of the zone's SOA, e.g. `minimum_range_error<br />\r\n`. */
  readonly soaFault?: string;
}

export interface IspconfigCustomer {
  readonly username: string;
  readonly password: string;
  readonly clientId: number;
  /** Whether the limits of the client allow the API. */
  readonly api: boolean;
}

export interface IspconfigFakeSettings {
  readonly username?: string;
  readonly password?: string;
  readonly customers?: readonly IspconfigCustomer[];
  /** Default: `example.com`. */
  readonly zones?: readonly IspconfigZoneSettings[];
  /** 3.2.12 inserts a row before it raises the serial, 3.2.11 after it. */
  readonly version?: '3.2.11' | '3.2.12';
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /**
   * Called for every TXT record that begins or ceases to be served, when its zone has a new serial and before the answer
   * is sent, so that a DNS server can follow. Names are full and without a dot at the end.
   */
  readonly onChange?: (
    zone: string,
    name: string,
    type: string,
    data: string,
    change: 'added' | 'removed',
  ) => Promise<void>;
}

/** A line of dns_soa. All columns are strings, as they are sent. */
export interface FakeZone {
  id: string;
  server_id: string;
  sys_userid: string;
  sys_groupid: string;
  /** With a dot at its end. */
  origin: string;
  active: string;
  serial: string;
  rendered_zone: string;
}

/** A line of dns_rr. */
export interface FakeRow {
  id: string;
  server_id: string;
  sys_userid: string;
  sys_groupid: string;
  zone: string;
  name: string;
  type: string;
  data: string;
  aux: string;
  ttl: string;
  active: string;
  stamp: string;
  serial: string;
}

export interface IspconfigFake {
  /** The fault server below; its calls have the names of the panel's functions. */
  readonly server: FaultServer;
  /** For the option `url`. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly zones: FakeZone[];
  readonly rows: FakeRow[];
  /** The functions that the remote user may call; remove some to test missing rights. */
  readonly rights: Set<string>;
  /** Switches of the panel, which can be changed at any time. */
  readonly panel: {
    maintenance: boolean;
    apiDisabled: boolean;
    /** The panel sees every request from another address. */
    addressesChange: boolean;
    /** PHP dies in the next add on 3.2.12 after the row and before the serial. */
    diesBeforeSerial: boolean;
    /** For so many serials the session ends right before the raise: on 3.2.12 the row of an add is there then. */
    sessionsEndBeforeSerial: number;
    /** Every delete answers ok and 0, as for a row of another client. */
    keepsRows: boolean;
  };
  /** The sessions that are open now. */
  readonly sessions: ReadonlyMap<string, unknown>;
  /** The number of successful logins. */
  logins(): number;
  /** As after ten failed logins from this address. */
  lockOut(): void;
  /** Ends all open sessions. */
  expireSessions(): void;
  /** Runs a task just before the panel handles the next call of this function. */
  before(call: string, happens: () => void): void;
  /** Every TXT value that is served at the name (without a dot at its end); duplicates are listed twice. */
  held(name: string): string[];
  /** Stores a row without the API: by default a served TXT of the first zone. */
  plant(row: Partial<FakeRow>): FakeRow;
  serialOf(zone: string): number;
  close(): Promise<void>;
}

const FUNCTIONS = [
  'login',
  'logout',
  'dns_zone_get',
  'dns_zone_get_id',
  'dns_zone_update',
  'dns_txt_get',
  'dns_txt_add',
  'dns_txt_delete',
];
const NEED_RIGHTS = FUNCTIONS.filter((name) => name.startsWith('dns_'));

const PATH = '/remote/json.php';
const LOCKOUT_FAILURES = 10;
const LOCKOUT_WINDOW = 5 * 60_000;
const SESSION_LIFE = 1800_000;

interface Session {
  /** 0 is the remote user, who sees everything. */
  readonly clientId: number;
  readonly until: number;
}

type Params = Readonly<Record<string, unknown>>;
type Table = 'zones' | 'rows';

/** The text of a SoapFault; its number is not sent. */
class RemoteFault extends Error {}
/** The panel's own page, with status 200. */
class AlertPage extends Error {}
/** A PHP fatal: status 500 and nothing else. */
class PhpFatal extends Error {}

export async function startIspconfigFake(settings: IspconfigFakeSettings = {}): Promise<IspconfigFake> {
  const username = settings.username ?? 'acme';
  const password = settings.password ?? 'correct-horse-battery';
  const version = settings.version ?? '3.2.12';
  const now = settings.now ?? Date.now;
  const zoneSettings = settings.zones ?? [{ name: 'example.com' }];
  const zones = zoneSettings.map(makeZone);
  const rows: FakeRow[] = [];
  const rights = new Set(NEED_RIGHTS);
  const panel = {
    maintenance: false,
    apiDisabled: false,
    addressesChange: false,
    diesBeforeSerial: false,
    sessionsEndBeforeSerial: 0,
    keepsRows: false,
  };
  const events: { call: string; happens: () => void }[] = [];
  const sessions = new Map<string, Session>();
  let failures: number[] = [];
  let logins = 0;
  let lastRowId = 18;

  function login({ username: user, password: secret, client_login: asClient }: Params): string {
    scalar(user, secret, asClient);
    if (!user) throw new RemoteFault('The login username is empty.');
    if (!secret) throw new RemoteFault('The login password is empty.');
    if (panel.maintenance) {
      throw new RemoteFault(
        'This ISPConfig installation is currently under maintenance. We should be back shortly. Thank you for your patience.',
      );
    }
    if (isLockedOut()) throw new RemoteFault('The login failure limit has been reached.');
    const clientId = truthy(asClient) ? customerOf(user, secret) : remoteUser(user, secret);
    failures = [];
    logins++;
    const id = `r${Array.from({ length: 40 }, () => Math.floor(Math.random() * 16).toString(16)).join('')}`;
    sessions.set(id, { clientId, until: now() + SESSION_LIFE });
    return id;
  }

  function remoteUser(user: unknown, secret: unknown): number {
    if (String(user).toLowerCase() === username.toLowerCase() && secret === password) return 0;
    throw failedLogin();
  }

  function customerOf(user: unknown, secret: unknown): number {
    const customer = settings.customers?.find((one) => one.username === user && one.password === secret);
    if (!customer) throw failedLogin();
    if (!customer.api) throw new RemoteFault('The login failed. Client may not use api.');
    return customer.clientId;
  }

  function failedLogin(): RemoteFault {
    failures.push(now());
    return new RemoteFault('The login failed. Username or password wrong.');
  }

  function isLockedOut(): boolean {
    return failures.filter((at) => at > now() - LOCKOUT_WINDOW).length >= LOCKOUT_FAILURES;
  }

  function sessionOf({ session_id: id }: Params): Session {
    if (id === undefined || id === null || id === '') throw new RemoteFault('The SessionID is empty.');
    if (typeof id !== 'string') throw new RemoteFault('Wrong SessionID datatype.');
    if (isLockedOut()) throw new RemoteFault('The Session failure limit has been reached.');
    const session = sessions.get(id);
    if (!session || session.until <= now()) {
      failures.push(now());
      throw new RemoteFault('The Session is expired or does not exist.');
    }
    if (panel.addressesChange) throw new RemoteFault('Session IP mismatch.');
    return session;
  }

  function demandRight(name: string, session: Session): void {
    if (session.clientId === 0 && !rights.has(name)) {
      throw new RemoteFault('You do not have the permissions to access this function.');
    }
  }

  async function call(name: string, params: Params): Promise<unknown> {
    const at = events.findIndex((event) => event.call === name);
    if (at >= 0) events.splice(at, 1)[0]?.happens();
    if (name === 'login') return login(params);
    if (name === 'logout') return logout(params);
    const session = sessionOf(params);
    demandRight(name, session);
    if (name === 'dns_zone_get') return get('zones', params['primary_id'], session);
    if (name === 'dns_zone_update') return updateZone(params);
    if (name === 'dns_zone_get_id') return zoneIdByPrefix(params['origin']);
    if (name === 'dns_txt_get') return get('rows', params['primary_id'], session);
    if (name === 'dns_txt_add') return add(params, session);
    if (name === 'dns_txt_delete') return remove(params, session);
    throw new PhpFatal();
  }

  function logout({ session_id: id }: Params): boolean {
    if (!id) throw new RemoteFault('The SessionID is empty.');
    sessions.delete(String(id));
    return true;
  }

  /** By id: one line or null. By a filter: always a list. Otherwise an empty list, without a fault. */
  function get(table: Table, key: unknown, session: Session): unknown {
    const all: readonly (FakeZone | FakeRow)[] = table === 'zones' ? zones : rows;
    const visible = all.filter((line) => mayChange(line, session));
    if (typeof key === 'object' && key !== null) return search(visible, key as Params);
    if (!/^-?\d+$/.test(String(key))) return [];
    if (Number(key) === -1) return all;
    if (Number(key) <= 0) throw new RemoteFault('The ID has to be > 0 or -1.');
    return visible.find(({ id }) => id === String(key)) ?? null;
  }

  const mayChange = (line: FakeZone | FakeRow, session: Session): boolean =>
    session.clientId === 0 || line.sys_groupid === groupOf(session.clientId);

  /** The trap: the panel takes the text as the beginning of a name, and `_` as any character. */
  function zoneIdByPrefix(origin: unknown): number {
    const text = String(origin ?? '');
    if (text.endsWith('.')) throw new RemoteFault('Invalid domain name.');
    const zone = zones.find((one) => like(one.origin, `${text}%`));
    if (!zone) throw new RemoteFault('There is no domain ID with informed domain name.');
    return Number(zone.id);
  }

  async function add(params: Params, session: Session): Promise<string> {
    const given = params['params'];
    const raise = truthy(params['update_serial']);
    if (typeof given !== 'object' || given === null) {
      throw new RemoteFault(
        "Column 'server_id' cannot be null INSERT INTO dns_rr (`server_id`, `zone`) VALUES (NULL, NULL)",
      );
    }
    const row = newRow(given as Params);
    const clientId = session.clientId > 0 ? 0 : clientOf(params['client_id']);
    const owner = session.clientId > 0 ? session.clientId : clientId;
    Object.assign(row, { sys_userid: userOf(owner), sys_groupid: groupOf(owner) });
    if (raise && version === '3.2.11') raiseSerial(params, row.zone, session, clientId);
    row.id = String(++lastRowId);
    rows.push(row);
    if (panel.diesBeforeSerial) {
      panel.diesBeforeSerial = false;
      throw new PhpFatal();
    }
    if (raise && version === '3.2.12') raiseSerial(params, row.zone, session, clientId);
    if (raise) await report(row, 'added');
    return row.id;
  }

  function newRow(given: Params): FakeRow {
    scalar(...Object.values(given));
    const text = (key: string) => (given[key] === undefined || given[key] === null ? '' : String(given[key]));
    const name = text('name').toLowerCase();
    if (!/^(\*\.)?[a-z0-9._-]*$/.test(name)) throw new RemoteFault('name_error_regex<br />\r\n');
    if (text('data') === '') throw new RemoteFault('data_error_empty<br />\r\n');
    const ttl = /^\d*$/.test(text('ttl')) ? Number(text('ttl')) : Number.NaN;
    if (ttl < 60) throw new RemoteFault('ttl_range_error<br />\r\n');
    const type = text('type').toUpperCase();
    return {
      id: '',
      server_id: String(Number.parseInt(text('server_id'), 10) || 0),
      sys_userid: '1',
      sys_groupid: '1',
      zone: String(Number.parseInt(text('zone'), 10) || 0),
      name: isStorableName(name) ? name : '',
      type: ['TXT', 'A', 'AAAA', 'CNAME', 'MX', 'NS'].includes(type) ? type : '',
      data: text('data'),
      aux: String(Number.parseInt(text('aux'), 10) || 0),
      ttl: String(ttl || 0),
      active: typeof given['active'] === 'string' && given['active'].toUpperCase() === 'Y' ? 'Y' : 'N',
      stamp: text('stamp') || '0000-00-00 00:00:00',
      serial: String(Number.parseInt(text('serial'), 10) || 0),
    };
  }

  function clientOf(given: unknown): number {
    const clientId = Number.parseInt(String(given ?? 0), 10) || 0;
    const known = [...zoneSettings, ...(settings.customers ?? [])].some((one) => one.clientId === clientId);
    if (clientId !== 0 && !known && version === '3.2.12') throw new RemoteFault(`Invalid client_id ${clientId}`);
    return clientId;
  }

  /** Returns only the form errors of an empty new zone, or the answer to an unknown id. Changes nothing. */
  function updateZone(params: Params): number {
    clientOf(params['client_id']);
    if (params['primary_id'] === -1) throw new RemoteFault(EMPTY_ZONE_FAULT);
    if (zones.some(({ id }) => id === String(params['primary_id']))) throw new PhpFatal();
    return 0;
  }

  function raiseSerial(params: Params, zoneId: string, session: Session, clientId: number): void {
    if (panel.sessionsEndBeforeSerial > 0) {
      panel.sessionsEndBeforeSerial--;
      sessions.clear();
    }
    sessionOf(params);
    demandRight('dns_zone_get', session);
    demandRight('dns_zone_update', session);
    const zone = zones.find(({ id }) => id === zoneId);
    if (!zone || !mayChange(zone, session)) throw new AlertPage('Primary ID fehlt!');
    const fault = zoneSettings[zones.indexOf(zone)]?.soaFault;
    if (fault) throw new RemoteFault(fault);
    zone.serial = String(nextSerial(Number(zone.serial), now()));
    // The trap: the zone now belongs to the client of the record.
    if (clientId > 0) Object.assign(zone, { sys_userid: userOf(clientId), sys_groupid: groupOf(clientId) });
  }

  async function remove(params: Params, session: Session): Promise<number> {
    const key = params['primary_id'];
    const id = String(key ?? '');
    if (typeof key === 'object' || !/^-?\d+$/.test(id)) {
      throw new RemoteFault(`Unknown column '${id}' in 'WHERE' DELETE FROM dns_rr WHERE id = ${id}`);
    }
    if (id === '0') throw new RemoteFault('The ID has to be > 0 or -1.');
    if (id === '-1') return 0;
    const row = rows.find((one) => one.id === id);
    const raise = truthy(params['update_serial']);
    if (raise) raiseSerial(params, row?.zone ?? '', session, 0);
    if (!row || !mayChange(row, session) || panel.keepsRows) return 0;
    rows.splice(rows.indexOf(row), 1);
    if (raise) await report(row, 'removed');
    return 1;
  }

  async function report(row: FakeRow, change: 'added' | 'removed'): Promise<void> {
    const zone = zones.find(({ id }) => id === row.zone);
    if (zone?.active !== 'Y' || row.active !== 'Y' || row.type !== 'TXT') return;
    await settings.onChange?.(undotted(zone.origin), fullNameOf(row), row.type, row.data, change);
  }

  /** The served name: without a dot at its end it is relative to the row's zone. */
  function fullNameOf({ name, zone: zoneId }: FakeRow): string {
    const origin = zones.find(({ id }) => id === zoneId)?.origin ?? '';
    if (name.endsWith('.') || origin === '') return undotted(name);
    return undotted(name === '' ? origin : `${name}.${origin}`);
  }

  async function reply(request: FakeRequest): Promise<FakeReply> {
    if (request.path === '/remote/index.php') return { status: 500, headers: XML, body: SOAP_FAULT };
    if (request.path !== PATH) return { status: 200, headers: HTML, body: LOGIN_PAGE };
    if (panel.apiDisabled) return { status: 200, headers: HTML, body: 'Remote API is disabled in security settings.' };
    if (request.call === '') return json('invalid_method', 'Method not provided in json call', false);
    const params = parseObject(request.body);
    if (!params) return json('invalid_data', 'The JSON data sent to the api is invalid', false);
    if (!FUNCTIONS.includes(request.call)) {
      return json('invalid_method', `Method ${request.call} does not exist`, false);
    }
    try {
      return json('ok', '', await call(request.call, params));
    } catch (error) {
      if (error instanceof RemoteFault) return json('remote_fault', error.message, false);
      if (error instanceof AlertPage) return { status: 200, headers: HTML, body: alertPage(error.message) };
      if (error instanceof PhpFatal) return { status: 500, headers: HTML, body: '' };
      throw error;
    }
  }

  const server = await startFaultServer({
    nameOf: ({ query }) => decodeURIComponent(query.split('&')[0]?.split('=')[0] ?? ''),
    reply,
  });

  return {
    server,
    url: `${server.origin}${PATH}`,
    username,
    password,
    zones,
    rows,
    rights,
    panel,
    sessions,
    logins: () => logins,
    lockOut() {
      failures = Array.from({ length: LOCKOUT_FAILURES }, now);
    },
    expireSessions: () => sessions.clear(),
    before: (call, happens) => void events.push({ call, happens }),
    held: (name) =>
      rows
        .filter((row) => row.type === 'TXT' && row.active === 'Y' && fullNameOf(row) === name)
        .map(({ data }) => data),
    plant(row) {
      const zone = zones[0];
      const whole = { server_id: zone?.server_id ?? '1', zone: zone?.id ?? '0', type: 'TXT', ttl: '60', active: 'Y' };
      const planted = { ...newRow({ ...whole, name: 'x', data: 'x', aux: '0' }), ...row };
      planted.id = row.id ?? String(++lastRowId);
      rows.push(planted);
      return planted;
    },
    serialOf: (name) => Number(zones.find(({ origin }) => origin === `${name}.`)?.serial),
    close: () => server.close(),
  };
}

function makeZone(settings: IspconfigZoneSettings, index: number): FakeZone {
  const clientId = settings.clientId ?? 0;
  return {
    id: String(index + 1),
    server_id: settings.serverId ?? '1',
    sys_userid: userOf(clientId),
    sys_groupid: groupOf(clientId),
    origin: `${settings.name}.`,
    active: settings.active ?? 'Y',
    serial: String(settings.serial ?? 1),
    rendered_zone: `$TTL 3600\n@ IN SOA ns1.${settings.name}. mbox.${settings.name}. ( 1 7200 540 604800 3600 )\n`,
  };
}

/** The administrator is user 1 of group 1; every client has a user and a group. */
const userOf = (clientId: number): string => String(clientId + 1);
const groupOf = userOf;

const undotted = (name: string): string => name.replace(/\.$/, '');

/** A value that PHP treats as true. */
const truthy = (value: unknown): boolean => Boolean(value) && value !== '0';

/** PHP dies of a list or object where it expects a text. */
function scalar(...values: readonly unknown[]): void {
  if (values.some((value) => typeof value === 'object' && value !== null)) throw new PhpFatal();
}

/** `YYYYMMDDnn`: one more on the same day or a later one, else the first of today; limited to 32 bits. */
function nextSerial(serial: number, now: number): number {
  const today = Number(new Date(now).toISOString().slice(0, 10).replaceAll('-', ''));
  const day = Math.floor(serial / 100);
  return Math.min(4294967295, day >= today ? serial + 1 : today * 100 + 1);
}

/** Names with other labels are stored empty, which is the top of the zone. */
function isStorableName(name: string): boolean {
  return undotted(name)
    .split('.')
    .every((label) => label.length > 0 && label.length <= 63 && !/^-|-$|^(?!xn)..--/.test(label));
}

/**
 * Columns are compared without regard to case and trailing spaces; `%` makes it a LIKE. An unknown column finds nothing,
 * and so does every column after the paging keys, because the panel then mixes up the values (read in its source).
 */
function search(lines: readonly (FakeZone | FakeRow)[], filter: Params): readonly (FakeZone | FakeRow)[] {
  const offset = Number(filter['#OFFSET#'] ?? 0);
  const limit = Number(filter['#LIMIT#'] ?? lines.length);
  const columns = Object.entries(filter).filter(([column]) => !column.startsWith('#'));
  scalar(...columns.map(([, value]) => value));
  const keys = Object.keys(filter);
  const isMixedUp = keys.some((key, index) => key.startsWith('#') && index < columns.length);
  if (isMixedUp) return [];
  const found = lines.filter((line) => columns.every(([column, value]) => matches(line, column, value)));
  return found.slice(offset, offset + limit);
}

function matches(line: FakeZone | FakeRow, column: string, value: unknown): boolean {
  const stored: unknown = Object.hasOwn(line, column) ? Reflect.get(line, column) : undefined;
  if (typeof stored !== 'string') return false;
  const wanted = String(value ?? '');
  return wanted.includes('%') ? like(stored, wanted) : folded(stored) === folded(wanted);
}

const folded = (text: string): string => text.toLowerCase().trimEnd();

function like(text: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.');
  return new RegExp(`^${source}$`, 'is').test(text);
}

function parseObject(body: string): Params | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Params) : undefined;
  } catch {
    return undefined;
  }
}

const EMPTY_ZONE_FAULT = [
  ...['server_id_error_empty', 'origin_error_empty', 'origin_error_regex', 'ns_error_regex', 'mbox_error_empty'],
  ...['mbox_error_regex', 'refresh_range_error', 'retry_range_error', 'expire_range_error', 'minimum_range_error'],
  'ttl_range_error',
]
  .map((fault) => `${fault}<br />\r\n`)
  .join('');

const HTML = { 'content-type': 'text/html; charset=UTF-8' };
const XML = { 'content-type': 'text/xml; charset=utf-8' };
const SOAP_FAULT =
  '<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body><SOAP-ENV:Fault><faultcode>SOAP-ENV:Server</faultcode><faultstring>Bad Request</faultstring></SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>';
const LOGIN_PAGE = '<!DOCTYPE html><html><head><title>ISPConfig Login</title></head><body><form></form></body></html>';

const alertPage = (text: string): string =>
  `<div class='alert alert-danger clear'><strong>ERROR</strong><ol><li>${text}</li></ol></div>`;

function json(code: string, message: string, response: unknown): FakeReply {
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset="utf-8"' },
    body: JSON.stringify({ code, message, response }),
  };
}
