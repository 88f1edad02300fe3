import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeDnsServer, type FakeRecord, startFakeDns } from '../fakes/dns-server.ts';
import { expectFailure, OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { type Panels, startPanels } from '../support/panels.ts';

const ACCOUNT = 'https://example.com/acme/acct/ExampleAccount';
const LABEL = '_ujmmovf2vn55tgye';
const PLAIN = '_acme-challenge.example.com';
const NAME = `${LABEL}.${PLAIN}`;
const ZONE_NAME = `${LABEL}._acme-challenge.example.ee`;
const TARGET = 'web1.acme.example.ee';

let panels: Panels;
let here: Workplace;
let dns: FakeDnsServer;
const records: FakeRecord[] = [];

beforeEach(async () => {
  records.length = 0;
  here = await openWorkplace();
  dns = await startFakeDns({
    zones: [{ name: 'com' }, { name: 'ee' }, { name: 'example.com', records }, { name: 'example.ee', records }],
  });
  const shown = new Map<string, string[]>();
  const change = async (name: string, value: string, what: 'added' | 'removed') => {
    const others = (shown.get(name) ?? []).filter((other) => other !== value);
    shown.set(name, what === 'added' ? [...others, value] : others);
    dns.show(name, shown.get(name) ?? []);
  };
  panels = await startPanels({
    ispconfig: { onChange: (_zone, name, _type, value, what) => change(name, value, what) },
    zoneid: { onChange: (_zone, name, value, what) => change(name, value, what) },
  });
  await configure();
});
afterEach(() => Promise.all([panels.close(), here.remove(), dns.close()]));

const configure = (accounts = panels.accounts) =>
  here.configure(`${accounts}dns:
  resolvers: ["${dns.at}"]
  nameservers: { example.com: ["${dns.at}"], example.ee: ["${dns.at}"] }
propagation: { timeout: 3, interval: 0.1 }
`);
const delegated = () => configure(panels.accounts.replace('ee: zone-eu', 'ee: { account: zone-eu, delegated: true }'));
const alias = (name: string, data: string) => records.push({ name, type: 'CNAME', data });
const jsonOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout);

describe('account-label', () => {
  const withoutConfig = { env: { DNS01_CONFIG: '/nowhere/config.yaml', DNS01_STATE_DIR: '/nowhere/state' } };

  it('prints the label, without any config', async () => {
    const plain = await here.run(['account-label', ACCOUNT], withoutConfig);
    expect(plain).toEqual({ code: 0, stdout: `${LABEL}\n`, stderr: '' });
    for (const args of [
      ['account-label', ACCOUNT, '--json'],
      ['--json', 'account-label', ACCOUNT],
    ]) {
      const { code, stdout } = await here.run(args, withoutConfig);
      expect({ code, stdout: JSON.parse(stdout) }).toEqual({
        code: 0,
        stdout: { ok: true, action: 'account-label', accountUrl: ACCOUNT, label: LABEL },
      });
    }
  });

  it('refuses what is not the URL of an account', async () => {
    for (const url of ['ftp://example.com/acct/1', 'example.com/acct/1', '']) {
      const outcome = await here.run(['account-label', url, '--json'], withoutConfig);
      expectFailure(outcome, 64, /is not the URL of an ACME account/, /exactly as your ACME client shows it/);
      expect(jsonOf(outcome)).toMatchObject({ ok: false, error: { code: 'E_USAGE' } });
    }
    expectFailure(await here.run(['account-label']), 64, /missing required argument 'account-url'/);
  });
});

