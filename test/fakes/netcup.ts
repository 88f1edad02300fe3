import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface NetcupSettings extends StandInSettings {
  /** What the API does with a second, identical record; netcup's documents do not say. Default: store it. */
  readonly duplicates?: 'store' | 'refuse';
  /** What it does with the others where one record of a request is refused; not said either. Default: nothing. */
  readonly refusals?: 'all' | 'single';
  /** After how many calls a session ends. The live API ends some long before their 15 minutes. */
  readonly callsPerSession?: number;
  /** From which request on the rate limit counts as exceeded. */
  readonly requests?: number;
}

interface NetcupRecord {
  readonly id: string;
  readonly hostname: string;
  readonly type: string;
  readonly priority: string;
  readonly destination: string;
  readonly deleterecord: false;
  readonly state: 'unknown' | 'yes';
}

type Fields = Readonly<Record<string, unknown>>;

/** The login of the customer. */
export const NETCUP_LOGIN = {
  customerNumber: '123456',
  apiKey: 'aXBhc3N3b3JkMTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnM',
  apiPassword: 'netcup-api-password-1+/=',
};

const PATH = '/run/webservice/servers/endpoint.php';
const FIELDS = ['id', 'hostname', 'type', 'priority', 'destination', 'deleterecord', 'state', 'ttl'];
const TYPES = 'A AAAA MX CNAME CAA SRV TXT TLSA NS DS OPENPGPKEY SMIMEA SSHFP'.split(' ');

const TOO_MANY =
  'More than 180 requests per minute. Please wait and retry later. Please contact our customer service to find out if the limitation of requests can be increased.';

/**
 * netcup's CCP API for one customer, in JSON, by its description (endpoint.php), the answers that dns-lexicon recorded, and
 * the error answers that users of other clients have reported: 4001, 4013, 5028, 5029, 5031.
 */
