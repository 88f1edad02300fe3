import { XMLParser } from 'fast-xml-parser';
import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface PleskFakeSettings extends StandInSettings {
  /** The account uses a secret key instead of a password. */
  readonly secretKey?: boolean;
  /** False for a user without the permission to use the remote API. */
  readonly remoteApi?: boolean;
  /** What happens to a second, equal record; its refusal is documented only in general (error 1007). */
  readonly duplicates?: 'refuse' | 'accept';
  readonly afterCall?: (call: string) => void;
}

export interface PleskFake extends StandIn {
  /** Another id, as if the domain had been removed and added again. */
  renewSite(zone: string): void;
  unplant(name: string): void;
}

interface StoredRecord {
  readonly id: number;
  readonly zone: string;
  readonly type: string;
  /** Absolute, with a dot at its end. */
  readonly host: string;
  readonly value: string;
}

export const PLESK_USER = 'bob';
export const PLESK_PASSWORD = 'Pa55 "word" & <more>';
const PLESK_KEY = '24f8c5e5-fcb5-bdfc-aac0-7bff0e800334';

const PATH = '/enterprise/control/agent.php';

/** An element: its name, its children in order, and its text. */
interface Element {
  readonly name: string;
  readonly children: readonly Element[];
  readonly text: string;
}

/** The DNS operations of Plesk's XML API 1.6.9.1, for one user. */
export async function startPleskFake(settings: PleskFakeSettings = {}): Promise<PleskFake> {
  const { secretKey = false, remoteApi = true, duplicates = 'refuse' } = settings;
  let lastId = 4800;
  const sites = new Map((settings.zones ?? ['example.com']).map((zone, index) => [zone, 71 + index]));
  let records: StoredRecord[] = [...sites.keys()].flatMap((zone) =>
    [
      ['A', `${zone}.`, '192.0.2.1'],
      ['NS', `${zone}.`, 'ns1.host.example.'],
      ['NS', `${zone}.`, 'NS2.host.example.'],
      ['TXT', `${zone}.`, 'v=spf1 +a +mx -all'],
    ].map(([type = '', host = '', value = '']) => ({ id: ++lastId, zone, type, host, value })),
  );

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const answer = await answerTo(request);
    settings.afterCall?.(request.call);
    return answer;
  }

  async function answerTo({ method, path, headers, body }: FakeRequest): Promise<FakeReply> {
    if (path !== PATH || method !== 'POST') return { status: 404, body: '<html>404 Not Found</html>' };
    const isKnown = secretKey
      ? headers['key'] === PLESK_KEY
      : headers['http_auth_login'] === PLESK_USER && headers['http_auth_passwd'] === PLESK_PASSWORD;
    const wrong = headers['key'] === undefined ? '1001' : '11003';
    if (!isKnown) return packet(element('system', fault(wrong, 'You have entered incorrect username or password.')));
    if (!remoteApi) return packet(element('system', fault('1006', 'Access to API is disabled for bob')));
    const root = parse(body);
    if (root?.name !== 'packet' || !headers['content-type']?.startsWith('text/xml')) return malformed('not a packet');
    const answers: string[] = [];
    for (const operator of root.children) {
      for (const operation of operator.children) {
        const result = await perform(`${operator.name} ${operation.name}`, operation);
        if (result === undefined) return malformed(`${operator.name} ${operation.name}`);
        answers.push(element(operator.name, element(operation.name, result)));
      }
    }
    return packet(answers.join(''));
  }

  /** Undefined where the packet does not fit the schema. */
  async function perform(operation: string, { children }: Element): Promise<string | undefined> {
    const [first] = children;
    if (operation === 'dns add_rec') return add(children);
    if (first?.name !== 'filter') return undefined;
    const filters = first.children;
    if (new Set(filters.map(({ name }) => name)).size > 1) return undefined;
    if (operation === 'site get' || operation === 'webspace get') {
      if (children[1]?.name !== 'dataset') return undefined;
      return findSites(filters, children[1].children.length > 0);
    }
    if (operation === 'dns get_rec') return selected(filters, (record) => record && result(shown(record)));
    return operation === 'dns del_rec' ? remove(filters) : undefined;
  }

  function findSites(filters: readonly Element[], withInfo: boolean): string {
    const wanted = filters.length > 0 ? filters.map(({ text }) => text) : [...sites.keys()];
    return wanted
      .map((name) => {
        const id = sites.get(name);
        if (id === undefined) {
          return result(`${fault('1013', 'Site does not exist')}${element('filter-id', escaped(name))}`);
        }
        const info = `${element('cr_date', '2026-01-01')}${element('name', name)}${element('ascii-name', name)}${element('status', '0')}`;
        const data = element('data', withInfo ? element('gen_info', info) : '');
        return result(`${OK}${element('filter-id', name)}${element('id', String(id))}${data}`);
      })
      .join('');
  }

  /** What a filter of record ids or site ids selects; a blank one selects everything. */
  function selected(filters: readonly Element[], show: (record: StoredRecord) => string): string | undefined {
    if (filters.some(({ name, text }) => !/^(id|site-id)$/.test(name) || !/^\d+$/.test(text))) return undefined;
    if (filters.length === 0) return records.map(show).join('');
    return filters
      .map(({ name, text }) => {
        const zone = [...sites].find(([, id]) => String(id) === text)?.[0];
        if (name === 'site-id' && zone === undefined) return missing('Site does not exist', name, text);
        const found = records.filter((record) => (name === 'id' ? String(record.id) === text : record.zone === zone));
        if (name === 'id' && found.length === 0) return missing('Record does not exist', name, text);
        return found.length === 0 ? result(`${OK}${element('site-id', text)}`) : found.map(show).join('');
      })
      .join('');
  }

  async function remove(filters: readonly Element[]): Promise<string | undefined> {
    const gone: StoredRecord[] = [];
    const answer = selected(filters, (record) => {
      gone.push(record);
      return result(`${OK}${element('id', String(record.id))}`);
    });
    records = records.filter((record) => !gone.includes(record));
    for (const record of gone) await tell(record, 'removed');
    return answer;
  }

  async function add(children: readonly Element[]): Promise<string | undefined> {
    // Nodes in the order of the schema; only `opt` may be left out.
    if (!/^site-id,type,host,value(,opt)?$/.test(children.map(({ name }) => name).join())) return undefined;
    const [site = '', type = '', host = '', value = ''] = children.map(({ text }) => text);
    const zone = [...sites].find(([, id]) => String(id) === site)?.[0];
    if (zone === undefined) return result(fault('1015', 'Domain does not exist.'));
    if (!/^[A-Z]+$/.test(type) || value === '' || /[^\w.*-]|\.$/.test(host)) {
      return result(fault('1019', 'Incorrect DNS record values were specified.'));
    }
    const absolute = host === '' ? `${zone}.` : `${host}.${zone}.`;
    const twins = records.filter((record) => record.host === absolute);
    if (twins.some((record) => record.type === 'CNAME'))
      return result(fault('1023', 'A CNAME record is at this name.'));
    if (duplicates === 'refuse' && twins.some((record) => record.type === type && record.value === value)) {
      return result(fault('1007', 'The DNS record already exists.'));
    }
    const record = { id: ++lastId, zone, type, host: absolute, value };
    records.push(record);
    await tell(record, 'added');
    return result(`${OK}${element('id', String(record.id))}`);
  }

  const shown = ({ id, zone, type, host, value }: StoredRecord): string =>
    `${OK}${element('id', String(id))}${element(
      'data',
      `${element('site-id', String(sites.get(zone)))}${element('type', type)}${element('host', host)}${element('value', escaped(value))}<opt/>\n`,
    )}`;
  const tell = async ({ zone, type, host, value }: StoredRecord, change: 'added' | 'removed') => {
    if (type === 'TXT') await settings.onChange?.(zone, host.slice(0, -1), value, change);
  };

  const server = await startFaultServer({ nameOf, reply });
  const login = secretKey ? { apiKey: PLESK_KEY } : { username: PLESK_USER, password: PLESK_PASSWORD };
  return {
    server,
    options: { url: server.origin, ...login },
    secrets: [secretKey ? PLESK_KEY : PLESK_PASSWORD],
    calls: { add: 'dns add_rec', remove: 'dns del_rec' },
    held: (name) =>
      records.filter((record) => record.type === 'TXT' && record.host === `${name}.`).map(({ value }) => value),
    plant(name, value, type = 'TXT') {
      const zone = zoneHolding(sites.keys(), name);
      if (zone === undefined) throw new Error(`no zone of the stand-in holds ${name}`);
      records.push({ id: ++lastId, zone, type, host: `${name}.`, value });
    },
    unplant(name) {
      records = records.filter((record) => record.host !== `${name}.`);
    },
    renewSite(zone) {
      sites.set(zone, 900 + ++lastId);
    },
    everything: () => records.map(({ type, host, value }) => `${host} ${type} ${value}`),
    close: () => server.close(),
  };
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
/** One element a line, as with HTTP_PRETTY_PRINT: acme.sh reads lines. */
const element = (name: string, content: string): string => {
  if (content === '') return `<${name}/>\n`;
  return content.endsWith('\n') ? `<${name}>\n${content}</${name}>\n` : `<${name}>${content}</${name}>\n`;
};
const OK = element('status', 'ok');
const fault = (code: string, text: string): string =>
  `${element('status', 'error')}${element('errcode', code)}${element('errtext', text)}`;
