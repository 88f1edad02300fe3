import { describe, expect, it, onTestFinished } from 'vitest';
import type { CheckContext } from '../../src/check/context.ts';
import { reporterFor } from '../../src/check/finding.ts';
import { wantedName } from '../../src/check/wanted.ts';
import { checkWay } from '../../src/check/way.ts';
import type { Config } from '../../src/config/load.ts';
import { openAuthorityFinder } from '../../src/dns/authority.ts';
import { openResolver } from '../../src/dns/resolver.ts';
import { normaliseName } from '../../src/names.ts';
import { hostsZone, LOCAL, serve, zoneOf } from '../dns/support.ts';
import type { FakeRecord, FakeZone, Manners } from '../fakes/dns-server.ts';

const NAME = '_acme-challenge.example.com';

interface Scene {
  /** In the zone example.com. */
  readonly records?: readonly FakeRecord[];
  /** Other zones, on the same server, with their NS records. */
  readonly others?: readonly FakeZone[];
  readonly name?: string;
  readonly config?: Partial<Config>;
  readonly manners?: Manners;
}

/** What is said of a name, each finding as `LEVEL CHECK: TEXT`. A resolver is never asked for the challenge name. */
async function findingsFor({ records = [], others = [], name = 'example.com', config, manners = {} }: Scene) {
  const zones = [zoneOf('example.com', ['ns.test'], { records }), ...others];
  const [server] = await serve({ zones, manners });
  const [resolver] = await serve({
    resolver: true,
    zones: [...zones, { name: 'com' }, { name: 'net' }, hostsZone('test', { 'ns.test': ['127.0.0.1'] })],
  });
  onTestFinished(() => expect(resolver.challengeQuestions()).toEqual([]));
  const { signal } = new AbortController();
  const dns = { resolvers: [resolver.at], nameservers: [], allowNetworks: LOCAL, port: server.port };
  const context: Pick<CheckContext, 'authorities' | 'resolver' | 'signal' | 'config'> = {
    authorities: openAuthorityFinder(dns, signal),
    resolver: openResolver(dns.resolvers, signal),
    signal,
    config: config && ({ file: 'dns01.yaml', followCnames: true, accounts: {}, zones: [], ...config } as Config),
  };
  const wanted = wantedName(name);
  const findings: string[] = [];
  const hints: (string | undefined)[] = [];
  for await (const { level, check, text, hint } of checkWay(wanted, context, reporterFor(wanted.subject))) {
    findings.push(`${level} ${check}: ${text}`);
    hints.push(hint);
  }
  return { findings, hints, server };
}

const txt = (name: string, data = 'x'): FakeRecord => ({ name, type: 'TXT', data });
const cname = (name: string, data: string): FakeRecord => ({ name, type: 'CNAME', data });
const net = (name: string, records: readonly FakeRecord[] = []): FakeZone => zoneOf(name, ['ns.test'], { records });

it('nothing is said of a name where nothing is', async () => {
  expect((await findingsFor({})).findings).toEqual([]);
});

