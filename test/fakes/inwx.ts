import { domainToASCII, domainToUnicode } from 'node:url';
import { Secret, TOTP } from 'otpauth';
import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { type MethodCall, readCall, writeAnswer } from './inwx-xml.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface InwxSettings extends StandInSettings {
  /** With two-factor authentication, by the secret in INWX_LOGIN. */
  readonly twoFactor?: boolean;
  /** TOTP codes that were used before, by the start of their period in milliseconds. */
  readonly usedCodes?: Set<number>;
  /** Ids were numbers and are texts today. Default: `number`. */
  readonly ids?: 'number' | 'string';
  /** Whether internationalised zones are known by their ASCII form too. Default: they are. */
  readonly idn?: 'both' | 'unicode';
  /** After how many calls a session ends. */
  readonly callsPerSession?: number;
}

interface InwxRecord {
  readonly id: number;
  /** Absolute, in ASCII, without a dot at its end. */
  readonly name: string;
  readonly type: string;
  readonly content: string;
  readonly ttl: number;
  readonly prio: number;
}

interface Session {
  isUnlocked: boolean;
  callsLeft: number;
}

interface Result {
  readonly code: number;
  readonly msg: string;
  readonly reasonCode?: string;
  readonly reason?: string;
  readonly resData?: unknown;
  readonly cookie?: string;
}

/** The login of the account. */
export const INWX_LOGIN = { username: 'dns-user', password: 'inwx <password> & 1', totpSecret: 'JBSWY3DPEHPK3PXP' };

const PERIOD_MS = 30_000;
const DEFAULT_PAGE = 20;
const TYPES =
  'A AAAA AFSDB ALIAS CAA CERT CNAME HINFO HTTPS KEY LOC MX NAPTR NS OPENPGPKEY PTR RP SMIMEA SOA SRV SSHFP SVCB TLSA TXT URI URL'.split(
    ' ',
  );
/** The parameters of each method, by chapter 2 of the documentation. */
const PARAMS: Readonly<Record<string, readonly string[]>> = {
  'nameserver.createRecord': ['domain', 'roId', 'type', 'content', 'name', 'ttl', 'prio', 'testing'],
  'nameserver.deleteRecord': ['id', 'testing'],
  'nameserver.info': ['domain', 'roId', 'recordId', 'type', 'name', 'content', 'ttl', 'prio'],
  'nameserver.list': ['domain', 'wide', 'page', 'pagelimit', 'search'],
};

