import { quoteTxt, unquoteTxt } from '../../src/provider.ts';
import { ACCOUNT, invalid, refusal, type StoredRecord, shownRecord, shownZone, success } from './cloudflare-answers.ts';
import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface CloudflareFakeSettings extends StandInSettings {
  /** False for a token that may change DNS and does not see its zone (lexicon recorded such an answer in 2020). */
  readonly seesZones?: boolean;
  /** A token of an account is verified at another path than one of a user. */
  readonly tokenOf?: 'user' | 'account';
  readonly token?: string;
  readonly expiresOn?: string;
  /** At most so many records and zones a page, whatever is asked for. */
  readonly pageSize?: number;
  /** Called after each call and before its answer: another program may write in that moment. */
  readonly afterCall?: (call: string) => void;
}

export interface CloudflareFake extends StandIn {
  readonly zoneIds: ReadonlyMap<string, string>;
  /** Another id, as if the zone had been removed and added again. */
  renewZone(zone: string): void;
  /** Removes the records of a name without the API. */
  unplant(name: string): void;
}

/** In today's form, and in the one of before 2026. */
const ACCOUNT_TOKEN = `cfat_${'Ab3'.repeat(13)}Z0badcafe`;
export const CLOUDFLARE_TOKEN = 'gWLX2tc008RPN0yxuphRS2wGw-LviphCKb_KdRFw';

type Body = Readonly<Record<string, unknown>>;

const BASE = '/client/v4';
/** Of the OpenAPI document and the API reference. The API ignores others; here they are a mistake. */
const FILTERS = /^(name(\.startswith)?|type|content|page|per_page|match|order|direction|status)$/;
const FIELDS = /^(type|name|content|data|ttl|proxied|comment|tags|settings|priority)$/;

