import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HAS_IPV6, hostsZone, serve, VALUE, zoneOf } from '../dns/support.ts';
import type { FakeDnsServer, FakeZone, Manners } from '../fakes/dns-server.ts';
import { expectFailure, type Outcome, openWorkplace, type Workplace } from '../support/cli.ts';

const [ROOT, TLD, FIRST, SECOND, RESOLVER] = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5'] as const;
const CHALLENGE = '_acme-challenge.example.com';
const NS = ['ns1.example.com', 'ns2.example.com'];

/** The hosts of the zone with their addresses, which the parent has as glue. */
type Hosts = Readonly<Record<string, readonly string[]>>;
const HOSTS: Hosts = { 'ns1.example.com': [FIRST], 'ns2.example.com': [SECOND] };

let here: Workplace;
let root: FakeDnsServer;
let tld: FakeDnsServer;
let first: FakeDnsServer;
let second: FakeDnsServer;
let resolver: FakeDnsServer;

beforeEach(async () => {
  here = await openWorkplace();
  [root, tld, first, second, resolver] = await serve(
    { address: ROOT, zones: [{ name: '', delegations: { com: { 'ns.com': [TLD] } } }] },
    { address: TLD },
    { address: FIRST },
    { address: SECOND },
    { address: RESOLVER, resolver: true },
  );
  publish();
  await configure();
});
afterEach(() => here.remove());

const configure = (allowNetworks = ['127.0.0.0/8']) =>
  here.configure(`accounts: { it: { provider: exec, command: [/bin/false] } }
dns:
  roots: ["${root.at}"]
  resolvers: ["${resolver.at}"]
  doh: []
  allowNetworks: ${JSON.stringify(allowNetworks)}
`);

/** What the parent delegates to, and what the zone's own servers hold. */
function publish({
  hosts = HOSTS,
  glue = hosts,
  names = NS,
  zone = {},
}: {
  hosts?: Hosts;
  glue?: Hosts;
  names?: readonly string[];
  zone?: Parameters<typeof zoneOf>[2];
} = {}): void {
  const addresses = hostsZone('', hosts).records ?? [];
  const own = zoneOf('example.com', names, { ...zone, records: [...(zone?.records ?? []), ...addresses] });
  tld.serve([{ name: 'com', delegations: { 'example.com': glue } }]);
  first.serve([own]);
  second.serve([own]);
  resolver.serve([{ name: 'com' }, own]);
}
const misbehave = (manners: Manners, ...servers: FakeDnsServer[]) => {
  for (const server of servers) server.manners = manners;
};
const check = (...args: string[]) => here.run(['check', ...args]);
const linesOf = ({ stdout }: Outcome, level: string) =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith(level))
    .map((line) => line.replace(/^\S+ +/, ''));

it('says yes for a sound name, with a line for each thing it looks at', async () => {
  const outcome = await check('example.com');
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  const good = linesOf(outcome, 'ok');
  expect(good).toContain('name example.com: name: example.com exists');
  expect(good).toContain('zone example.com: delegation: delegated to ns1.example.com, ns2.example.com');
  expect(good).toContain('zone example.com: name server: 2 of 2 addresses answer');
  expect(good).toContain('name example.com: caa: no CAA record, so every CA may issue');
  expect(good).toContain(
    'zone example.com: negative answers: resolvers may remember for 60 s that a value is not there',
  );
  expect([...linesOf(outcome, 'warning'), ...linesOf(outcome, 'BAD')]).toEqual([]);
});

it('asks no resolver for the challenge name, and no server to resolve', async () => {
  await check('example.com', '*.example.com', 'www.example.com');
  expect(resolver.challengeQuestions()).toEqual([]);
  expect([root, tld, first].flatMap(({ questions }) => questions).filter(({ recursive }) => recursive)).toEqual([]);
});

it('shows the findings of a zone once, however many names are in it', async () => {
  const { stdout } = await check('example.com', '*.example.com', 'www.example.com');
  expect(stdout.match(/addresses answer/g)).toHaveLength(1);
  expect(stdout.match(/: name: example\.com exists/g)).toHaveLength(3);
});

it('prints one document with --json', async () => {
  second.serve([]);
  const { code, stdout } = await check('--json', 'example.com');
  expect(code).toBe(0);
  const { ok, action, findings } = JSON.parse(stdout);
  expect({ ok, action }).toEqual({ ok: true, action: 'check' });
  expect(findings).toContainEqual({
    level: 'warning',
    subject: 'zone example.com',
    check: 'name server',
    text: `ns2.example.com ${SECOND}:${second.port} answers REFUSED`,
    hint: expect.stringMatching(/repair it/),
  });
});

it('needs no config for what only the name tells', async () => {
  const outcome = await here.run(['check', '*.co.uk'], { env: { DNS01_CONFIG: '', HOME: here.directory } });
  expectFailure(outcome, 65, /issuing would not work, one thing is bad.*public suffix/);
});

