import { randomBytes } from 'node:crypto';
import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { batchFaults, type RecordSet } from './route53-batch.ts';
import {
  batchFault,
  changeInfo,
  delegation,
  fault,
  type HostedZone,
  max,
  NAMESPACE,
  parseBatch,
  setXml,
  zoneXml,
} from './route53-xml.ts';
import { signatureFault } from './sigv4.ts';
import { type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface Route53FakeSettings extends StandInSettings {
  /** Private hosted zones, listed before public ones of the same name. */
  readonly privateZones?: readonly string[];
  /** The most zones and record sets of one answer; the API's own are 100 and 300. */
  readonly pageSize?: number;
  /** True for temporary credentials, which need their session token. */
  readonly temporary?: boolean;
  /** How many answers are `Throttling` or `PriorRequestNotComplete` first. */
  readonly busy?: number;
  /** Milliseconds by which the clock of AWS is ahead. */
  readonly clockMs?: number;
  /** Refusals of a batch come as the element `InvalidChangeBatch` of the service model, without a code. */
  readonly bareFaults?: boolean;
  /** The operations that the policy does not allow. */
  readonly denied?: readonly string[];
  /** Called after each request and before its answer: another program may write in that moment. */
  readonly afterCall?: (call: string) => void;
}

export interface Route53Fake extends StandIn {
  /** Hosted zones by id. */
  readonly zones: ReadonlyMap<string, HostedZone>;
  idOf(zone: string): string;
  /** Every answer so far, to check it against the service model. */
  readonly answers: { readonly operation: string; readonly body: string }[];
}

/** The key of the account's user. */
export const ROUTE53_KEY = {
  accessKeyId: 'AKIAFAKE0123456789AB',
  secretAccessKey: 'fake/Secret+Access/Key0123456789abcdefgh',
} as const;

/** Route 53, API version 2013-04-01, for one AWS account. */
export async function startRoute53Fake(settings: Route53FakeSettings = {}): Promise<Route53Fake> {
  const key = {
    accessKeyId: settings.temporary ? 'ASIAFAKE0123456789AB' : ROUTE53_KEY.accessKeyId,
    secretAccessKey: ROUTE53_KEY.secretAccessKey,
    sessionToken: settings.temporary ? 'FwoGZXIvYXdzFAKE//////////wEaDFakeSessionToken+0123==' : undefined,
    region: 'us-east-1',
    service: 'route53',
  };
  const zones = new Map<string, HostedZone>();
  const answers: Route53Fake['answers'] = [];
  let busy = settings.busy ?? 0;
  for (const [names, isPrivate] of [
    [settings.privateZones ?? [], true],
    [settings.zones ?? ['example.com'], false],
  ] as const) {
    for (const name of names) {
      const id = `Z${randomBytes(9).toString('hex').toUpperCase()}`;
      zones.set(id, { id, name, isPrivate, sets: isPrivate ? [] : apexSets(name) });
    }
  }
  const sorted = () => [...zones.values()].sort((a, b) => order(a.name, b.name) || (a.isPrivate ? -1 : 1));

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const answer = await answerTo(request);
    settings.afterCall?.(request.call);
    return { ...answer, headers: { ...answer.headers, date: new Date(now()).toUTCString() } };
  }
  const now = () => Date.now() + (settings.clockMs ?? 0);

  async function answerTo(request: FakeRequest): Promise<FakeReply> {
    const refused = signatureFault(request, key, now());
    if (refused) return fault(refused.status, refused.code, refused.message);
    if (busy-- > 0) {
      return busy % 2
        ? fault(400, 'Throttling', 'Rate exceeded')
        : fault(
            400,
            'PriorRequestNotComplete',
            'The request was rejected because Route 53 was still processing a prior request.',
          );
    }
    const { operation, id } = routeOf(request);
    if (settings.denied?.includes(operation)) {
      const user = 'arn:aws:iam::123456789012:user/acme';
      return fault(403, 'AccessDenied', `User: ${user} is not authorized to perform: route53:${operation}`);
    }
    const query = new URLSearchParams(request.query);
    const known = QUERY[operation];
    const strange = [...query.keys()].find((name) => !known?.includes(name));
    if (!known) return fault(404, 'UnknownOperationException', 'Unknown operation');
    if (strange !== undefined) return fault(400, 'InvalidInput', `Unknown parameter ${strange}`);
    if (operation === 'ListHostedZonesByName') return zonesByName(query);
    if (operation === 'ListHostedZones') return allZones(query);
    if (operation === 'GetChange') return done('GetChange', changeInfo(id, 'INSYNC'));
    const zone = zones.get(id);
    if (!zone) return fault(404, 'NoSuchHostedZone', `No hosted zone found with ID: ${id}`);
    if (operation === 'GetHostedZone') return done(operation, `${zoneXml(zone)}${delegation(zone)}`);
    if (operation === 'ListResourceRecordSets') return listSets(zone, query);
    return change(zone, request.body);
  }

  function zonesByName(query: URLSearchParams): FakeReply {
    const first = (query.get('dnsname') ?? '').replace(/\.$/, '');
    const startId = query.get('hostedzoneid');
    const found = sorted().filter((zone) => first === '' || order(zone.name, first) >= 0);
    const skipped = startId === null ? 0 : found.findIndex(({ id }) => id === startId);
    const { page, rest, size } = pageOf(found.slice(Math.max(0, skipped)), query, 100);
    const next = rest && `<NextDNSName>${rest.name}.</NextDNSName><NextHostedZoneId>${rest.id}</NextHostedZoneId>`;
    const asked = first && `<DNSName>${first}.</DNSName>`;
    const list = `<HostedZones>${page.map(zoneXml).join('')}</HostedZones>`;
    return done(
      'ListHostedZonesByName',
      `${list}${asked}<IsTruncated>${!!rest}</IsTruncated>${next ?? ''}${max(size)}`,
    );
  }

  function allZones(query: URLSearchParams): FakeReply {
    const marker = query.get('marker');
    const found = [...zones.values()];
    const { page, rest, size } = pageOf(
      found.slice(
        Math.max(
          0,
          found.findIndex(({ id }) => id === marker),
        ),
      ),
      query,
      100,
    );
    const list = `<HostedZones>${page.map(zoneXml).join('')}</HostedZones><Marker>${marker ?? ''}</Marker>`;
    const next = rest ? `<NextMarker>${rest.id}</NextMarker>` : '';
    return done('ListHostedZones', `${list}<IsTruncated>${!!rest}</IsTruncated>${next}${max(size)}`);
  }

  function listSets(zone: HostedZone, query: URLSearchParams): FakeReply {
    const name = query.get('name')?.replace(/\.$/, '');
    const type = query.get('type');
    if (type !== null && name === undefined) return fault(400, 'InvalidInput', 'A type needs a name');
    const found = [...zone.sets]
      .sort((a, b) => order(a.name, b.name) || (a.type < b.type ? -1 : 1))
      .filter(
        (set) => name === undefined || order(set.name, name) > 0 || (set.name === name && set.type >= (type ?? '')),
      );
    const { page, rest, size } = pageOf(found, query, 300);
    const next = rest && `<NextRecordName>${rest.name}.</NextRecordName><NextRecordType>${rest.type}</NextRecordType>`;
    const list = `<ResourceRecordSets>${page.map(setXml).join('')}</ResourceRecordSets>`;
    return done('ListResourceRecordSets', `${list}<IsTruncated>${!!rest}</IsTruncated>${next ?? ''}${max(size)}`);
  }

  function pageOf<Item>(found: readonly Item[], query: URLSearchParams, most: number) {
    const size = Math.min(most, settings.pageSize ?? most, Number(query.get('maxitems') ?? most));
    return { page: found.slice(0, size), rest: found[size], size };
  }

  async function change(zone: HostedZone, body: string): Promise<FakeReply> {
    const changes = parseBatch(body);
    if (!changes) return fault(400, 'MalformedInput', 'The XML is not well-formed or has other members than the API');
    const { sets, messages } = batchFaults(zone, changes);
    if (messages.length > 0) {
      return settings.bareFaults ? batchFault(messages) : fault(400, 'InvalidChangeBatch', `[${messages.join(', ')}]`);
    }
    const before = zone.sets;
    zone.sets = sets;
    await tell(zone, before);
    return done('ChangeResourceRecordSets', changeInfo(`C${randomBytes(9).toString('hex').toUpperCase()}`, 'PENDING'));
  }

  async function tell(zone: HostedZone, before: readonly RecordSet[]): Promise<void> {
    const [old, now] = [before, zone.sets].map((sets) => sets.filter(({ type }) => type === 'TXT').flatMap(pairsOf));
    for (const [name, value] of minus(old ?? [], now ?? []))
      await settings.onChange?.(zone.name, name, value, 'removed');
    for (const [name, value] of minus(now ?? [], old ?? [])) await settings.onChange?.(zone.name, name, value, 'added');
  }

  function done(operation: string, content: string): FakeReply {
    const body = `<?xml version="1.0"?>\n<${operation}Response xmlns="${NAMESPACE}">${content}</${operation}Response>`;
    answers.push({ operation, body });
    return { status: 200, headers: { 'content-type': 'text/xml' }, body };
  }

  const server = await startFaultServer({
    nameOf: (request) => {
      const { operation, noun } = routeOf(request);
      return noun === '' ? operation : `${request.method} ${noun}`;
    },
    reply,
  });
  const publicZone = (name: string) =>
    [...zones.values()].find(
      (zone) => !zone.isPrivate && zone.name === zoneHolding(settings.zones ?? ['example.com'], name),
    );
  const all = () => [...zones.values()].flatMap((zone) => zone.sets.map((set) => ({ zone, set })));
  return {
    server,
    options: {
      url: server.origin,
      accessKeyId: key.accessKeyId,
      secretAccessKey: key.secretAccessKey,
      ...(key.sessionToken && { sessionToken: key.sessionToken }),
    },
    secrets: [key.secretAccessKey, ...(key.sessionToken ? [key.sessionToken] : [])],
    calls: { add: 'POST rrset', remove: 'POST rrset' },
    zones,
    answers,
    idOf: (name) => [...zones.values()].find((zone) => !zone.isPrivate && zone.name === name)?.id ?? '',
    held: (name) =>
      all().flatMap(({ set }) => (set.name === name && set.type === 'TXT' ? set.values.map(unquoted) : [])),
    plant(name, value, type = 'TXT') {
      const zone = publicZone(name);
      if (!zone) throw new Error(`no zone of the stand-in holds ${name}`);
      const old = zone.sets.find((set) => set.name === name && set.type === type);
      const values = [...(old?.values ?? []), type === 'TXT' ? JSON.stringify(value) : value];
      zone.sets = [...zone.sets.filter((set) => set !== old), { name, type, ttl: old?.ttl ?? 300, values }];
    },
    everything: () =>
      all().flatMap(({ zone, set: { values, ...set } }) =>
        values.map((value) => JSON.stringify({ zone: zone.id, ...set, value })),
      ),
    close: () => server.close(),
  };
}