describe('a chain of CNAMEs', () => {
  it('is shown to its end, which need not be published yet', async () => {
    const records = [cname(NAME, 'a.example.com'), cname('a.example.com', 'x.other.net')];
    expect((await findingsFor({ records, others: [net('other.net')] })).findings).toEqual([
      `good cname: a CA follows ${NAME} -> a.example.com -> x.other.net`,
    ]);
  });

  it('may start at the label of an account', async () => {
    const name = `_ujmmovf2vn55tgye.${NAME}`;
    const records = [cname(name, 'x.other.net')];
    expect((await findingsFor({ name, records, others: [net('other.net')] })).findings).toEqual([
      `good cname: a CA follows ${name} -> x.other.net`,
    ]);
  });

  it('is bad where it goes round', async () => {
    const records = [cname(NAME, 'a.example.com'), cname('a.example.com', NAME)];
    expect((await findingsFor({ records })).findings).toEqual([
      `bad cname: the CNAME chain is a loop: ${NAME} -> a.example.com -> ${NAME}`,
    ]);
  });

  it('is a risk where the domain at its end is not registered', async () => {
    const { findings, hints } = await findingsFor({ records: [cname(NAME, 'x.gone.net')] });
    expect(findings).toEqual([`warning cname: ${NAME} -> x.gone.net: the domain at the end does not exist`]);
    expect(hints[0]).toMatch(/whoever does can get certificates for yours$/);
  });

  it('is not known where no name server of the name itself answers, which is a matter of its delegation', async () => {
    const { findings } = await findingsFor({ manners: { rcode: 'REFUSED' } });
    expect(findings).toEqual([
      expect.stringMatching(
        /^info cname: no name server of example\.com answers: ns\.test 127\.0\.0\.1:\d+: answers REFUSED$/,
      ),
    ]);
    expect((await findingsFor({ name: 'www.gone.net' })).findings).toEqual([
      expect.stringMatching(/^info cname: the DNS has no zone that holds /),
    ]);
  });

  it('is bad where no name server answers for its end', async () => {
    const zone = zoneOf('other.net', ['ns.test'], { lame: true });
    const { findings } = await findingsFor({ records: [cname(NAME, 'x.other.net')], others: [zone] });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatch(
      /^bad cname: _acme-challenge\.example\.com -> x\.other\.net: no name server of other\.net answers for x\.other\.net: ns\.test 127\.0\.0\.1:\d+: does not serve the zone$/,
    );
  });
});

describe('who writes at the end is said where there is a config', () => {
  const accounts = { one: { provider: 'x', options: {} }, two: { provider: 'x', options: {} } };
  const zone = (name: string, account: string, delegated = false) => ({
    zone: normaliseName(name),
    account,
    delegated,
  });
  const records = [cname(NAME, 'x.other.net')];
  const others = [net('other.net')];
  const chain = `good cname: a CA follows ${NAME} -> x.other.net`;

  it('by account', async () => {
    const zones = [zone('example.com', 'one'), zone('other.net', 'two', true)];
    expect((await findingsFor({ config: { accounts, zones } })).findings).toEqual([
      `good target: written at ${NAME} by account one`,
    ]);
    expect((await findingsFor({ records, others, config: { accounts, zones } })).findings).toEqual([
      chain,
      `good target: ${NAME} -> x.other.net, written by account two`,
    ]);
  });

  it('or that the config does not allow it, with the line to add', async () => {
    const zones = [zone('example.com', 'one'), zone('other.net', 'two')];
    const { findings, hints } = await findingsFor({ records, others, config: { accounts, zones } });
    expect(findings).toEqual([
      chain,
      `warning target: ${NAME} -> x.other.net: the CNAME leads to a name that may not be written`,
    ]);
    expect(hints[1]).toMatch(/other\.net: \{ account: two, delegated: true \}$/);
  });

  it('or that the config is about other names', async () => {
    const { findings } = await findingsFor({ config: { accounts, zones: [zone('example.org', 'one')] } });
    expect(findings).toEqual([`info target: no account is configured for ${NAME} (zones: example.org)`]);
  });

  it('or that the config does not follow the CNAME, as a CA does', async () => {
    const zones = [zone('example.com', 'one'), zone('other.net', 'two', true)];
    const { findings } = await findingsFor({ records, others, config: { accounts, zones, followCnames: false } });
    expect(findings).toEqual([
      chain,
      `warning target: dns01.yaml says dns.followCnames: false, so dns01 writes ${NAME}, where no CA sees it`,
    ]);
  });
});

