import type { LabZone } from './zones.ts';

/** Values of challenges that nobody has withdrawn: more than fit into a UDP packet. */
const stale = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `_acme-challenge TXT "${String(index).padStart(43, 'stale-')}"`);

const warned = (resolves: 'secure' | 'insecure', check: string, says?: RegExp) =>
  [{ resolves, level: 'warning', check, ...(says ? { says } : {}) }] as const;

/** Delegations and name servers. */
export const serverZones: readonly LabZone[] = [
  {
    zone: 'lame.com',
    what: 'no server serves the zone',
    servers: ['lame'],
    expected: [{ resolves: 'fails', level: 'bad', check: 'name server' }],
  },
  {
    zone: 'one-lame.com',
    what: 'one of three does not serve it',
    servers: ['bind', 'knot', 'lame'],
    expected: warned('insecure', 'name server'),
  },
  {
    zone: 'closed.com',
    what: 'nothing listens at its servers',
    servers: ['closed', 'silent'],
    expected: [{ resolves: 'fails', level: 'bad', check: 'name server' }],
  },
  {
    zone: 'one-closed.com',
    what: 'nothing listens at one of three',
    servers: ['bind', 'knot', 'closed'],
    expected: warned('insecure', 'name server'),
  },
  {
    zone: 'one-silent.com',
    what: 'one of three never answers',
    servers: ['bind', 'knot', 'silent'],
    expected: warned('insecure', 'name server'),
  },
  {
    zone: 'stale.com',
    what: 'one server has an older version of the zone',
    signed: {},
    servers: ['bind', 'old'],
    old: 'serial',
    expected: warned('secure', 'name server', /serial/),
  },
  { zone: 'no-tcp.com', what: 'no TCP', servers: ['noTcp'], expected: warned('insecure', 'name server', /TCP/) },
  {
    zone: 'no-tcp-large.com',
    what: '30 stale values, and no TCP',
    servers: ['noTcp'],
    records: stale(30),
    expected: [{ resolves: 'fails', level: 'bad', check: 'name server', says: /TCP/ }],
  },
  {
    zone: 'large.com',
    what: '30 stale values',
    signed: {},
    records: stale(30),
    expected: [{ resolves: 'secure', level: 'warning', check: 'old values' }],
  },
  {
    zone: 'lowercase.com',
    what: 'answers in lower case',
    servers: ['lowercase'],
    expected: warned('insecure', 'name server', /case/),
  },
  {
    zone: 'mixed-case.com',
    what: 'drops queries in mixed case',
    servers: ['dropsMixedCase'],
    expected: [
      {
        resolves: 'fails',
        level: 'bad',
        check: 'name server',
        says: /case/,
      },
    ],
  },
  { zone: 'slow.com', what: 'answers after 600 ms', servers: ['slow'], expected: warned('insecure', 'name server') },
  {
    zone: 'no-edns.com',
    what: 'knows no EDNS',
    servers: ['noEdns'],
    expected: warned('insecure', 'name server', /EDNS/),
  },
  {
    zone: 'forwards.com',
    what: 'answers without authority',
    servers: ['forwards'],
    expected: [{ resolves: 'insecure', level: 'bad', check: 'name server', refuses: 'no authority' }],
  },
  {
    zone: 'one-forwards.com',
    what: 'one of three answers without authority',
    servers: ['bind', 'knot', 'forwards'],
    expected: warned('insecure', 'name server'),
  },
  {
    zone: 'no-udp.com',
    what: 'no UDP',
    servers: ['noUdp'],
    expected: [{ resolves: 'fails', level: 'bad', check: 'name server' }],
  },
  {
    zone: 'one-no-udp.com',
    what: 'one of three without UDP',
    servers: ['bind', 'knot', 'noUdp'],
    expected: warned('insecure', 'name server'),
  },
  {
    zone: 'truncates.com',
    what: 'everything over TCP',
    servers: ['truncates'],
    expected: [{ resolves: 'insecure', level: 'good' }],
  },
  {
    zone: 'servfail.com',
    what: 'SERVFAIL for everything',
    servers: ['servfail'],
    expected: [{ resolves: 'fails', level: 'bad', check: 'name server' }],
  },
  {
    zone: 'private.com',
    what: 'private addresses only',
    servers: ['private'],
    expected: [{ resolves: 'fails', level: 'bad', says: /10\.53\.0\.1/ }],
  },
  {
    zone: 'one-private.com',
    what: 'one private address among three',
    servers: ['bind', 'knot', 'private'],
    expected: warned('insecure', 'name server'),
  },
  {
    zone: 'ipv6.com',
    what: 'IPv6 addresses only',
    servers: ['ipv6'],
    expected: warned('insecure', 'name server', /IPv6/),
  },
  {
    zone: 'mismatch.com',
    what: 'parent and child name other servers',
    servers: ['bind'],
    delegatedTo: ['bind', 'knot'],
    expected: warned('insecure', 'delegation'),
  },
  {
    zone: 'wrong-glue.com',
    what: "the parent's glue leads to a server that does not serve it",
    glue: ['bind', 'lame'],
    expected: warned('insecure', 'delegation'),
  },
  {
    zone: 'no-glue.com',
    what: 'the parent has no addresses of name servers inside the zone',
    glue: 'none',
    expected: [{ resolves: 'fails', level: 'bad' }],
  },
  {
    zone: 'hosts-alias.net',
    what: 'name servers that are CNAMEs',
    records: ['bind.x CNAME bind.hosts.net.', 'knot.x CNAME knot.hosts.net.'],
    expected: [{ resolves: 'insecure', level: 'good' }],
  },
  {
    zone: 'alias-servers.com',
    what: 'its name servers are CNAMEs',
    hostsIn: 'x.hosts-alias.net',
    expected: warned('insecure', 'delegation'),
  },
  {
    zone: 'no-host.com',
    what: 'its name servers have no address',
    hostsIn: 'not-there.com',
    expected: [{ resolves: 'fails', level: 'bad' }],
  },
  {
    zone: 'hosts.net',
    what: 'the name servers of others',
    signed: {},
    expected: [{ resolves: 'secure', level: 'good' }],
  },
  {
    zone: 'elsewhere.com',
    what: 'its name servers are in another domain',
    signed: {},
    hostsIn: 'hosts.net',
    expected: [{ resolves: 'secure', level: 'good' }],
  },
  {
    zone: 'long-negative.com',
    what: 'a negative answer lives for a day',
    negativeTtl: 86_400,
    expected: warned('insecure', 'negative answers'),
  },
];