/** The DNS part of Cloudflare's API v4 for one token. */
export async function startCloudflareFake(settings: CloudflareFakeSettings = {}): Promise<CloudflareFake> {
  const { seesZones = true, tokenOf = 'user', expiresOn, pageSize = 9999 } = settings;
  const { token = tokenOf === 'account' ? ACCOUNT_TOKEN : CLOUDFLARE_TOKEN } = settings;
  let lastId = 0x100;
  const newId = () => (++lastId).toString(16).padStart(32, 'c6fa8473');
  const zoneIds = new Map((settings.zones ?? ['example.com']).map((zone) => [zone, newId()]));
  let records: StoredRecord[] = [];

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const answer = await answerTo(request);
    settings.afterCall?.(request.call);
    return answer;
  }

  async function answerTo({ method, path, query, headers, body }: FakeRequest): Promise<FakeReply> {
    const { zoneId, recordId, isRecords, rest } = parsePath(path);
    const refused = loginRefusal(headers['authorization'], rest);
    if (refused) return refused;
    if (/^\/(user|accounts\/[^/]+)\/tokens\/verify$/.test(rest)) return verify(rest);
    const filters = new URLSearchParams(query);
    const unknown = [...filters.keys()].find((key) => !FILTERS.test(key));
    if (unknown) return refusal(400, 9207, `unknown query parameter ${unknown}`);
    if (rest === '/zones') return listZones(filters);
    if (!/^[0-9a-f]{32}$/.test(zoneId)) {
      return refusal(404, 7003, `Could not route to ${rest}, perhaps your object identifier is invalid?`);
    }
    const [zone] = [...zoneIds].find(([, id]) => id === zoneId) ?? [];
    // The API does not say whether there is such a zone.
    if (zone === undefined) return refusal(403, 10000, 'Authentication error');
    if (!isRecords)
      return seesZones
        ? success(shownZone(zone, zoneId))
        : refusal(403, 9109, 'Unauthorized to access requested resource');
    if (method === 'GET') return listRecords(zone, filters);
    const given = body === '' ? {} : parse(body);
    if (given === undefined) return refusal(400, 9207, 'Request body is invalid.');
    if (method === 'POST' && recordId === undefined) return change(zone, { posts: [given] }, (done) => done.posts[0]);
    if (method === 'POST' && recordId === 'batch') return batch(zone, given);
    if (method === 'DELETE' && recordId) return change(zone, { deletes: [{ id: recordId }] }, () => ({ id: recordId }));
    return refusal(405, 10405, 'Method not allowed');
  }

  function loginRefusal(authorization: string | undefined, rest: string): FakeReply | undefined {
    if (authorization === undefined)
      return refusal(400, 9106, 'Missing X-Auth-Key, X-Auth-Email or Authorization headers');
    if (!/^Bearer [\w-]{40,}$/.test(authorization)) {
      const chain = [{ code: 6111, message: 'Invalid format for Authorization header' }];
      return refusal(400, 6003, 'Invalid request headers', chain);
    }
    if (authorization === `Bearer ${token}`) return undefined;
    if (rest.endsWith('/verify')) return refusal(401, 1000, 'Invalid API Token');
    return rest.includes('/dns_records')
      ? refusal(403, 10000, 'Authentication error')
      : refusal(403, 9109, 'Invalid access token');
  }

  function verify(rest: string): FakeReply {
    const own = tokenOf === 'user' ? '/user/tokens/verify' : `/accounts/${ACCOUNT}/tokens/verify`;
    if (rest !== own) return refusal(401, 1000, 'Invalid API Token');
    const status = expiresOn !== undefined && Date.parse(expiresOn) < Date.now() ? 'expired' : 'active';
    return success({ id: 'ed17574386854bf78a67040be0a770b0', status, ...(expiresOn ? { expires_on: expiresOn } : {}) });
  }

  function listZones(filters: URLSearchParams): FakeReply {
    const name = filters.get('name');
    if (!seesZones) {
      return refusal(
        403,
        0,
        "Actor 'com.cloudflare.api.token.a6' requires permission 'com.cloudflare.api.account.zone.list' to list zones",
      );
    }
    return pageOf(
      [...zoneIds.keys()]
        .filter((zone) => name === null || zone === name)
        .map((zone) => shownZone(zone, zoneIds.get(zone) ?? '')),
      filters,
      20,
      50,
    );
  }

  function listRecords(zone: string, filters: URLSearchParams): FakeReply {
    const is = (key: string, value: string) => (filters.get(key) ?? value).toLowerCase() === value.toLowerCase();
    const found = records.filter(
      (record) =>
        record.zone === zone &&
        is('name', record.name) &&
        is('type', record.type) &&
        record.name.startsWith(filters.get('name.startswith') ?? '') &&
        unquoteTxt(filters.get('content') ?? record.content) === unquoteTxt(record.content),
    );
    return pageOf(found.map(shownRecord), filters, 100, 50_000);
  }

  function pageOf(all: readonly unknown[], filters: URLSearchParams, usual: number, most: number): FakeReply {
    const page = Number(filters.get('page') ?? 1);
    const asked = Number(filters.get('per_page') ?? usual);
    if (!(page >= 1 && asked >= 5 && asked <= most)) return refusal(400, 9207, 'Invalid page or per_page');
    const per_page = Math.min(asked, pageSize);
    const result = all.slice((page - 1) * per_page, page * per_page);
    const total_pages = Math.ceil(all.length / per_page);
    return success(result, {
      result_info: { page, per_page, count: result.length, total_count: all.length, total_pages },
    });
  }

  async function batch(zone: string, given: Body): Promise<FakeReply> {
    const { deletes = [], posts = [], ...others } = given as { deletes?: Body[]; posts?: Body[] };
    if (Object.keys(others).length > 0) return refusal(400, 9207, 'only deletes and posts are known here');
    // "Batch record changes": 200 on the Free plan.
    if (deletes.length + posts.length > 200) return refusal(400, 9207, 'Too many operations in batch');
    return change(zone, { deletes, posts }, (done) => ({ ...done, patches: [], puts: [] }));
  }

  /** In one transaction, deletions first. */
  async function change(
    zone: string,
    { deletes = [], posts = [] }: { readonly deletes?: readonly Body[]; readonly posts?: readonly Body[] },
    show: (done: { deletes: unknown[]; posts: unknown[] }) => unknown,
  ): Promise<FakeReply> {
    const removed: StoredRecord[] = [];
    const added: StoredRecord[] = [];
    let after = records;
    for (const { id } of deletes) {
      const record = after.find((one) => one.id === id && one.zone === zone);
      if (!record) return refusal(404, 81044, 'Record does not exist.');
      removed.push(record);
      after = after.filter((one) => one !== record);
    }
    for (const post of posts) {
      const made = newRecord(zone, post, after);
      if ('status' in made) return made;
      added.push(made);
      after = [...after, made];
    }
    records = after;
    for (const record of removed) await tell(record, 'removed');
    for (const record of added) await tell(record, 'added');
    return success(show({ deletes: removed.map(shownRecord), posts: added.map(shownRecord) }));
  }

  function newRecord(zone: string, given: Body, all: readonly StoredRecord[]): StoredRecord | FakeReply {
    const { type, name, content, ttl = 1 } = given;
    const unknown = Object.keys(given).find((key) => !FIELDS.test(key));
    if (unknown) return invalid(9207, `unknown field ${unknown}`);
    if (typeof type !== 'string' || typeof name !== 'string' || name === '')
      return invalid(9000, 'DNS name is invalid.');
    if (typeof content !== 'string' || content === '') return invalid(9021, 'Content for TXT record is invalid.');
    if (typeof ttl !== 'number' || (ttl !== 1 && (ttl < 60 || ttl > 86_400))) {
      return invalid(9021, 'Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.');
    }
    if (unquoteTxt(content).length > 2048) return invalid(9213, 'Content for TXT record is too long.');
    const record = { id: newId(), zone, name: nameIn(zone, name), type, content: stored(content), ttl };
    const beside = all.filter((one) => one.name === record.name);
    if (beside.some((one) => one.type === type && unquoteTxt(one.content) === unquoteTxt(record.content))) {
      return refusal(400, 81058, 'An identical record already exists.');
    }
    // "NS records cannot exist on the same name as any other record type": the code is not documented.
    if (record.name !== zone && beside.some((one) => one.type === 'NS')) {
      return refusal(400, 81056, 'An NS record with that host already exists.');
    }
    return record;
  }

  const tell = async ({ zone, name, content }: StoredRecord, what: 'added' | 'removed') =>
    settings.onChange?.(zone, name, unquoteTxt(content), what);

  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    options: { url: server.origin + BASE, token },
    secrets: [token],
    calls: { add: 'POST records', remove: 'DELETE records' },
    zoneIds,
    unplant(name) {
      records = records.filter((one) => one.name !== name);
    },
    renewZone: (zone) => void zoneIds.set(zone, newId()),
    held: (name) =>
      records.filter((one) => one.name === name && one.type === 'TXT').map(({ content }) => unquoteTxt(content)),
    plant(name, value, type = 'TXT') {
      const zone = zoneHolding(zoneIds.keys(), name) ?? '';
      // Records of before 2024 are shown without quotes.
      records = [...records, { id: newId(), zone, name, type, content: value, ttl: 300 }];
    },
    everything: () => records.map((record) => JSON.stringify(record)),
    close: () => server.close(),
  };
}