const QUERY: Readonly<Record<string, readonly string[]>> = {
  ListHostedZonesByName: ['dnsname', 'hostedzoneid', 'maxitems'],
  ListHostedZones: ['marker', 'maxitems', 'delegationsetid', 'hostedzonetype'],
  GetHostedZone: [],
  ListResourceRecordSets: ['name', 'type', 'identifier', 'maxitems'],
  ChangeResourceRecordSets: [],
  GetChange: [],
};

function routeOf({ method, path }: Pick<FakeRequest, 'method' | 'path'>): {
  operation: string;
  noun: string;
  id: string;
} {
  const [, first = '', id = '', second = ''] =
    /^\/2013-04-01\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+)\/?)?$/.exec(path) ?? [];
  const noun = second || first;
  const operations: Readonly<Record<string, string>> = {
    'GET hostedzonesbyname': 'ListHostedZonesByName',
    'GET hostedzone': id ? 'GetHostedZone' : 'ListHostedZones',
    'GET rrset': 'ListResourceRecordSets',
    'POST rrset': 'ChangeResourceRecordSets',
    'GET change': 'GetChange',
  };
  return { operation: operations[`${method} ${noun}`] ?? 'Unknown', noun, id };
}

const order = (a: string, b: string): number => {
  const [first, second] = [a, b].map((name) => `${name.split('.').reverse().join('.')}.`);
  return first === second ? 0 : (first ?? '') < (second ?? '') ? -1 : 1;
};

const apexSets = (name: string): RecordSet[] => [
  { name, type: 'NS', ttl: 172_800, values: ['ns-831.awsdns-39.net.', 'ns-1983.awsdns-55.co.uk.'] },
  {
    name,
    type: 'SOA',
    ttl: 900,
    values: ['ns-831.awsdns-39.net. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400'],
  },
];

const unquoted = (text: string): string =>
  [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)]
    .map(([, part = '']) =>
      part.replace(/\\(\d{3}|.)/g, (_, code) =>
        code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : code,
      ),
    )
    .join('');

const pairsOf = ({ name, values }: RecordSet): [string, string][] => values.map((value) => [name, unquoted(value)]);

const minus = (left: readonly [string, string][], right: readonly [string, string][]): [string, string][] => {
  const others = new Set(right.map(String));
  return left.filter((pair) => !others.has(String(pair)));
};