it('cannot tell where the time is up', async () => {
  misbehave({ udp: 'silent' }, first, second);
  expectFailure(await check('--timeout', '0.5', 'example.com'), 75, /time limit was reached/, /--timeout/);
});

it('says no where the time is up after something bad', async () => {
  misbehave({ udp: 'silent' }, first, second);
  const outcome = await check('--timeout', '0.5', '--json', '*.co.uk', 'example.com');
  expect(outcome.code).toBe(65);
  const { findings } = JSON.parse(outcome.stdout);
  expect(findings[0]).toMatchObject({ level: 'bad' });
  expect(findings.at(-1)).toMatchObject({
    level: 'info',
    check: 'time limit',
    hint: expect.stringMatching(/--timeout/),
  });
});

describe('the name', () => {
  it('that nobody has registered is bad, and nothing else is said of it', async () => {
    const outcome = await check('www.not-there.com', 'example.com');
    expect(outcome.code).toBe(65);
    expect(linesOf(outcome, 'BAD')).toEqual(['name www.not-there.com: name: not-there.com does not exist in the DNS']);
    expect(outcome.stdout).not.toMatch(/not-there\.com: (cname|caa|delegation)/);
    expect(outcome.stdout).toMatch(/2 of 2 addresses answer/);
  });

  it('is shown in both forms where it is internationalised', async () => {
    tld.serve([{ name: 'com', delegations: { 'xn--bcher-kva.com': HOSTS } }]);
    expect((await check('bücher.com')).stdout).toMatch(/xn--bcher-kva\.com is bücher\.com; xn--bcher-kva\.com exists/);
  });

  it.each([
    ['dns-01', 'example.com', CHALLENGE],
    ['dns-persist-01', 'example.com', '_validation-persist.example.com'],
    ['dns-account-01', 'example.com', `_ujmmovf2vn55tgye.${CHALLENGE}`],
  ])('is looked at as %s needs it', async (method, name, challenge) => {
    const account = ['--account-uri', 'https://example.com/acme/acct/ExampleAccount'];
    const { code } = await check('--method', method, ...account, name);
    expect(code).toBe(0);
    expect(first.questions.map(({ name: asked }) => asked.toLowerCase())).toContain(challenge);
  });

  it.each([
    [['--method', 'http-01', 'example.com'], /there is no method "http-01"/],
    [['--method', 'dns-account-01', 'example.com'], /dns-account-01 needs the label/],
    [['--method', 'dns-01', '_ujmmovf2vn55tgye._acme-challenge.example.com'], /is a name of dns-account-01/],
    [[], /missing/],
  ])('is a usage error for %j', async (args, message) => {
    expectFailure(await check(...args), 64, message);
  });

  it('with the label of another account is bad', async () => {
    const outcome = await check(
      ...['--account-uri', 'https://example.com/acme/acct/ExampleAccount', `_aaaaaaaaaaaaaaaa.${CHALLENGE}`],
    );
    expect(linesOf(outcome, 'BAD')[0]).toMatch(/account: _aaaaaaaaaaaaaaaa is not the label of the account/);
  });
});

describe('the delegation', () => {
  it.each([
    [
      'names other servers than the zone',
      { names: ['ns1.example.com'] },
      /the parent zone names ns1\.example\.com, ns2\.example\.com, the zone itself ns1\.example\.com$/,
    ],
    [
      'has old glue',
      { glue: { 'ns1.example.com': [FIRST], 'ns2.example.com': [FIRST] } },
      /gives 127\.0\.0\.3 as the address of ns2\.example\.com, which has 127\.0\.0\.4$/,
    ],
    [
      'names something else than hosts',
      { names: [...NS, 'not a host'] },
      /NS records hold what is not a host name: "not\\\\032a\\\\032host"$/,
    ],
    [
      'names a CNAME',
      {
        names: [...NS, 'ns3.example.com'],
        zone: { records: [{ name: 'ns3.example.com', type: 'CNAME', data: 'ns1.example.com' } as const] },
      },
      /ns3\.example\.com is a CNAME to ns1\.example\.com, which some resolvers do not follow/,
    ],
    [
      'has a server without an address',
      { hosts: { ...HOSTS, 'ns2.example.com': [] } },
      /ns2\.example\.com has no address$/,
    ],
    [
      'has a private address among others',
      { hosts: { ...HOSTS, 'ns3.example.com': ['10.0.0.1'] }, names: [...NS, 'ns3.example.com'] },
      /which no CA asks: ns3\.example\.com 10\.0\.0\.1/,
    ],
  ])('that %s gets a warning', async (_, zone, text) => {
    publish(zone);
    const outcome = await check('example.com');
    expect(outcome.code).toBe(0);
    expect(linesOf(outcome, 'warning')).toContainEqual(expect.stringMatching(text));
  });

  it.each([
    ['has private addresses only', { hosts: { 'ns1.example.com': ['10.0.0.1'] } }, /which no CA asks/],
    ['has no addresses', { hosts: { 'ns1.example.com': [] } }, /ns1\.example\.com has no address/],
  ])('that %s is bad', async (_, zone, text) => {
    publish(zone);
    const outcome = await check('example.com');
    expect(outcome.code).toBe(65);
    expect(linesOf(outcome, 'BAD')).toContainEqual(expect.stringMatching(text));
  });

  it('is followed into zones below and along CNAMEs', async () => {
    const below = { 'acme.example.com': { 'ns.acme.example.com': [SECOND] } };
    first.serve([
      zoneOf('example.com', ['ns1.example.com'], {
        delegations: below,
        records: [
          { name: CHALLENGE, type: 'CNAME', data: 'x.acme.example.com' },
          ...(hostsZone('', { 'ns1.example.com': [FIRST] }).records ?? []),
        ],
      }),
    ]);
    tld.serve([{ name: 'com', delegations: { 'example.com': { 'ns1.example.com': [FIRST] } } }]);
    resolver.serve([
      { name: 'com' },
      ...[
        zoneOf('example.com', ['ns1.example.com'], {
          records: hostsZone('', { 'ns1.example.com': [FIRST] }).records ?? [],
        }),
      ],
    ]);
    second.serve([]);
    const outcome = await check('example.com');
    expect(outcome.code).toBe(65);
    expect(linesOf(outcome, 'BAD')).toContainEqual(
      expect.stringMatching(
        /^zone acme\.example\.com: name server: ns\.acme\.example\.com 127\.0\.0\.4:\d+ answers REFUSED/,
      ),
    );
  });

  it('is not judged where this machine cannot ask', async () => {
    await root.close();
    resolver.serve([]);
    resolver.manners = { rcode: 'REFUSED' };
    const outcome = await check('example.com');
    expectFailure(outcome, 75, /nothing could be checked/);
    expect(outcome.stdout).toMatch(/^not checked name example\.com: delegation: the way to .* ends at the root/m);
  });
});

