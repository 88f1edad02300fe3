import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/check/finding.ts';
import { hostsZone, serve, zoneOf } from '../dns/support.ts';
import type { FakeDnsServer, FakeRecord } from '../fakes/dns-server.ts';
import { openWorkplace, type Workplace } from '../support/cli.ts';

const [ROOT, TLD, SERVER, RESOLVER] = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'] as const;

let here: Workplace;
let root: FakeDnsServer;
let tld: FakeDnsServer;
let server: FakeDnsServer;
let resolver: FakeDnsServer;

beforeEach(async () => {
  here = await openWorkplace();
  [root, tld, server, resolver] = await serve(
    { address: ROOT, zones: [{ name: '', delegations: { com: { 'ns.com': [TLD] } } }] },
    { address: TLD },
    { address: SERVER },
    { address: RESOLVER, resolver: true },
  );
});
afterEach(() => here.remove());

/** Serves example.com, in the public DNS or only for the resolver here. */
function publish(records: readonly FakeRecord[] = [], isPublic = true): void {
  const hosts = { 'ns.example.com': [SERVER] };
  const own = zoneOf('example.com', ['ns.example.com'], {
    records: [...records, ...(hostsZone('', hosts).records ?? [])],
  });
  tld.serve([{ name: 'com', delegations: isPublic ? { 'example.com': hosts } : {} }]);
  server.serve([own, { name: 'other.com', records: [] }]);
  resolver.serve([{ name: 'com' }, own]);
}

const configure = (dns = '') =>
  here.configure(`accounts: { it: { provider: exec, command: [/bin/false] } }
zones: { example.com: it, other.com: { account: it, delegated: true } }
dns:
  roots: ["${root.at}"]
  resolvers: ["${resolver.at}"]
  doh: []
  allowNetworks: ["127.0.0.0/8"]
  ${dns}
`);

async function findingsOf(verb: 'check' | 'doctor'): Promise<Finding[]> {
  const { stdout } = await here.run([verb, '--json', 'example.com']);
  return JSON.parse(stdout).findings;
}
const about = (findings: readonly Finding[], check: string) =>
  findings.filter((finding) => finding.check === check).map(({ level, text }) => `${level}: ${text}`);

it('doctor finds what check finds, and what only an account can tell', async () => {
  const records = ['0 issue ca.example', '128 tbs x'].map(
    (data) => ({ name: 'example.com', type: 'CAA', data }) as const,
  );
  publish([...records, { name: '*.example.com', type: 'TXT', data: 'v=spf1 -all' }]);
  await configure();
  const [seen, found] = [await findingsOf('check'), await findingsOf('doctor')];
  const common = seen.filter(({ check }) => check !== 'target');
  expect(new Set(common.map(({ check }) => check))).toEqual(
    new Set(['name', 'delegation', 'name server', 'wildcard', 'dnssec', 'caa', 'negative answers']),
  );
  for (const finding of common) expect(found).toContainEqual(finding);
  expect(about(found, 'target')).toEqual(['good: written at _acme-challenge.example.com by account it']);
});

describe('a domain that only the resolver of this machine knows', () => {
  beforeEach(() => publish([], false));

  it('may be that of a CA of your own: doctor warns, and looks at its servers', async () => {
    await configure();
    const found = await findingsOf('doctor');
    expect(about(found, 'name')).toEqual([
      'warning: example.com is not in the public DNS, so only a CA of your own issues for it',
    ]);
    expect(about(found, 'name server')).toEqual(['good: 1 of 1 addresses answer']);
    expect(about(found, 'negative answers')).toHaveLength(1);
  });

  it('gets no certificate of a public CA: check says no', async () => {
    await configure();
    expect(about(await findingsOf('check'), 'name')).toEqual(['bad: example.com does not exist in the DNS']);
  });
});

describe('servers that the config names', () => {
  it('count for doctor, which does not look for others', async () => {
    publish();
    await configure(`nameservers: { example.com: ["${server.at}"] }`);
    const found = await findingsOf('doctor');
    expect(about(found, 'delegation')).toEqual(['info: dns.nameservers says which servers to ask for example.com']);
    expect(about(found, 'name server')).toEqual(['good: 1 of 1 addresses answer']);
    expect(root.questions).toEqual([]);
  });

  it('do not count for check, because no CA knows of them', async () => {
    publish();
    await configure('nameservers: { example.com: [127.0.0.9] }');
    const found = await findingsOf('check');
    expect(about(found, 'delegation')).toEqual(['good: delegated to ns.example.com']);
    expect(about(found, 'name server')).toEqual(['good: 1 of 1 addresses answer']);
  });
});

it('doctor warns of a CNAME that a CA follows and dns01 does not', async () => {
  publish([{ name: '_acme-challenge.example.com', type: 'CNAME', data: 'x.example.com' }]);
  await configure('followCnames: false');
  expect(about(await findingsOf('doctor'), 'target')).toEqual([
    'good: written at _acme-challenge.example.com by account it',
    expect.stringMatching(
      /^warning: .*dns01\.yaml says dns\.followCnames: false, so dns01 writes _acme-challenge\.example\.com, where no CA sees it$/,
    ),
  ]);
});