describe('what else is there', () => {
  it.each([1, 20])('%i values of earlier orders do no harm', async (count) => {
    const records = Array.from({ length: count }, (_, index) => txt(NAME, `value ${index}`));
    expect((await findingsFor({ records })).findings).toEqual([
      `good old values: ${NAME} holds ${count} value${count === 1 ? '' : 's'} already, which does no harm`,
    ]);
  });

  it('many of them make the answer long', async () => {
    const records = Array.from({ length: 21 }, (_, index) => txt(NAME, `value ${index}`));
    expect((await findingsFor({ records })).findings).toEqual([
      `warning old values: ${NAME} holds 21 values already, so that the answer is long`,
    ]);
  });

  it('values at the end of a CNAME count', async () => {
    const others = [net('other.net', [txt('x.other.net')])];
    expect((await findingsFor({ records: [cname(NAME, 'x.other.net')], others })).findings).toEqual([
      `good cname: a CA follows ${NAME} -> x.other.net`,
      'good old values: x.other.net holds 1 value already, which does no harm',
    ]);
  });

  it.each(['TXT', 'CNAME'] as const)('a wildcard %s answers for the challenge name', async (type) => {
    const records = [{ name: '*.example.com', type, data: type === 'TXT' ? 'v=spf1 -all' : 'example.com' }];
    const { findings, hints } = await findingsFor({ records });
    expect(findings).toEqual([`warning wildcard: a wildcard ${type} record answers at names that do not exist`]);
    expect(hints[0]).toMatch(/^it does not show at _acme-challenge\.example\.com while that holds a value/);
  });

  it('a wildcard that another name hides does not', async () => {
    const records = [txt('*.example.com', 'v=spf1 -all'), txt('www.example.com')];
    expect((await findingsFor({ records, name: 'www.example.com' })).findings).toEqual([]);
  });
});

describe('a value with the zone twice in its name', () => {
  it.each([
    ['example.com', `${NAME}.example.com`],
    ['www.example.com', '_acme-challenge.www.example.com.example.com'],
    ['www.example.com', '_acme-challenge.www.example.com.www.example.com'],
  ])('of %s: %s', async (name, doubled) => {
    const { findings, hints } = await findingsFor({ name, records: [txt(doubled)] });
    expect(findings).toEqual([
      `warning doubled name: there is a TXT record at ${doubled}: something has appended the zone to a whole name`,
    ]);
    expect(hints[0]).toContain(`_acme-challenge.${name}`);
  });

  it('or a CNAME', async () => {
    const { findings } = await findingsFor({ records: [cname(`${NAME}.example.com`, 'x.example.com')] });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatch(/^warning doubled name: there is a CNAME record/);
  });

  it('is not what a wildcard makes', async () => {
    const records = [txt('*.example.com', 'v=spf1 -all'), txt('www.example.com')];
    expect((await findingsFor({ records, name: 'www.example.com' })).findings).toEqual([]);
  });
});

describe('a name that has names below it', () => {
  const name = 'a.b.example.com';
  const records = [txt('_acme-challenge.a.b.example.com')];
  const old = 'good old values: _acme-challenge.a.b.example.com holds 1 value already, which does no harm';

  it('is there without records of its own', async () => {
    expect((await findingsFor({ name, records })).findings).toEqual([old]);
  });

  it.each(['a.b.example.com', 'b.example.com'])('must not answer NXDOMAIN: %s', async (above) => {
    const manners: Manners = { rcode: 'NXDOMAIN', rcodeFor: { name: above, type: 'TXT' } };
    const { findings } = await findingsFor({ name, records, manners });
    expect(findings).toEqual([
      old,
      expect.stringMatching(
        new RegExp(
          `^warning empty name: ns\\.test 127\\.0\\.0\\.1:\\d+ says that ${above} does not exist \\(NXDOMAIN\\), but it has _acme-challenge\\.a\\.b\\.example\\.com below it$`,
        ),
      ),
    ]);
  });

  it('may be missing where nothing is below it', async () => {
    expect((await findingsFor({ name })).findings).toEqual([]);
  });
});

it('all servers are asked without recursion', async () => {
  const { server } = await findingsFor({ records: [cname(NAME, 'a.example.com')] });
  expect(server.questions.filter(({ recursive }) => recursive)).toEqual([]);
});