const result = (content: string): string => element('result', content);
const missing = (text: string, name: string, id: string): string =>
  result(`${fault('1013', text)}${element(name, id)}`);

const packet = (content: string): FakeReply => ({
  status: 200,
  headers: { 'content-type': 'text/xml;charset=UTF-8' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<packet version="1.6.9.1">\n${content}</packet>\n`,
});
const malformed = (what: string): FakeReply =>
  packet(element('system', fault('1014', `Parser error: cvc-complex-type: ${what}`)));

const parser = new XMLParser({ preserveOrder: true, parseTagValue: false, trimValues: true, ignoreDeclaration: true });

function parse(body: string): Element | undefined {
  try {
    return elementsIn(parser.parse(body))[0];
  } catch {
    return undefined;
  }
}

function elementsIn(nodes: unknown): Element[] {
  if (!Array.isArray(nodes)) return [];
  return (nodes as Record<string, unknown>[]).flatMap((node) => {
    const [name = ''] = Object.keys(node).filter((key) => key !== ':@');
    if (name === '#text' || name === '') return [];
    const inner = node[name];
    const texts = (Array.isArray(inner) ? inner : []).map((child) =>
      String((child as { '#text'?: unknown })['#text'] ?? ''),
    );
    return [{ name, children: elementsIn(inner), text: texts.join('') }];
  });
}

function nameOf({ body }: Omit<FakeRequest, 'call'>): string {
  const [operator] = parse(body)?.children ?? [];
  return `${operator?.name ?? 'nothing'} ${operator?.children[0]?.name ?? ''}`.trim();
}