/** A name outside of the zone is one below it: `@` and relative names, and the mistakes. */
function nameIn(zone: string, name: string): string {
  const plain = name.toLowerCase().replace(/\.$/, '');
  if (plain === '@') return zone;
  return plain === zone || plain.endsWith(`.${zone}`) ? plain : `${plain}.${zone}`;
}

/** A string above 255 octets is split; content without quotes is kept as it is (recorded by lexicon). */
const stored = (content: string): string => (content.startsWith('"') ? quoteTxt(unquoteTxt(content)) : content);

function parse(body: string): Body | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Body) : undefined;
  } catch {
    return undefined;
  }
}

function nameOf({ method, path }: Omit<FakeRequest, 'call'>): string {
  const { recordId, isRecords, rest } = parsePath(path);
  if (isRecords) return `${method} ${recordId === 'batch' ? 'batch' : 'records'}`;
  return `${method} ${rest === '/zones' ? 'zones' : rest.startsWith('/zones/') ? 'zone' : 'verify'}`;
}

function parsePath(path: string) {
  const rest = path.startsWith(`${BASE}/`) ? path.slice(BASE.length) : '';
  const [, zoneId = '', records, recordId] = /^\/zones\/([^/]*)(\/dns_records(?:\/([^/]+))?)?$/.exec(rest) ?? [];
  return { rest, zoneId, isRecords: records !== undefined, recordId };
}