describe('a name server', () => {
  it.each<[string, () => void, RegExp]>([
    ['that is lame', () => second.serve([]), /answers REFUSED$/],
    [
      'that has an old version',
      () => second.serve([old()]),
      /different versions of the zone: serial 2 at ns1\S+ \S+; serial 1 at ns2/,
    ],
    ['without TCP', () => misbehave({ tcp: 'closes' }, second), /ns2\.example\.com \S+ does not answer over TCP$/],
    [
      'that changes the letter case',
      () => misbehave({ mixedCase: 'lowered' }, first, second),
      /ns1.*, ns2.* answers in another letter case/,
    ],
    ['that is slow', () => misbehave({ delayMs: 550 }, second), /ns2\S+ \S+ \(\d+ ms\) is slow$/],
    ['without EDNS', () => misbehave({ edns: 'FORMERR' }, second), /ns2\S+ \S+ does not know EDNS$/],
  ])('%s among others gets a warning', async (_, spoil, text) => {
    first.serve([old({ serial: 2 })]);
    second.serve([old({ serial: 2 })]);
    spoil();
    const outcome = await check('example.com');
    expect(outcome.code).toBe(0);
    const warnings = linesOf(outcome, 'warning').filter((line) => line.includes(': name server: '));
    expect(warnings).toEqual([expect.stringMatching(text)]);
  });

  it.each<[string, () => void, RegExp]>([
    [
      'lame',
      () => {
        for (const server of [first, second]) server.serve([]);
      },
      /answers REFUSED/,
    ],
    [
      'drop mixed case',
      () => misbehave({ mixedCase: 'dropped' }, first, second),
      /does not answer questions in mixed letter case/,
    ],
    [
      'cannot show many values without TCP',
      () => misbehave({ udp: 'sized', tcp: 'closes' }, first, second),
      /too many for UDP, and there is no TCP/,
    ],
  ])('is bad where all %s', async (_, spoil, text) => {
    publish({ zone: { values: Array.from({ length: 30 }, (__, index) => `${index}${VALUE}`.slice(0, 43)) } });
    spoil();
    const outcome = await check('example.com');
    expect(outcome.code).toBe(65);
    expect(linesOf(outcome, 'BAD')).toContainEqual(expect.stringMatching(text));
  });

  it.runIf(HAS_IPV6)('with IPv6 alone gets a warning', async () => {
    await configure(['127.0.0.0/8', '::1/128']);
    publish({ hosts: { 'ns1.example.com': ['::1'] } });
    expect(linesOf(await check('example.com'), 'warning')).toContainEqual(expect.stringMatching(/IPv6 addresses only/));
  });

  const old = (more: Partial<FakeZone> = {}): FakeZone =>
    zoneOf('example.com', NS, { records: hostsZone('', HOSTS).records ?? [], ...more });
});

describe('negative answers', () => {
  it('that live long get a warning', async () => {
    publish({ zone: { minimum: 86_400 } });
    expect(linesOf(await check('example.com'), 'warning')).toContainEqual(
      expect.stringMatching(/negative answers: resolvers may remember for 86400 s/),
    );
  });
});