export async function startNetcupFake(settings: NetcupSettings = {}): Promise<StandIn> {
  const login = NETCUP_LOGIN;
  const zones = new Map((settings.zones ?? ['example.com']).map((zone) => [zone, [] as NetcupRecord[]]));
  /** How many calls each open session has left. */
  const sessions = new Map<string, number>();
  let lastId = 11_758_000;
  let requests = 0;

  async function reply({ method, path, query, body }: FakeRequest): Promise<FakeReply> {
    if (method !== 'POST' || path !== PATH || query !== 'JSON') return { status: 404, body: '<h1>Not Found</h1>' };
    const { action, param = {} } = JSON.parse(body) as { action: string; param?: Fields };
    const says = answer(action);
    if (++requests > (settings.requests ?? Number.POSITIVE_INFINITY)) return says(4013, 'Validation Error.', TOO_MANY);
    if (String(param['customernumber']) !== login.customerNumber || param['apikey'] !== login.apiKey) {
      return says(4013, 'Validation Error.', 'Api key missing or not valid for this customer.');
    }
    if (action === 'login') {
      if (param['apipassword'] !== login.apiPassword) return says(4013, 'Validation Error.', 'Api password not valid.');
      const apisessionid = `NWNUNzM4NDYy${sessions.size}MTlTNnZBbW9IYVRqR2JyU2ZCUm1RSTUy`;
      sessions.set(apisessionid, settings.callsPerSession ?? 1000);
      return says(2000, 'Login successful', 'Session has been created successful.', { apisessionid });
    }
    const session = String(param['apisessionid']);
    const left = sessions.get(session) ?? 0;
    if (left === 0) return says(4001, 'Validation Error.', 'The session id is not in a valid format.');
    sessions.set(session, left - 1);
    if (action === 'logout') {
      sessions.set(session, 0);
      return says(2000, 'Logout successful', 'Session has been terminated successful.');
    }
    const name = String(param['domainname']);
    if (!/^[a-z0-9-]+\.[a-z]+(\.uk)?$/.test(name)) {
      return says(
        4013,
        'Validation Error.',
        'Value in field domainname does not match requirements of type: domainname. ',
      );
    }
    const zone = zones.get(name);
    if (action === 'infoDnsZone') {
      if (!zone) return says(5031, 'Getting DNS zone failed', 'Can not get DNS records for zone.  Domain not found.');
      const head = { name, ttl: '86400', serial: '2026112101', refresh: '28800', retry: '7200', expire: '1209600' };
      return says(2000, 'DNS zone found', 'DNS zone was found.', { ...head, dnssecstatus: false });
    }
    if (action === 'infoDnsRecords') {
      if (!zone)
        return says(5029, 'Getting DNS records failed', 'Can not get DNS records for zone.  Domain not found.');
      if (zone.length === 0) return says(5029, 'Getting DNS records failed', 'Can not get DNS records for zone.');
      return says(2000, 'DNS records found', 'DNS Records for this zone were found.', shown(zone));
    }
    if (action !== 'updateDnsRecords') return says(4013, 'Validation Error.', 'Unknown action.');
    if (!zone) {
      const text = `Can not update (all) DNS records for zone. The zone ${name} could not be found.`;
      return says(5028, 'Update of DNS records failed', text);
    }
    const { dnsrecords } = param['dnsrecordset'] as { dnsrecords: readonly Fields[] };
    const problems = await update(name, zone, dnsrecords);
    if (problems.length > 0) return says(4013, 'Validation Error.', problems.join(' '));
    return says(
      2000,
      'DNS records successful updated',
      'The given DNS records for this zone were updated.',
      shown(zone),
    );
  }

  /** Makes the changes and returns what is wrong with the others. */
  async function update(name: string, zone: NetcupRecord[], edits: readonly Fields[]): Promise<string[]> {
    const problems = edits.map((edit) => problemOf(zone, edit));
    const found = problems.filter((problem) => problem !== undefined);
    if (found.length > 0 && settings.refusals !== 'single') return found;
    for (const [index, edit] of edits.entries()) if (problems[index] === undefined) await apply(name, zone, edit);
    return found;
  }

  function problemOf(zone: readonly NetcupRecord[], edit: Fields): string | undefined {
    const { id = '', hostname, type, priority = '', destination, deleterecord = false } = edit;
    // lego has sent a ttl, which had no effect.
    const unknown = Object.keys(edit).find((key) => !FIELDS.includes(key));
    if (unknown !== undefined) return `Unknown field ${unknown}.`;
    if (typeof hostname !== 'string' || !/^(@|\*|[\w*-]+(\.[\w-]+)*\.?)$/.test(hostname)) {
      return 'der Host darf nicht leer sein oder aus Sonderzeichen bestehen';
    }
    if (typeof type !== 'string' || !TYPES.includes(type)) return 'The type of the record is not valid.';
    if (typeof destination !== 'string' || destination === '') return 'The destination must not be empty.';
    if (!/^\d*$/.test(String(priority))) return 'The priority is not valid.';
    if (!/^(true|false)$/i.test(String(deleterecord))) return 'Value in field deleterecord is not a boolean.';
    if (type === 'TXT' && /["\\]/.test(destination)) {
      return 'Please put quotation marks in front of a backslash. The name server automatically sets quotation marks at the beginning and end.';
    }
    if (id !== '' && !zone.some((record) => record.id === String(id))) return `DNS record ${id} was not found.`;
    const isTwin = (each: NetcupRecord) =>
      each.hostname === hostname && each.type === type && each.destination === destination && each.id !== id;
    if (settings.duplicates === 'refuse' && !isTrue(deleterecord) && zone.some(isTwin)) {
      return 'Can not update (all) DNS records for zone. The record already exists.';
    }
    return undefined;
  }

  async function apply(name: string, zone: NetcupRecord[], edit: Fields): Promise<void> {
    const { id, hostname, type, priority, destination, deleterecord } = edit;
    const index = zone.findIndex((record) => record.id === String(id));
    const [old] = index < 0 ? [] : zone.splice(index, 1);
    if (old) await tell(name, old, 'removed');
    if (isTrue(deleterecord)) return;
    const given = { hostname: String(hostname), type: String(type), destination: String(destination) };
    const record = recordOf(old?.id ?? String(++lastId), { ...given, priority: String(priority || 0) });
    zone.push(record);
    await tell(name, record, 'added');
  }

  async function tell(zone: string, record: NetcupRecord, change: 'added' | 'removed'): Promise<void> {
    if (record.type === 'TXT') await settings.onChange?.(zone, nameIn(zone, record), record.destination, change);
  }

  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    options: { url: server.origin + PATH, ...login },
    secrets: [login.apiKey, login.apiPassword],
    calls: { add: 'updateDnsRecords', remove: 'updateDnsRecords' },
    held: (name) =>
      [...zones].flatMap(([zone, records]) =>
        records
          .filter((record) => record.type === 'TXT' && nameIn(zone, record) === name)
          .map(({ destination }) => destination),
      ),
    plant(name, value, type = 'TXT') {
      const zone = zoneHolding(zones.keys(), name) ?? '';
      const hostname = name === zone ? '@' : name.slice(0, -zone.length - 1);
      zones.get(zone)?.push(recordOf(String(++lastId), { hostname, type, destination: value, priority: '0' }));
    },
    everything: () =>
      [...zones].flatMap(([zone, records]) => records.map((record) => `${zone} ${JSON.stringify(record)}`)),
    close: () => server.close(),
  };
}

function nameOf({ body }: Omit<FakeRequest, 'call'>): string {
  return /"action":\s*"(\w+)"/.exec(body)?.[1] ?? 'unknown';
}

/** `Responsemessage`; the status of the HTTP answer is always 200. */
const answer =
  (action: string) =>
  (statuscode: number, shortmessage: string, longmessage: string, responsedata: unknown = ''): FakeReply =>
    json(200, {
      serverrequestid: '22XjjZj97MR5R1J0Mc1FJN32hVVK',
      clientrequestid: '',
      action,
      status: statuscode === 2000 ? 'success' : 'error',
      statuscode,
      shortmessage,
      longmessage,
      responsedata,
    });

/** In no order that a client could rely on. */
const shown = (zone: readonly NetcupRecord[]) => ({ dnsrecords: zone.toReversed() });

/** In the order of the recorded answers, which some clients count on. */
const recordOf = (
  id: string,
  { hostname, type, priority, destination }: Pick<NetcupRecord, 'hostname' | 'type' | 'destination' | 'priority'>,
): NetcupRecord => ({ id, hostname, type, priority, destination, deleterecord: false, state: 'unknown' });

const nameIn = (zone: string, { hostname }: NetcupRecord): string =>
  hostname.endsWith('.') ? hostname.slice(0, -1) : hostname === '@' ? zone : `${hostname}.${zone}`;

/** Clients send it as a boolean or as text. */
const isTrue = (value: unknown): boolean => /^true$/i.test(String(value));