describe('a name with the label of an account', () => {
  it('is published, shown by the name servers, listed, waited for and withdrawn, beside the plain name', async () => {
    expect((await here.run(['add-txt', PLAIN, OTHER_VALUE])).code).toBe(0);
    const added = await here.run(['add-txt', '--json', NAME.toUpperCase(), VALUE]);
    expect(added.stderr).toBe('');
    expect(jsonOf(added)).toMatchObject({ ok: true, name: NAME, account: 'panel', zone: 'example.com', changed: true });
    expect(dns.questions).toContainEqual(expect.objectContaining({ name: NAME, type: 'TXT' }));
    expect((await here.run(['wait-txt', NAME, VALUE])).code).toBe(0);
    expect((await here.run(['list-txt', NAME])).stdout).toBe(`${VALUE}\n`);
    expect((await here.run(['remove-txt', NAME, VALUE])).code).toBe(0);
    expect(panels.ispconfig.held(NAME)).toEqual([]);
    expect(panels.ispconfig.held(PLAIN)).toEqual([OTHER_VALUE]);
  });

  it('is waited for until its own servers show it, not those of the plain name', async () => {
    dns.show(PLAIN, [VALUE]);
    const outcome = await here.run(['wait-txt', '--timeout', '0.5', NAME, VALUE]);
    expectFailure(outcome, 75, /not shown by every name server .*: _ujmmovf2vn55tgye\._acme-challenge\.example\.com/);
  });

  it('finds its zone in as many requests as the plain name, where neither the config nor the DNS says it', async () => {
    const withoutZones = panels.accounts.replace(/zones:\n( .*\n)*/, '');
    await here.configure(`${withoutZones}dns: { followCnames: false }\n`);
    const search = async (name: string, value: string) => {
      expect((await here.run(['add-txt', '--no-wait', '--account', 'zone-eu', name, value])).code).toBe(0);
      return panels.zoneid.server.takeCalls();
    };
    expect(await search('_acme-challenge.www.example.ee', VALUE)).toEqual(['POST txt', 'POST txt']);
    const name = `${LABEL}._acme-challenge.mail.example.ee`;
    expect(await search(name, VALUE)).toEqual(['POST txt', 'POST txt']);
    expect(panels.zoneid.held(name)).toEqual([VALUE]);
    expect(await search(name, OTHER_VALUE)).toEqual(['POST txt']);
    await configure(withoutZones);
    expect(await search(ZONE_NAME, VALUE)).toEqual(['POST txt']);
  });

  it('is written and withdrawn where its own CNAME leads, not where that of the plain name does', async () => {
    await delegated();
    alias(PLAIN, 'plain.acme.example.ee');
    alias(NAME, TARGET);
    const added = await here.run(['add-txt', '--json', NAME, VALUE]);
    expect(jsonOf(added)).toMatchObject({ name: NAME, target: TARGET, account: 'zone-eu', zone: 'example.ee' });
    expect(panels.zoneid.held(TARGET)).toEqual([VALUE]);
    expect((await here.run(['wait-txt', NAME, VALUE])).code).toBe(0);
    records.pop();
    expect((await here.run(['remove-txt', NAME, VALUE])).code).toBe(0);
    expect(panels.zoneid.held(TARGET)).toEqual([]);
    expect((await here.run(['add-txt', '--no-wait', NAME, VALUE])).code).toBe(0);
    expect(panels.ispconfig.held(NAME)).toEqual([VALUE]);
  });

  it('may be the end of a CNAME of its own zone, and of another one only where that is delegated', async () => {
    alias(PLAIN, `${LABEL}._acme-challenge.hub.example.com`);
    expect((await here.run(['add-txt', '--no-wait', PLAIN, VALUE])).code).toBe(0);
    expect(panels.ispconfig.held(`${LABEL}._acme-challenge.hub.example.com`)).toEqual([VALUE]);
    alias(NAME, ZONE_NAME);
    const hint = /example\.ee: \{ account: zone-eu, delegated: true \}/;
    expectFailure(await here.run(['add-txt', NAME, VALUE]), 68, /leads to a name that may not be written/, hint);
    await delegated();
    expect((await here.run(['add-txt', NAME, VALUE])).code).toBe(0);
    expect(panels.zoneid.held(ZONE_NAME)).toEqual([VALUE]);
  });

  it('at the end of a CNAME into a zone that the config does not have, is refused with the line for that zone', async () => {
    const [, onlyAccount = ''] = /([\s\S]*?) {2}zone-eu:/.exec(panels.accounts) ?? [];
    await configure(onlyAccount);
    alias(NAME, ZONE_NAME);
    const hint = /add to zones: in .*: example\.ee: \{ account: NAME, delegated: true \}/;
    expectFailure(await here.run(['add-txt', NAME, VALUE]), 68, /leads to a name that may not be written/, hint);
  });

  it('is not led away by a wildcard CNAME, which a record of its own hides', async () => {
    alias(`*.${PLAIN}`, TARGET);
    expect((await here.run(['add-txt', NAME, VALUE])).code).toBe(0);
    expect(panels.ispconfig.held(NAME)).toEqual([VALUE]);
  });

  it('goes through a batch, where a line with another label fails alone', async () => {
    const lines = [NAME, `x.${PLAIN}`, ZONE_NAME].map((name) => JSON.stringify({ action: 'add', name, value: VALUE }));
    const { code, stdout } = await here.run(['batch'], { input: lines.join('\n') });
    const results = stdout.trim().split('\n');
    expect(code).toBe(64);
    expect(results.map((line) => JSON.parse(line).ok)).toEqual([true, false, true]);
    expect(results[1]).toContain('only the label of an ACME account may come before _acme-challenge');
    expect([panels.ispconfig.held(NAME), panels.zoneid.held(ZONE_NAME)]).toEqual([[VALUE], [VALUE]]);
  });

  it.each([
    ['lego', ['present', `${NAME}.`, VALUE], ['cleanup', `${NAME}.`, VALUE]],
    ['acme.sh', ['add', NAME, VALUE], ['rm', NAME, VALUE]],
    ['simple-acme', ['create', 'example.com', NAME, VALUE], ['delete', 'example.com', NAME, VALUE]],
  ])('is taken from the hook of %s', async (client, add, remove) => {
    expect((await here.run(['hook', client, ...add])).code).toBe(0);
    expect(panels.ispconfig.held(NAME)).toEqual([VALUE]);
    expect((await here.run(['hook', client, ...remove])).code).toBe(0);
    expect(panels.ispconfig.held(NAME)).toEqual([]);
    const wrong = [...add].map((word) => word.replace(LABEL, '_wrong'));
    expectFailure(await here.run(['hook', client, ...wrong]), 64, /only the label of an ACME account/);
  });
});

