import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface TechnitiumFakeSettings extends StandInSettings {
  /** 12: no strings of TXT records, and no word about records that exist or do not. */
  readonly release?: '12' | '15';
  /** Zones of this server that the user of the token may not see or change. */
  readonly forbidden?: readonly string[];
  /** The type of a zone; default: `Primary`. */
  readonly types?: Readonly<Record<string, string>>;
  /** Called after each call and before its answer: another program may write in that moment. */
  readonly afterCall?: (call: string) => void;
}

export interface TechnitiumFake extends StandIn {
  /** Removes the records of a name without the API. */
  unplant(name: string): void;
  /** Stores a TXT record of these strings. */
  plantStrings(name: string, strings: readonly string[], more?: Partial<StoredRecord>): void;
}

interface StoredRecord {
  readonly zone: string;
  readonly name: string;
  readonly type: string;
  /** The strings of a TXT record; the data of another record. */
  readonly strings: readonly string[];
  readonly ttl: number;
  readonly disabled: boolean;
}

export const TECHNITIUM_TOKEN = '932b2a3495852c15af01598f62563ae534460388b6a370bfbbb8bb6094b698e9';

/** The parameters of the calls, by the API document; the server ignores others, here they are a mistake. */
const FIELDS: Readonly<Record<string, RegExp>> = {
  '/api/zones/list': /^(token|pageNumber|zonesPerPage)$/,
  '/api/zones/records/get': /^(token|domain|zone|listZone)$/,
  '/api/zones/records/add': /^(token|domain|zone|type|ttl|overwrite|comments|expiryTtl|text|splitText)$/,
  '/api/zones/records/delete': /^(token|domain|zone|type|text|splitText)$/,
};

class Refused extends Error {}

