import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import { type NamecheapRecord, problemOf } from './namecheap-records.ts';
import { element, failed, open, parametersOf, succeeded } from './namecheap-xml.ts';
import { type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export interface NamecheapFakeSettings extends StandInSettings {
  /** The domains that have their DNS elsewhere. */
  readonly elsewhere?: readonly string[];
  /** How the domains get their mail; default: `NONE`. */
  readonly emailType?: string;
  /** How many answers are the status 405 for too many requests first. */
  readonly busy?: number;
  /** Drops records that match while it stores the others, as the API does with some that it does not like. */
  readonly drops?: (record: NamecheapRecord) => boolean;
  /** Called after each request and before its answer: another program may write in that moment. */
  readonly afterCall?: (call: string) => void;
}

export interface NamecheapFake extends StandIn {
  readonly domains: ReadonlyMap<string, NamecheapDomain>;
  /**
   * What was lost of others in replacements of a domain. `close` throws if there is something, unless the test has taken
   * it from this list.
   */
  readonly harm: string[];
}

interface NamecheapDomain {
  records: NamecheapRecord[];
  emailType: string;
}

/** The logins of the one account. */
export const NAMECHEAP_LOGIN = {
  user: 'namecheap-user',
  apiKey: 'fake-namecheap-key-0123456789abcdef',
  clientIp: '203.0.113.5',
} as const;

const MAIL = ['NONE', 'MXE', 'MX', 'FWD', 'OX', 'GMAIL'];

/** The most records that a GET may have (setHosts: "use HTTP POST method when setting more than 10 hostnames"). */
const MAX_BY_GET = 10;

/** The Namecheap API for one account, by its documents, go-namecheap-sdk and recorded answers. */
export async function startNamecheapFake(settings: NamecheapFakeSettings = {}): Promise<NamecheapFake> {
  const { user, apiKey, clientIp } = NAMECHEAP_LOGIN;
  const names = settings.zones ?? ['example.com'];
  const domains = new Map<string, NamecheapDomain>();
  const harm: string[] = [];
  let lastId = 746_000;
  let busy = settings.busy ?? 0;
  for (const name of names) domains.set(name, { records: [], emailType: settings.emailType ?? 'NONE' });

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const answer = await answerTo(request);
    settings.afterCall?.(request.call);
    return answer;
  }

  async function answerTo(request: FakeRequest): Promise<FakeReply> {
    // Of another host, which tells clients their own address.
    if (request.path === '/getip') return { status: 200, body: clientIp };
    if (busy-- > 0) return { status: 405, headers: { 'content-type': 'text/html' }, body: '<html>Not allowed</html>' };
    if (!['GET', 'POST'].includes(request.method)) return { status: 404 };
    const given = parametersOf(request);
    const command = given.get('command') ?? '';
    const refused = loginFault(given);
    if (refused) return failed(command, ...refused);
    if (command === '') return failed(command, 1_010_104, 'Parameter Command is missing');
    if (command === 'namecheap.domains.getlist') return list(given);
    if (command === 'namecheap.domains.getinfo') return info(given.get('domainname') ?? '');
    const [sld, tld] = [given.get('sld') ?? '', given.get('tld') ?? ''];
    if (sld === '' || tld === '') return failed(command, 2_010_324, 'Parameter SLD or TLD is missing');
    const name = `${sld}.${tld}`.toLowerCase();
    const domain = domains.get(name);
    if (!domain) return failed(command, 2_019_166, `Domain name not found`);
    if (command === 'namecheap.domains.dns.getlist') return servers(name);
    if (command === 'namecheap.domains.dns.gethosts') return hosts(name, domain);
    if (command !== 'namecheap.domains.dns.sethosts') return failed(command, 1_010_104, 'Parameter Command is missing');
    const records = [...given.keys()].filter((key) => /^recordtype\d+$/.test(key)).length;
    if (request.method === 'GET' && records > MAX_BY_GET) return { status: 404 };
    return replace(name, domain, given);
  }

  function loginFault(given: ReadonlyMap<string, string>): [number, string] | undefined {
    if (!given.get('apiuser')) return [1_010_101, 'Parameter APIUser is missing'];
    if (!given.get('apikey')) return [1_010_102, 'Parameter APIKey is missing'];
    if (!given.get('clientip')) return [1_010_105, 'Parameter ClientIP is missing'];
    if (given.get('apikey') !== apiKey || given.get('apiuser') !== user) {
      return [1_011_102, 'API Key is invalid or API access has not been enabled'];
    }
    if (given.get('clientip') !== clientIp) return [1_011_150, `Invalid request IP: ${given.get('clientip')}`];
    return given.get('username') === user ? undefined : [1_019_103, 'Parameter UserName is not available'];
  }

  function list(given: ReadonlyMap<string, string>): FakeReply {
    const size = Number(given.get('pagesize') ?? 20);
    const page = Number(given.get('page') ?? 1);
    if (size < 10 || size > 100) return failed('namecheap.domains.getlist', 2_010_324, 'PageSize is invalid');
    const shown = [...domains.keys()].slice((page - 1) * size, page * size).map((name, index) =>
      element('Domain', {
        ID: index,
        Name: name,
        User: user,
        Created: '05/20/2025',
        Expires: '05/20/2027',
        IsExpired: 'false',
        IsLocked: 'false',
        AutoRenew: 'true',
        WhoisGuard: 'ENABLED',
        IsPremium: 'false',
        IsOurDNS: !isElsewhere(name),
      }),
    );
    const paging = `<Paging><TotalItems>${domains.size}</TotalItems><CurrentPage>${page}</CurrentPage><PageSize>${size}</PageSize></Paging>`;
    return succeeded(
      'namecheap.domains.getList',
      `<DomainGetListResult>${shown.join('')}</DomainGetListResult>${paging}`,
    );
  }

  function info(name: string): FakeReply {
    if (!domains.has(name)) return failed('namecheap.domains.getinfo', 2_030_166, 'Domain is invalid');
    const details = element('DnsDetails', {
      ProviderType: 'FREE',
      IsUsingOurDNS: !isElsewhere(name),
      HostCount: domains.get(name)?.records.length ?? 0,
    });
    return succeeded(
      'namecheap.domains.getInfo',
      `${open('DomainGetInfoResult', { Status: 'Ok', DomainName: name, OwnerName: user, IsOwner: 'true' })}${details}</DomainGetInfoResult>`,
    );
  }

  const isElsewhere = (name: string): boolean => settings.elsewhere?.includes(name) ?? false;

  function servers(name: string): FakeReply {
    const shown = ['dns1', 'dns2'].map(
      (server) => `<Nameserver>${server}.${isElsewhere(name) ? 'example.net' : 'registrar-servers.com'}</Nameserver>`,
    );
    return succeeded(
      'namecheap.domains.dns.getList',
      `${open('DomainDNSGetListResult', { Domain: name, IsUsingOurDNS: !isElsewhere(name) })}${shown.join('')}</DomainDNSGetListResult>`,
    );
  }

  function hosts(name: string, { records, emailType }: NamecheapDomain): FakeReply {
    if (isElsewhere(name))
      return failed(
        'namecheap.domains.dns.gethosts',
        2_030_288,
        'Cannot complete this command as this domain is not using proper DNS servers',
      );
    const shown = records.map((record) =>
      element('host', {
        HostId: record.hostId,
        Name: record.name,
        Type: record.type,
        Address: record.address,
        MXPref: record.mxPref,
        TTL: record.ttl,
        AssociatedAppTitle: '',
        FriendlyName: '',
        IsActive: record.isActive ?? true,
        IsDDNSEnabled: record.isDynamic ?? false,
      }),
    );
    return succeeded(
      'namecheap.domains.dns.getHosts',
      `${open('DomainDNSGetHostsResult', { Domain: name, EmailType: emailType, IsUsingOurDNS: 'true' })}\r\n${shown.join('\r\n')}\r\n</DomainDNSGetHostsResult>`,
    );
  }

  async function replace(
    name: string,
    domain: NamecheapDomain,
    given: ReadonlyMap<string, string>,
  ): Promise<FakeReply> {
    const command = 'namecheap.domains.dns.setHosts';
    if (isElsewhere(name))
      return failed(command, 2_030_288, 'Cannot complete this command as this domain is not using proper DNS servers');
    const emailType = given.get('emailtype') ?? 'NONE';
    if (!MAIL.includes(emailType)) return failed(command, 2_010_324, 'EmailType is invalid');
    const records: NamecheapRecord[] = [];
    for (let index = 1; given.has(`recordtype${index}`) || given.has(`hostname${index}`); index++) {
      const field = (key: string) => given.get(`${key}${index}`);
      const record = {
        hostId: ++lastId,
        name: (field('hostname') ?? '').toLowerCase(),
        type: field('recordtype') ?? '',
        address: field('address') ?? '',
        mxPref: field('mxpref') ?? '10',
        ttl: field('ttl') ?? '1800',
      };
      const problem = problemOf(record);
      if (problem !== undefined) return failed(command, 2_050_900, problem);
      // "namecheap requires EmailType MX or else it will not save any mx records" (billputer/go-namecheap, pull request 7).
      const isLost = record.type === 'MX' && !['MX', 'OX', 'GMAIL'].includes(emailType);
      if (!isLost && !settings.drops?.(record)) records.push(record);
    }
    const before = domain.records;
    harm.push(...harmOf(name, domain, { records, emailType }));
    Object.assign(domain, { records, emailType });
    await tell(name, before, records);
    return succeeded(
      command,
      `${open('DomainDNSSetHostsResult', { Domain: name, IsSuccess: 'true' })}<Warnings /></DomainDNSSetHostsResult>`,
    );
  }

  async function tell(
    zone: string,
    before: readonly NamecheapRecord[],
    now: readonly NamecheapRecord[],
  ): Promise<void> {
    const [old, present] = [before, now].map((records) =>
      records
        .filter(({ type }) => type === 'TXT')
        .map((record) => JSON.stringify([fullName(record.name, zone), record.address])),
    );
    for (const each of old ?? [])
      if (!present?.includes(each))
        await settings.onChange?.(zone, ...(JSON.parse(each) as [string, string]), 'removed');
    for (const each of present ?? [])
      if (!old?.includes(each)) await settings.onChange?.(zone, ...(JSON.parse(each) as [string, string]), 'added');
  }

  const server = await startFaultServer({ nameOf, reply });
  const all = () =>
    [...domains].flatMap(([zone, { records }]) =>
      records.map((record) => ({ ...record, zone, full: fullName(record.name, zone) })),
    );
  return {
    server,
    options: { url: `${server.origin}/xml.response`, user, apiKey, clientIp },
    secrets: [apiKey],
    calls: { add: 'POST hosts', remove: 'POST hosts' },
    domains,
    harm,
    held: (name) => all().flatMap((record) => (record.full === name && record.type === 'TXT' ? [record.address] : [])),
    plant(name, value, type = 'TXT') {
      const zone = zoneHolding(names, name);
      const domain = domains.get(zone ?? '');
      if (!domain || zone === undefined) throw new Error(`no domain of the stand-in holds ${name}`);
      const relative = name === zone ? '@' : name.slice(0, -zone.length - 1);
      domain.records.push({ hostId: ++lastId, name: relative, type, address: value, mxPref: '10', ttl: '1799' });
    },
    everything: () => [
      ...all().map(({ hostId: _, ...record }) => JSON.stringify(record)),
      ...[...domains].map(([zone, { emailType }]) => `${zone} ${emailType}`),
    ],
    async close() {
      await server.close();
      if (harm.length > 0) throw new Error(`records of others were harmed: ${harm.join('; ')}`);
    },
  };
}

/** Everything but TXT records of challenge names is of others. */
function harmOf(zone: string, before: NamecheapDomain, now: NamecheapDomain): string[] {
  const text = ({ hostId: _, ...record }: NamecheapRecord) => JSON.stringify(record);
  const left = now.records.map(text);
  const lost = before.records
    .filter(({ name, type }) => type !== 'TXT' || !name.startsWith('_acme-challenge'))
    .filter((record) => {
      const index = left.indexOf(text(record));
      if (index >= 0) left.splice(index, 1);
      return index < 0;
    });
  const mail = before.emailType === now.emailType ? [] : [`${zone}: mail ${before.emailType} became ${now.emailType}`];
  return [...lost.map((record) => `${zone}: ${text(record)}`), ...mail];
}

const fullName = (name: string, zone: string): string => (name === '@' ? zone : `${name.replace(/\.$/, '')}.${zone}`);

function nameOf(request: Omit<FakeRequest, 'call'>): string {
  const command = parametersOf(request).get('command') ?? '';
  if (command.endsWith('.sethosts')) return 'POST hosts';
  return command.endsWith('.gethosts') ? 'GET hosts' : `GET ${command.replace('namecheap.', '')}`;
}