describe('sweep', () => {
  it('withdraws it, by the journal', async () => {
    await here.run(['add-txt', '--no-wait', NAME, VALUE]);
    expect(await readdir(join(here.stateDirectory, 'journal'))).toHaveLength(1);
    expect((await here.run(['sweep', '--older-than', '0s'])).stdout).toMatch(`removed\t${NAME}\t${VALUE}\tpanel\t`);
    expect(panels.ispconfig.held(NAME)).toEqual([]);
    expect(await readdir(join(here.stateDirectory, 'journal'))).toEqual([]);
  });

  it('--scan lists what others left at names of the journal, and in all zones at those of a given account', async () => {
    panels.ispconfig.plant({ name: `${NAME}.`, data: OTHER_VALUE });
    panels.zoneid.plant(ZONE_NAME, OTHER_VALUE);
    const [atPanel, atZone] = [
      `not ours\t${NAME}\t${OTHER_VALUE}\tpanel\n`,
      `not ours\t${ZONE_NAME}\t${OTHER_VALUE}\tzone-eu\n`,
    ];
    expect((await here.run(['sweep', '--scan'])).stdout).toBe('');
    expect((await here.run(['sweep', '--scan', '--account-uri', ACCOUNT])).stdout).toBe(atPanel + atZone);
    await here.run(['add-txt', '--no-wait', NAME, VALUE]);
    expect((await here.run(['sweep', '--scan'])).stdout).toBe(atPanel);
    expect(panels.ispconfig.held(NAME).sort()).toEqual([VALUE, OTHER_VALUE].sort());
  });

  it('--scan looks into a zone that is itself a challenge name', async () => {
    const own = await startPanels({ zoneid: { zones: ['_acme-challenge.example.ee'] } });
    await configure(own.accounts.replace('example.ee:', '_acme-challenge.example.ee:'));
    for (const name of [ZONE_NAME, '_acme-challenge.example.ee']) await own.zoneid.plant(name, OTHER_VALUE);
    const { stdout } = await here.run(['sweep', '--scan', '--account', 'zone-eu', '--account-uri', ACCOUNT]);
    expect(stdout.match(/\S+example\.ee/g)).toEqual(['_acme-challenge.example.ee', ZONE_NAME]);
    await own.close();
  });

  it('takes the URL of an account only for --scan', async () => {
    expectFailure(await here.run(['sweep', '--account-uri', ACCOUNT]), 64, /--account-uri is only for --scan/);
    expectFailure(await here.run(['sweep', '--scan', '--account-uri', 'me']), 64, /not the URL of an ACME account/);
  });
});

describe('doctor', () => {
  it('takes it for dns-account-01, also where CAA is about methods', async () => {
    records.push({ name: 'example.com', type: 'CAA', data: '0 issue ca.test; validationmethods=dns-01' });
    const { code, stdout } = await here.run(['doctor', '--write', '--issuer', 'ca.test', NAME]);
    expect(code).toBe(65);
    expect(stdout).toMatch(`name ${NAME}: target: written at ${NAME} by account panel\n`);
    expect(stdout).toMatch(/^ok +name _ujmm\S+: write: withdrawn after/m);
    expect(stdout.match(/^BAD.*$/gm)).toHaveLength(1);
    expect(stdout).toMatch(
      /^BAD .*: caa: .* do not let ca\.test issue by dns-account-01: .* does not allow dns-account-01$/m,
    );
    records.splice(0, 1, {
      name: 'example.com',
      type: 'CAA',
      data: '0 issue ca.test; validationmethods=dns-account-01',
    });
    expect((await here.run(['doctor', '--issuer', 'ca.test', NAME])).code).toBe(0);
    expect((await here.run(['doctor', '--issuer', 'ca.test', 'example.com'])).code).toBe(65);
  });

  it('compares its label with that of the account', async () => {
    expect((await here.run(['doctor', '--account-uri', ACCOUNT, NAME])).stdout).not.toMatch(/^BAD/m);
    const { code, stdout } = await here.run(['doctor', '--account-uri', `${ACCOUNT}2`, NAME]);
    expect(code).toBe(65);
    expect(stdout).toMatch(
      /: account: _ujmmovf2vn55tgye is not the label of the account .*Account2\n +hint: use _[a-z2-7]{16}\._acme-challenge\.example\.com$/m,
    );
  });
});

it.each([
  ['add-txt', [VALUE]],
  ['remove-txt', [VALUE]],
  ['wait-txt', [VALUE]],
  ['list-txt', []],
  ['doctor', []],
])('%s refuses any other label before _acme-challenge', async (verb, more) => {
  for (const label of ['www', '_ujmmovf2vn55tgy', '_ujmmovf2vn55tgy1', '_acme-challenge']) {
    const outcome = await here.run([verb, `${label}.${PLAIN}`, ...more]);
    expectFailure(
      outcome,
      64,
      /only the label of an ACME account may come before _acme-challenge/,
      /did you mean _acme/,
    );
  }
  expect([...panels.ispconfig.server.requests, ...panels.zoneid.server.requests]).toEqual([]);
});