/** The API of Technitium DNS Server for one token, by its document and its source (15.2, and 11.5.3 to 13.0). */
export async function startTechnitiumFake(settings: TechnitiumFakeSettings = {}): Promise<TechnitiumFake> {
  const { release = '15', forbidden = [], types = {} } = settings;
  const zones = [...(settings.zones ?? ['example.com']), ...forbidden];
  let records: StoredRecord[] = [];

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const answer = await answerTo(request).catch((error: unknown) => {
      if (error instanceof Refused) return json(200, { server: 'ns1', status: 'error', errorMessage: error.message });
      throw error;
    });
    settings.afterCall?.(request.call);
    return answer;
  }

  async function answerTo({ method, path, query, headers, body }: FakeRequest): Promise<FakeReply> {
    const fields = FIELDS[path];
    if (!fields || !['GET', 'POST'].includes(method)) return { status: 404, headers: { 'content-length': '0' } };
    // A form is read only with its own content type; the address comes first.
    const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
    const given = new URLSearchParams(query);
    if (isForm) for (const [key, value] of new URLSearchParams(body)) if (!given.has(key)) given.set(key, value);
    const bearer = release === '15' ? headers['authorization']?.match(/^Bearer (.*)$/i)?.[1] : undefined;
    if ((bearer ?? given.get('token')) !== TECHNITIUM_TOKEN) {
      const errorMessage = 'Invalid token or session expired.';
      return json(200, { server: 'ns1', status: 'invalid-token', errorMessage });
    }
    const unknown = [...given.keys()].find((key) => !fields.test(key));
    if (unknown) throw new Refused(`unknown parameter ${unknown}`);
    if (path === '/api/zones/list') return listZones(given);

    const name = need(given, 'domain').replace(/^\.|\.$/g, '');
    // The closest zone to the one that is asked for, which may be a parent of it.
    const zone = zoneHolding(zones, (given.get('zone') ?? name).replace(/\.$/, ''));
    if (zone === undefined) throw new Refused(`No such zone was found: ${name}`);
    if (forbidden.includes(zone)) throw new Refused('Access was denied.');
    if (path.endsWith('/get')) {
      const found = records.filter((record) => record.zone === zone && record.name === name);
      return ok({ zone: shownZone(zone), records: found.map(shownRecord) });
    }
    if (!/^(Primary|Forwarder)$/.test(typeOf(zone))) {
      const verb = path.endsWith('/add') ? 'add' : 'delete';
      throw new Refused(`Cannot ${verb} record in ${typeOf(zone)} zone.`);
    }
    if (name !== zone && !name.endsWith(`.${zone}`)) throw new Refused(`The domain name '${name}' is not in ${zone}.`);
    if (need(given, 'type') !== 'TXT') throw new Refused("Requested value was not found for 'type'.");
    const text = need(given, 'text');
    const strings = given.get('splitText') === 'true' ? text.split('\n') : splitText(text);
    return path.endsWith('/add') ? add(zone, name, strings, given) : remove(zone, name, strings);
  }

  async function add(zone: string, name: string, strings: readonly string[], given: URLSearchParams) {
    const ttl = Number(given.get('ttl') ?? 3600);
    const atName = records.filter((record) => record.name === name);
    if (atName.some(({ type }) => type === 'CNAME')) {
      throw new Refused('Cannot add record: a CNAME record cannot exists with other record types for the same name.');
    }
    const same = atName.find((record) => record.type === 'TXT' && isEqual(record.strings, strings));
    if (same?.ttl === ttl && release === '15') throw new Refused('Cannot add record: record already exists.');
    // The whole record set gets the new TTL; a record that was disabled stays that way.
    records = records.map((each) => (each.name === name && each.type === 'TXT' ? { ...each, ttl } : each));
    const added = { zone, name, type: 'TXT', strings, ttl, disabled: false };
    if (!same) {
      records.push(added);
      await settings.onChange?.(zone, name, strings.join(''), 'added');
    }
    return ok({ zone: shownZone(zone), addedRecord: shownRecord(added) });
  }

  async function remove(zone: string, name: string, strings: readonly string[]) {
    const own = records.find(
      (record) => record.name === name && record.type === 'TXT' && isEqual(record.strings, strings),
    );
    if (!own && release === '15') throw new Refused('Cannot delete record: no such record exists.');
    records = records.filter((record) => record !== own);
    if (own) await settings.onChange?.(zone, name, strings.join(''), 'removed');
    return ok({});
  }

  function listZones(given: URLSearchParams): FakeReply {
    const visible = [...zones].filter((zone) => !forbidden.includes(zone)).sort();
    const all = [...visible.map(shownZone), { ...shownZone('localhost'), internal: true }];
    if (!given.has('pageNumber')) return ok({ zones: all });
    const size = Number(given.get('zonesPerPage') ?? 10);
    const totalPages = Math.ceil(all.length / size);
    const page = Math.min(Number(given.get('pageNumber')), totalPages);
    const shown = all.slice((page - 1) * size, page * size);
    return ok({ pageNumber: page, totalPages, totalZones: all.length, zones: shown });
  }

  const typeOf = (zone: string): string => types[zone] ?? 'Primary';

  function shownZone(name: string) {
    const type = typeOf(name);
    return { name, type, lastModified: '2026-02-26T07:57:08Z', disabled: false, soaSerial: 35, internal: false };
  }

  function shownRecord({ name, type, strings, ttl, disabled }: StoredRecord) {
    const text = strings.join('');
    const more = release === '15' ? { splitText: strings.length > 1, characterStrings: strings } : {};
    const rData = type === 'TXT' ? { text, ...more } : type === 'NS' ? { nameServer: text } : { ipAddress: text };
    return { name, type, ttl, disabled, rData, dnssecStatus: 'Unknown', lastUsedOn: '0001-01-01T00:00:00' };
  }

  const store = (name: string, type: string, strings: readonly string[], more: Partial<StoredRecord> = {}) => {
    records.push({ zone: zoneHolding(zones, name) ?? '', name, type, strings, ttl: 60, disabled: false, ...more });
  };
  const server = await startFaultServer({ nameOf: ({ path }) => path.replace(/^\/api\/zones\//, ''), reply });
  return {
    server,
    options: { url: server.origin, token: TECHNITIUM_TOKEN },
    secrets: [TECHNITIUM_TOKEN],
    calls: { add: 'records/add', remove: 'records/delete' },
    held: (name) =>
      records
        .filter((record) => record.name === name && record.type === 'TXT' && !record.disabled)
        .map(({ strings }) => strings.join(''))
        .sort(),
    plant: (name, value, type = 'TXT') => store(name, type, type === 'TXT' ? splitText(value) : [value]),
    plantStrings: (name, strings, more) => store(name, 'TXT', strings, more),
    unplant(name) {
      records = records.filter((record) => record.name !== name);
    },
    everything: () => records.map((record) => JSON.stringify(record)),
    close: () => server.close(),
  };
}

/** Every answer has the status 200. */
const ok = (response: object): FakeReply => json(200, { server: 'ns1', response, status: 'ok' });

function need(given: URLSearchParams, field: string): string {
  const value = given.get(field);
  if (!value) throw new Refused(`Parameter '${field}' missing.`);
  return value;
}

const splitText = (text: string): string[] => text.match(/.{1,255}/gs) ?? [''];

const isEqual = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((string, index) => string === other[index]);