/** INWX's API for one account, in its JSON-RPC and XML-RPC forms over the same records. */
export async function startInwxFake(settings: InwxSettings = {}): Promise<StandIn> {
  const zones = new Map((settings.zones ?? ['example.com']).map((zone) => [zone, [] as InwxRecord[]]));
  const sessions = new Map<string, Session>();
  const usedCodes = settings.usedCodes ?? new Set<number>();
  const totp = new TOTP({ secret: Secret.fromBase32(INWX_LOGIN.totpSecret) });
  let lastId = 16_800;

  async function reply({ method, path, headers, body }: FakeRequest): Promise<FakeReply> {
    const isXml = path.startsWith('/xmlrpc');
    if (method !== 'POST' || !/^\/(json|xml)rpc\/$/.test(path)) return { status: 404, body: '<h1>Not Found</h1>' };
    const { cookie, ...result } = await answerTo(isXml ? readCall(body) : callIn(body), headers['cookie'], isXml);
    const answer = { ...result, svTRID: '20261121-1830942-ote', runtime: 0.0768 };
    const sent = cookie === undefined ? {} : { 'set-cookie': `domrobot=${cookie}; path=/; HttpOnly; Secure` };
    return isXml
      ? { status: 200, headers: { 'content-type': 'text/xml; charset=utf-8', ...sent }, body: writeAnswer(answer) }
      : json(200, answer, sent);
  }

  async function answerTo(call: MethodCall, cookie: string | undefined, isXml: boolean): Promise<Result> {
    const { method, params } = call;
    const isLoginRight = params['user'] === INWX_LOGIN.username && params['pass'] === INWX_LOGIN.password;
    if (method === 'account.login') {
      if (!isLoginRight) return { code: 2200, msg: 'Authentication error' };
      const value = `${sessions.size}f00d9c6d1c4b4a8e8f3b2a1d0e9c8b7a`;
      sessions.set(value, { isUnlocked: !settings.twoFactor, callsLeft: settings.callsPerSession ?? 1000 });
      const resData = { customerId: 1, accountId: 2, tfa: settings.twoFactor ? 'GOOGLE-AUTH' : '0', version: '3.11' };
      return { ...OK, resData, cookie: value };
    }
    const session = sessions.get(/\bdomrobot=(\w+)/.exec(cookie ?? '')?.[1] ?? '');
    // Seen with XML-RPC: user and password in the call itself.
    const isDirect = isXml && isLoginRight && !settings.twoFactor;
    if (!isDirect && (!session || session.callsLeft === 0)) return { code: 2200, msg: 'Authentication error' };
    if (method === 'account.unlock' && session) return unlock(session, params);
    if (!isDirect && !session?.isUnlocked) {
      const reason = 'You need to unlock your account with your mobile TAN.';
      return { code: 2200, msg: 'Authentication error', reasonCode: 'Error_AccountUnlockRequired', reason };
    }
    if (method === 'account.info') return { ...OK, resData: { username: INWX_LOGIN.username } };
    if (method === 'account.logout') {
      if (session) session.callsLeft = 0;
      return { code: 1500, msg: 'Command completed successfully; ending session' };
    }
    if (session) session.callsLeft--;
    return perform(method, params);
  }

  function unlock(session: Session, params: MethodCall['params']): Result {
    const period = Math.floor(Date.now() / PERIOD_MS) * PERIOD_MS;
    if (params['tan'] !== totp.generate() || usedCodes.has(period)) {
      const reason = 'The confirmation code is invalid.';
      return { code: 2200, msg: 'Authentication error', reasonCode: 'INVALID', reason };
    }
    usedCodes.add(period);
    session.isUnlocked = true;
    return OK;
  }

  async function perform(method: string, params: MethodCall['params']): Promise<Result> {
    const allowed = PARAMS[method];
    if (!allowed) return { code: 2101, msg: 'Unimplemented command' };
    const unknown = Object.keys(params).find((key) => ![...allowed, 'user', 'pass', 'lang', 'clTRID'].includes(key));
    if (unknown !== undefined)
      return { code: 2005, msg: 'Parameter value syntax error', reason: `unknown parameter ${unknown}` };
    if (method === 'nameserver.list') return list(params);
    if (method === 'nameserver.deleteRecord') return remove(Number(params['id']));
    const { domain = '' } = params;
    const zone = domainToASCII(domain);
    const isKnown = settings.idn !== 'unicode' || domain === domainToUnicode(zone);
    const records = isKnown ? zones.get(zone) : undefined;
    if (!records) return { code: 2303, msg: 'Object does not exist' };
    return method === 'nameserver.info' ? info(zone, records, params) : create(zone, records, params);
  }

  function list({ page = '1', pagelimit = String(DEFAULT_PAGE) }: MethodCall['params']): Result {
    const from = (Number(page) - 1) * Number(pagelimit);
    const all = [...zones.keys()].map((zone, index) => ({
      roId: 2238 + index,
      domain: domainToUnicode(zone),
      type: 'MASTER',
    }));
    return { ...OK, resData: { count: all.length, domains: all.slice(from, from + Number(pagelimit)) } };
  }

  function info(domain: string, records: readonly InwxRecord[], params: MethodCall['params']): Result {
    const name = params['name'] === undefined ? undefined : absolute(params['name'], domain);
    const found = records.filter(
      (record) =>
        (name === undefined || record.name === name) &&
        (params['type'] === undefined || record.type === params['type']) &&
        (params['content'] === undefined || record.content === params['content']),
    );
    const cleanup = { status: 'OK', tstamp: 0 };
    const head = { roId: 2238, domain: domainToUnicode(domain), type: 'MASTER', cleanup };
    return { ...OK, resData: found.length === 0 ? head : { ...head, count: found.length, record: found.map(shown) } };
  }

  async function create(domain: string, records: InwxRecord[], params: MethodCall['params']): Promise<Result> {
    const { type = '', content = '', name = '', ttl = '3600', prio = '0' } = params;
    if (!TYPES.includes(type)) return { code: 2005, msg: 'Parameter value syntax error', reason: 'type' };
    if (!/^\d+$/.test(ttl) || Number(ttl) < 300)
      return { code: 2004, msg: 'Parameter value range error', reason: 'ttl' };
    if (content === '' || (type === 'TXT' && !isTxt(content))) {
      return { code: 2005, msg: 'Parameter value syntax error', reason: 'content' };
    }
    const own = absolute(name, domain);
    if (records.some((record) => record.name === own && record.type === type && record.content === content)) {
      return { code: 2302, msg: 'Object exists' };
    }
    const record = { id: ++lastId, name: own, type, content, ttl: Number(ttl), prio: Number(prio) };
    records.push(record);
    await tell(domain, record, 'added');
    return { ...OK, resData: { id: shown(record).id } };
  }

  async function remove(id: number): Promise<Result> {
    for (const [zone, records] of zones) {
      const index = records.findIndex((record) => record.id === id);
      const [record] = index < 0 ? [] : records.splice(index, 1);
      if (!record) continue;
      await tell(zone, record, 'removed');
      return OK;
    }
    return { code: 2303, msg: 'Object does not exist' };
  }

  async function tell(zone: string, { name, type, content }: InwxRecord, change: 'added' | 'removed'): Promise<void> {
    if (type === 'TXT') await settings.onChange?.(zone, name, textOf(content), change);
  }

  const shown = ({ id, name, ...record }: InwxRecord) => ({
    id: settings.ids === 'string' ? String(id) : id,
    name: domainToUnicode(name) || name,
    ...record,
  });

  const server = await startFaultServer({ nameOf, reply });
  const { totpSecret, ...login } = INWX_LOGIN;
  return {
    server,
    options: { url: `${server.origin}/jsonrpc`, ...login, ...(settings.twoFactor ? { totpSecret } : {}) },
    secrets: [INWX_LOGIN.password, ...(settings.twoFactor ? [totpSecret] : [])],
    calls: { add: 'nameserver.createRecord', remove: 'nameserver.deleteRecord' },
    held: (name) =>
      [...zones.values()]
        .flat()
        .filter((record) => record.type === 'TXT' && record.name === name)
        .map(({ content }) => textOf(content)),
    plant(name, value, type = 'TXT') {
      const record = { id: ++lastId, name, type, content: value, ttl: 3600, prio: 0 };
      zones.get(zoneHolding(zones.keys(), name) ?? '')?.push(record);
    },
    everything: () =>
      [...zones].flatMap(([zone, records]) => records.map((record) => `${zone} ${JSON.stringify(record)}`)),
    close: () => server.close(),
  };
}

