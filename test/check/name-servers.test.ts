import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Finding, reporterFor } from '../../src/check/finding.ts';
import { checkPlace } from '../../src/check/place.ts';
import { wantedZone } from '../../src/check/wanted.ts';
import { withRun } from '../../src/cli/open-run.ts';
import { openAuthorityFinder } from '../../src/dns/authority.ts';
import { normaliseName } from '../../src/names.ts';
import { createIo } from '../../src/output/io.ts';
import { hostsZone, LOCAL, serve, zoneOf } from '../dns/support.ts';
import { type IspconfigFake, startIspconfigFake } from '../fakes/ispconfig.ts';
import { openWorkplace, type Workplace } from '../support/cli.ts';

const OPTIONS = {
  config: undefined,
  account: undefined,
  zone: undefined,
  json: false,
  quiet: false,
  verbose: false,
  dryRun: false,
  timeout: 20,
};

let panel: IspconfigFake;
let here: Workplace;
beforeEach(async () => {
  here = await openWorkplace();
  panel = await startIspconfigFake();
});
afterEach(() => Promise.all([panel.close(), here.remove()]));

interface Scene {
  /** The hosts that the DNS names for the zone. */
  readonly asked: readonly string[];
  /** The hosts in the panel's NS rows. */
  readonly atPanel: readonly string[];
  readonly password?: string;
  /** Instead of the panel's. */
  readonly account?: object;
  /** The config names the servers, so that the DNS is not asked for them. */
  readonly configured?: boolean;
}

/** What doctor says of the delegation of example.com, beside that there is one. */
async function findingsFor(scene: Scene): Promise<Pick<Finding, 'level' | 'text' | 'hint'>[]> {
  const findings = await allFindingsFor(scene);
  expect(findings.filter(({ level }) => level === 'bad')).toEqual([]);
  return findings
    .filter(({ check, text }) => check === 'delegation' && !text.startsWith('in the DNS, '))
    .map(({ level, text, hint }) => ({ level, text, hint }));
}

async function allFindingsFor({ asked, atPanel, ...scene }: Scene): Promise<Finding[]> {
  for (const host of atPanel) panel.plant({ name: 'example.com.', type: 'NS', data: `${host}.` });
  const zone = zoneOf('example.com', asked);
  const [server] = await serve({ zones: [zone] });
  const hosts = Object.fromEntries(asked.map((host) => [host, ['127.0.0.1']]));
  const [resolver] = await serve({
    resolver: true,
    zones: [zone, hostsZone(asked[0]?.split('.').at(-1) ?? '', hosts)],
  });
  const { url, username, password } = panel;
  const login = { provider: 'ispconfig', url, username, password: scene.password ?? password };
  const account = scene.account ?? login;
  const config = await here.configure(
    JSON.stringify({
      accounts: { panel: account },
      zones: { 'example.com': 'panel' },
      dns: { resolvers: [resolver.at], ...(scene.configured ? { nameservers: { 'example.com': [server.at] } } : {}) },
    }),
  );
  const io = createIo({
    env: { DNS01_CONFIG: config, DNS01_STATE_DIR: here.stateDirectory },
    stdout() {},
    stderr() {},
    isTerminal: false,
    stop: new AbortController().signal,
  });
  const findings: Finding[] = [];
  await withRun(OPTIONS, io, async (run) => {
    const authorities = openAuthorityFinder(
      { ...run.config, allowNetworks: LOCAL, port: server.port },
      run.deadline.signal,
    );
    const wanted = wantedZone(normaliseName('example.com'));
    const report = reporterFor(wanted.subject);
    for await (const finding of checkPlace(wanted, {}, { ...run, authorities }, report)) findings.push(finding);
  });
  return findings;
}

describe('doctor compares the name servers of the delegation with those of the provider', () => {
  it('and finds them the same, in whatever order', async () => {
    const [asked, atPanel] = [
      ['ns1.panel.example', 'ns2.panel.example'],
      ['ns2.panel.example', 'ns1.panel.example'],
    ];
    expect(await findingsFor({ asked, atPanel })).toEqual([
      { level: 'good', text: "the name servers are the provider's: ns1.panel.example, ns2.panel.example" },
    ]);
  });

  it('and finds some of them there, as with a secondary elsewhere', async () => {
    const asked = ['ns1.panel.example', 'ns.secondary.example'];
    const atPanel = ['ns1.panel.example', 'ns2.panel.example'];
    expect(await findingsFor({ asked, atPanel })).toEqual([
      {
        level: 'good',
        text: 'of the name servers ns1.panel.example, ns.secondary.example, the provider has ns1.panel.example',
      },
    ]);
  });

  it('and warns where it is none of them, with what to do', async () => {
    expect(await findingsFor({ asked: ['ns1.other.example'], atPanel: ['ns1.panel.example'] })).toEqual([
      {
        level: 'warning',
        text: 'example.com is delegated to ns1.other.example, but account panel writes to ns1.panel.example',
        hint: expect.stringMatching(/^change the delegation of example\.com at its registrar, or use the account/),
      },
    ]);
    expect(panel.server.requests.map(({ call }) => call)).toEqual(['login', 'dns_zone_get', 'dns_txt_get', 'logout']);
  });

  it('and says so where the panel cannot be asked, without a second try', async () => {
    const scene = { asked: ['ns1.panel.example'], atPanel: ['ns1.panel.example'], password: 'wrong-password' };
    expect(await findingsFor(scene)).toEqual([
      {
        level: 'info',
        text: expect.stringMatching(
          /^the account's own name servers are not known: account panel \(ispconfig\): .*password$/,
        ),
        hint: expect.stringMatching(/./),
      },
    ]);
    expect(panel.server.requests.map(({ call }) => call)).toEqual(['login']);
  });

  it('and has nothing to say where the zone has no NS records there', async () => {
    expect(await findingsFor({ asked: ['ns1.other.example'], atPanel: [] })).toEqual([]);
  });

  it('but not where the config names the servers', async () => {
    const scene = { asked: ['ns1.other.example'], atPanel: ['ns1.panel.example'], configured: true };
    expect(await findingsFor(scene)).toEqual([]);
    expect(panel.server.requests).toEqual([]);
  });
});

describe('doctor knows the providers by their name servers', () => {
  const CLOUDFLARE = ['abby.ns.cloudflare.com', 'ben.ns.cloudflare.com'];

  it('and says which one serves the zone', async () => {
    const findings = await allFindingsFor({ asked: CLOUDFLARE, atPanel: [] });
    expect(findings).toContainEqual({
      level: 'good',
      subject: 'zone example.com',
      check: 'provider',
      text: 'example.com is served by Cloudflare (provider: cloudflare)',
    });
    // An ISPConfig panel may have any name servers, also as the hidden primary of these.
    expect(findings.filter(({ level }) => level === 'warning')).toEqual([]);
  });

  it('and warns where the account writes to another one', async () => {
    const account = { provider: 'hetzner', token: 'not-used-here', url: panel.url };
    const findings = await allFindingsFor({ asked: CLOUDFLARE, atPanel: [], account });
    expect(findings).toContainEqual(
      expect.objectContaining({
        level: 'warning',
        text: 'example.com is served by Cloudflare, but account panel writes to Hetzner DNS (Cloud API)',
        hint: 'use an account with provider: cloudflare, or change the delegation of example.com at its registrar',
      }),
    );
  });

  it('by whole names only', async () => {
    const findings = await allFindingsFor({ asked: ['abby.ns.cloudflare.com.evil.example'], atPanel: [] });
    expect(findings.filter(({ check }) => check === 'provider')).toEqual([]);
  });
});
