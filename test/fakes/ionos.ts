import { randomUUID } from 'node:crypto';
import { unquoteTxt } from '../../src/provider.ts';
import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export const IONOS_KEY = {
  prefix: '2d7648e10caf47d4b228bb16a82f3592',
  secret: 'GgNjuBgVNN53-fake-secret-tkE2bSuHL0rQ7xYw',
} as const;

export interface IonosFakeSettings extends StandInSettings {
  /** Zones that are copies of another server's, beside the others. */
  readonly slaveZones?: readonly string[];
  /** The status for a zone id that does not exist. The document only has 401. */
  readonly missingZone?: 401 | 404;
  /** The option `zoneId` of the account is set. */
  readonly withZoneId?: boolean;
}

interface StoredRecord {
  readonly id: string;
  readonly name: string;
  readonly rootName: string;
  readonly type: string;
  /** TXT values are quoted. */
  readonly content: string;
  readonly changeDate: string;
  readonly ttl: number;
  readonly disabled: boolean;
}

interface Zone {
  readonly id: string;
  readonly name: string;
  readonly type: 'NATIVE' | 'SLAVE';
  records: StoredRecord[];
}

export interface IonosFake extends StandIn {
  /** The zone is deleted and made again: it has a new id and no records. */
  renew(zone: string): void;
  /** Switches all records of the name off, as the web interface can. */
  switchOff(name: string): void;
}

const BASE = '/dns/v1';
const CHANGED = '2026-11-21T12:00:00.000Z';
const TYPES = 'A AAAA CNAME MX NS SOA SRV TXT CAA TLSA SMIMEA SSHFP DS HTTPS SVCB CERT URI RP LOC OPENPGPKEY'.split(
  ' ',
);
const FIELDS = ['name', 'type', 'content', 'ttl', 'prio', 'disabled'];

/** The DNS API of IONOS's hosting, by its OpenAPI document (1.0.2) and by answers that lexicon recorded. */
export async function startIonosFake(settings: IonosFakeSettings = {}): Promise<IonosFake> {
  const apiKey = `${IONOS_KEY.prefix}.${IONOS_KEY.secret}`;
  const zones: Zone[] = [
    ...(settings.zones ?? ['example.com']).map((name) => newZone(name, 'NATIVE')),
    ...(settings.slaveZones ?? []).map((name) => newZone(name, 'SLAVE')),
  ];

  async function reply({ method, path, query, headers, body }: FakeRequest): Promise<FakeReply> {
    if (headers['x-api-key'] !== apiKey) return unauthorized();
    const { zoneId, resource, recordId } = parsePath(path);
    if (zoneId === undefined)
      return json(
        200,
        zones.map(({ name, id, type }) => ({ name, id, type })),
      );
    const zone = zones.find((candidate) => candidate.id === zoneId);
    if (!zone)
      return settings.missingZone === 404 ? refuse(404, 'ZONE_NOT_FOUND', 'Zone does not exist.') : unauthorized();
    if (resource === undefined && method === 'GET') return zoneOf(zone, new URLSearchParams(query));
    if (resource === undefined && method === 'PATCH') return store(zone, body, 'replace');
    if (resource === 'records' && recordId === undefined && method === 'POST') return store(zone, body, 'add');
    const record = zone.records.find((candidate) => candidate.id === recordId);
    if (!record) return refuse(404, 'RECORD_NOT_FOUND', 'Record does not exist.');
    if (method === 'GET') return json(200, record);
    await take(zone, [record]);
    return { status: 200 };
  }

  function zoneOf({ name, id, type, records }: Zone, query: URLSearchParams): FakeReply {
    const types = query.get('recordType')?.split(',');
    const found = records.filter(
      (record) =>
        (query.get('recordName') ?? record.name) === record.name &&
        record.name.endsWith(query.get('suffix') ?? '') &&
        (types ?? [record.type]).includes(record.type),
    );
    return json(200, { name, id, type, records: found });
  }

  /** All of the records or none. POST replaces equal records, PATCH all of the same name and type. */
  async function store(zone: Zone, body: string, how: 'add' | 'replace'): Promise<FakeReply> {
    const sent = JSON.parse(body) as unknown;
    if (!Array.isArray(sent) || sent.length === 0) return refuse(400, 'INVALID_DATA', 'The request body is invalid.');
    if (zone.type === 'SLAVE') return refuse(400, 'INVALID_DATA', 'The zone type does not allow this.');
    for (const record of sent as Record<string, unknown>[]) {
      const wrong = wrongIn(record, zone.name, how);
      if (wrong) return json(400, [{ code: 'INVALID_RECORD', message: 'Record is invalid.', parameters: wrong }]);
    }
    const records = (sent as Omit<StoredRecord, 'id'>[]).map(({ name, type, content, ttl = 3600, disabled = false }) =>
      newRecord({ name, rootName: zone.name, type, content: stored(type, content), ttl, disabled }),
    );
    const isReplaced = (old: StoredRecord) =>
      records.some(
        ({ name, type, content }) =>
          old.name === name && old.type === type && (how === 'replace' || old.content === content),
      );
    const kept = zone.records.filter((old) => !isReplaced(old));
    const [gone, served] = [zone.records.filter(isReplaced), zone.records.map(lineOf)];
    zone.records = [...kept, ...records];
    const lines = records.map(lineOf);
    for (const record of gone.filter((old) => !lines.includes(lineOf(old)))) await announce(zone, record, 'removed');
    for (const record of records.filter((one) => !served.includes(lineOf(one)))) await announce(zone, record, 'added');
    return how === 'add' ? json(201, records) : { status: 200 };
  }

  async function take(zone: Zone, records: readonly StoredRecord[]): Promise<void> {
    zone.records = zone.records.filter((record) => !records.includes(record));
    for (const record of records) await announce(zone, record, 'removed');
  }

  async function announce(zone: Zone, { type, name, content }: StoredRecord, change: 'added' | 'removed') {
    if (type === 'TXT') await settings.onChange?.(zone.name, name, unquoteTxt(content), change);
  }

  const zoneAt = (name: string): Zone => {
    const zone = zones.find(
      (one) =>
        one.name ===
        zoneHolding(
          zones.map((candidate) => candidate.name),
          name,
        ),
    );
    if (!zone) throw new Error(`no zone of the fake holds ${name}`);
    return zone;
  };
  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    options: { url: server.origin + BASE, apiKey, ...(settings.withZoneId ? { zoneId: zones[0]?.id } : {}) },
    secrets: [apiKey],
    calls: { add: 'POST records', remove: 'DELETE records' },
    held: (name) =>
      zones.flatMap(({ records }) =>
        records
          .filter((record) => record.name === name && record.type === 'TXT')
          .map(({ content }) => unquoteTxt(content)),
      ),
    plant(name, value, type = 'TXT') {
      const zone = zoneAt(name);
      const content = stored(type, value);
      zone.records.push(newRecord({ name, rootName: zone.name, type, content, ttl: 3600, disabled: false }));
    },
    everything: () => zones.flatMap(({ records }) => records.map(lineOf)),
    renew(name) {
      const zone = zoneAt(name);
      zones.splice(zones.indexOf(zone), 1, newZone(name, zone.type));
    },
    switchOff(name) {
      const zone = zoneAt(name);
      zone.records = zone.records.map((record) => (record.name === name ? { ...record, disabled: true } : record));
    },
    close: () => server.close(),
  };
}