const OK = { code: 1000, msg: 'Command completed successfully' } as const;

function callIn(body: string): MethodCall {
  const { method, params = {} } = JSON.parse(body) as { method: string; params?: Readonly<Record<string, unknown>> };
  return { method, params: Object.fromEntries(Object.entries(params).map(([key, value]) => [key, String(value)])) };
}

const nameOf = ({ body }: Omit<FakeRequest, 'call'>): string =>
  /"method":\s*"([\w.]+)"|<methodName>\s*([\w.]+)/.exec(body)?.slice(1).find(Boolean) ?? 'unknown';

/** A name is taken whole or relative to its zone. */
function absolute(name: string, zone: string): string {
  const own = domainToASCII(name) || name;
  return own === '' || own === zone ? zone : own.endsWith(`.${zone}`) ? own : `${own}.${zone}`;
}

/** Bare, or strings of at most 255 octets in quotes. No backticks, and no blank at the end. */
function isTxt(content: string): boolean {
  if (/`| $/.test(content)) return false;
  if (!content.startsWith('"')) return content.length <= 255 && !/["\\]/.test(content);
  return /^"(?:[^"\\]|\\.){0,255}"(?: "(?:[^"\\]|\\.){0,255}")*$/.test(content);
}

const textOf = (content: string): string =>
  content.startsWith('"') ? [...content.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text).join('') : content;