function newZone(name: string, type: Zone['type']): Zone {
  const records = ['ns1057.ui-dns.de', 'ns1087.ui-dns.biz', 'ns1094.ui-dns.org', 'ns1098.ui-dns.com'].map((content) =>
    newRecord({ name, rootName: name, type: 'NS', content, ttl: 86_400, disabled: false }),
  );
  return { id: randomUUID(), name, type, records };
}
const newRecord = (record: Omit<StoredRecord, 'id' | 'changeDate'>): StoredRecord => ({
  ...record,
  id: randomUUID(),
  changeDate: CHANGED,
});

const lineOf = ({ name, type, content, ttl, disabled }: StoredRecord): string =>
  [name, type, content, ttl, disabled].join(' ');

/** A bare TXT value is quoted; every other content stays what it is. */
const stored = (type: string, content: string): string =>
  type === 'TXT' && !content.startsWith('"') ? `"${content}"` : content;

type Wrong = Readonly<Partial<Record<'requiredFields' | 'invalidFields', readonly string[]>>>;

function wrongIn(record: Record<string, unknown>, zone: string, how: 'add' | 'replace'): Wrong | undefined {
  const { name, type, content, ttl = 3600 } = record;
  const required = ['name', 'type', 'content'].filter(
    (field) => typeof record[field] !== 'string' || record[field] === '',
  );
  if (required.length > 0) return { requiredFields: required };
  // lego sends records back to PATCH as it has read them, with their ids.
  const known = how === 'replace' ? [...FIELDS, 'id', 'rootName', 'changeDate'] : FIELDS;
  const invalid = Object.keys(record).filter((field) => !known.includes(field));
  const isInZone = name === zone || String(name).endsWith(`.${zone}`);
  if (!isInZone || name !== String(name).toLowerCase()) invalid.push('name');
  if (!TYPES.includes(String(type))) invalid.push('type');
  if (!Number.isInteger(ttl) || Number(ttl) < 60) invalid.push('ttl');
  if (
    type === 'TXT' &&
    !/^(?:[^"]{1,255}|"(?:[^"\\]|\\.){0,255}"(?: "(?:[^"\\]|\\.){0,255}")*)$/.test(String(content))
  ) {
    invalid.push('content');
  }
  return invalid.length > 0 ? { invalidFields: invalid } : undefined;
}

const refuse = (status: number, code: string, message: string): FakeReply => json(status, [{ code, message }]);

const unauthorized = (): FakeReply =>
  refuse(401, 'UNAUTHORIZED', 'The customer is not authorized to do this operation.');

function nameOf({ method, path }: Omit<FakeRequest, 'call'>): string {
  const { zoneId, resource } = parsePath(path);
  return `${method} ${resource ?? (zoneId === undefined ? 'zones' : 'zone')}`;
}

function parsePath(path: string) {
  const [, zoneId, resource, recordId] =
    /^\/dns\/v1\/zones(?:\/([^/]+))?(?:\/(records))?(?:\/([^/]+))?$/.exec(path) ?? [];
  return { zoneId, resource, recordId };
}
