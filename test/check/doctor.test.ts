import { X509Certificate } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type FakeDnsServer, type FakeRecord, startFakeDns } from '../fakes/dns-server.ts';
import { expectFailure, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { startHttps } from '../support/https.ts';
import { PANEL_PASSWORD, type Panels, startPanels, ZONE_KEY } from '../support/panels.ts';

let panels: Panels;
let here: Workplace;
let dns: FakeDnsServer;
let serial: number;
const records: FakeRecord[] = [];

beforeEach(async () => {
  records.length = 0;
  here = await openWorkplace();
  dns = await startFakeDns({
    zones: [{ name: 'com' }, { name: 'ee' }, { name: 'example.com', records }, { name: 'example.ee', records }],
  });
  const shown = new Map<string, string[]>();
  const change = (name: string, value: string, what: 'added' | 'removed') => {
    const others = (shown.get(name) ?? []).filter((other) => other !== value);
    shown.set(name, what === 'added' ? [...others, value] : others);
    dns.show(name, shown.get(name) ?? []);
  };
  panels = await startPanels({
    ispconfig: { onChange: async (_zone, name, _type, value, what) => change(name, value, what) },
    zoneid: { onChange: async (_zone, name, value, what) => change(name, value, what) },
  });
  await configure();
  serial = panels.ispconfig.serialOf('example.com');
});
afterEach(async () => {
  await here.expectNoSecret(PANEL_PASSWORD, ZONE_KEY);
  await Promise.all([panels.close(), here.remove(), dns.close()]);
});

const configure = (accounts = panels.accounts) =>
  here.configure(`${accounts}dns:
  resolvers: ["${dns.at}"]
  nameservers: { example.com: ["${dns.at}"], example.ee: ["${dns.at}"] }
propagation: { timeout: 2, interval: 0.1 }
`);
const doctor = (...options: string[]) => here.run(['doctor', ...options]);

it('doctor finds nothing bad where issuing works, and says what it looked at', async () => {
  const { code, stdout } = await doctor();
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ok +account panel: config: provider ispconfig$/m);
  expect(stdout).toMatch(
    /^ok +account panel: secret: password in .*dns01\.yaml \(mode 0600, owned by uid \d+, gid \d+\)$/m,
  );
  expect(stdout).toMatch(/^ok +account panel: login: accepted$/m);
  expect(stdout).toMatch(/^ok +account panel: zones: example\.com$/m);
  expect(stdout).toMatch(/^ok +account zone-eu: rate limit: 59 of 60 requests left/m);
  expect(stdout).toMatch(/^ok +zone example\.com: target: written at _acme-challenge\.example\.com by account panel$/m);
  expect(stdout).toMatch(/^ok +zone example\.com: caa: no CAA record/m);
  expect(stdout).not.toMatch(/^BAD/m);
});

describe('doctor says what is bad and what to do', () => {
  it('for a wrong password, tried once', async () => {
    await configure(panels.accounts.replace(JSON.stringify(PANEL_PASSWORD), 'wrong-password'));
    const outcome = await doctor();
    expectFailure(outcome, 65, /issuing would not work, one thing is bad; the first: account panel: login/);
    expect(panels.ispconfig.server.takeCalls()).toEqual(['login']);
    expect(outcome.stdout).toMatch(/^ok +account zone-eu: login: accepted$/m);
  });

  it('for a wrong key, also where it was refused a moment ago', async () => {
    await configure(panels.accounts.replace(ZONE_KEY, 'a-wrong-key'));
    const add = () => here.run(['add-txt', '--no-wait', '_acme-challenge.example.ee', VALUE]);
    expect((await add()).code).toBe(77);
    expect((await add()).stderr).toMatch(/these credentials were refused \d+ s ago/);
    const asked = panels.zoneid.server.requests.length;
    const { code, stdout } = await doctor('--account', 'zone-eu');
    expect(code).toBe(65);
    expect(stdout).toMatch(/^BAD +account zone-eu: login: (?!these credentials were refused)/m);
    expect(panels.zoneid.server.requests.length).toBe(asked + 1);
  });

  it('for a right that is missing, with the box to tick, and changes nothing to find out', async () => {
    panels.ispconfig.rights.delete('dns_txt_delete');
    const rows = panels.ispconfig.rows.length;
    const { code, stdout } = await doctor();
    expect(code).toBe(65);
    expect(stdout).toMatch(/^ok +account panel: rights: dns_txt_add$/m);
    expect(stdout).toMatch(
      /^BAD +account panel: rights: missing: dns_txt_delete\n +hint: tick "DNS zone functions" and "DNS txt functions"/m,
    );
    expect(panels.ispconfig.rows).toHaveLength(rows);
    expect(panels.ispconfig.serialOf('example.com')).toBe(serial);
  });

  it('for an account that cannot be read', async () => {
    await configure(panels.accounts.replace('username: zoneid-user', 'user: zoneid-user'));
    const { code, stdout } = await doctor();
    expect(code).toBe(78);
    expect(stdout).toMatch(/^BAD +account zone-eu: config: .*dns01\.yaml:\d+: accounts\.zone-eu\./m);
  });

  it('for a zone of the config that the login does not see', async () => {
    await configure(panels.accounts.replace('example.com: panel', 'example.com: panel\n  example.net: panel'));
    expect((await doctor()).stdout).toMatch(
      /^BAD +account panel: zones: the config names example\.net, which this login does not see$/m,
    );
  });

  it('for name servers that do not serve the zone', async () => {
    dns.manners = { rcode: 'REFUSED' };
    const { code, stdout } = await doctor('--zone', 'example.com');
    expect(code).toBe(65);
    expect(stdout).toMatch(/^BAD +zone example\.com: name server: 127\.0\.0\.1:\d+ answers REFUSED$/m);
  });

  it('for a certificate that is not trusted, with the line to paste', async () => {
    const server = await startHttps('self-signed');
    const url = `https://127.0.0.1:${server.port}/remote/json.php`;
    await configure(panels.accounts.replace(panels.ispconfig.url, url));
    const { stdout } = await doctor();
    const pem = await readFile(new URL('../fixtures/tls/self-signed.pem', import.meta.url));
    expect(stdout).toMatch(
      /^BAD +account panel: tls: the certificate of 127\.0\.0\.1:\d+ is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/m,
    );
    expect(stdout).toContain(`fingerprint: "${new X509Certificate(pem).fingerprint256}"`);
    expect(server.requests).toEqual([]);
    await server.close();
  });

  it('for a CNAME that leads where nothing may be written', async () => {
    records.push({ name: '_acme-challenge.example.com', type: 'CNAME', data: 'www.example.ee' });
    const { code, stdout } = await doctor();
    expect(code).toBe(65);
    expect(stdout).toMatch(
      /^BAD +zone example\.com: target: _acme-challenge\.example\.com -> www\.example\.ee: the CNAME leads to a name that may not be written$/m,
    );
  });
});

describe('doctor warns', () => {
  it('of a wildcard that answers at challenge names', async () => {
    records.push({ name: '*.example.com', type: 'TXT', data: 'v=spf1 -all' });
    const { code, stdout } = await doctor();
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^warning +zone example\.com: wildcard: a wildcard TXT record answers at names that do not exist$/m,
    );
  });

  it('of a secret that the environment of cron does not have', async () => {
    await configure(panels.accounts.replace(`apiKey: ${ZONE_KEY}`, 'apiKey: { env: ZONE_KEY }'));
    const env = { ZONE_KEY, HOME: here.directory };
    const config = ['--config', join(here.directory, 'dns01.yaml')];
    expect((await here.run(['doctor', ...config], { env })).code).toBe(0);
    const asCron = await here.run(['doctor', '--as-cron', ...config], {
      env: { ...env, XDG_STATE_HOME: here.directory },
    });
    expect(asCron.stdout).toMatch(/^BAD +account zone-eu: secret: .*the environment variable ZONE_KEY is not set$/m);
  });

  it('of a secret file that everybody can read', async () => {
    const file = join(here.directory, 'key');
    await writeFile(file, ZONE_KEY);
    await chmod(file, 0o644);
    await configure(panels.accounts.replace(`apiKey: ${ZONE_KEY}`, `apiKey: { file: ${file} }`));
    const { stdout, stderr } = await doctor();
    expect(stdout).toMatch(/secret: apiKey from .*key \(mode 0644/);
    expect(stderr).toMatch(/every user can read it/);
  });
});

it('doctor --write publishes a value, sees it, and takes it away again', async () => {
  const { code, stdout } = await doctor('--write');
  expect(code).toBe(0);
  const published =
    'published [\\w-]{43} at _acme-challenge\\.example\\.ee in zone example\\.ee by account zone-eu after';
  for (const what of [published, 'shown by every name server after', 'withdrawn after']) {
    expect(stdout).toMatch(new RegExp(`^ok +zone example\\.ee: write: ${what} \\d+\\.\\d s$`, 'm'));
  }
  expect(panels.zoneid.held('_acme-challenge.example.ee')).toEqual([]);
  expect(panels.ispconfig.held('_acme-challenge.example.com')).toEqual([]);
});

it('doctor --write takes the value away when it is stopped or its time is up', async () => {
  const deaf = await startFakeDns({ zones: [{ name: 'example.com' }] });
  onTestFinished(() => deaf.close());
  const wait = `nameservers: { example.com: ["${deaf.at}"] } }\npropagation: { timeout: 20, interval: 0.1 }\n`;
  await here.configure(`${panels.accounts}dns: { resolvers: ["${deaf.at}"], ${wait}`);
  const stopped = await here.run(['doctor', '--write', 'example.com'], {
    onStart: (child) => child.stdout?.on('data', (text) => /published/.test(text) && child.kill('SIGINT')),
  });
  expect(stopped.stderr).toMatch(/^dns01: error: stopped by SIGINT$/m);
  expect(stopped.code).toBe(130);
  expect(stopped.stdout).not.toContain('BAD');
  expect(stopped.stdout).toMatch(/^ok +name example\.com: write: withdrawn/m);
  const late = await here.run(['doctor', '--write', '--timeout', '2', 'example.com']);
  expect(late.code).not.toBe(0);
  expect(late.stdout).toMatch(/^ok +name example\.com: write: withdrawn/m);
  expect(panels.ispconfig.held('_acme-challenge.example.com')).toEqual([]);
});

it('doctor without --write changes nothing', async () => {
  panels.ispconfig.plant({ name: '_acme-challenge.example.com.' });
  const before = JSON.stringify(panels.ispconfig.rows);
  await doctor();
  expect(JSON.stringify(panels.ispconfig.rows)).toBe(before);
  expect(panels.ispconfig.serialOf('example.com')).toBe(serial);
  expect(panels.zoneid.server.takeCalls().filter((call) => call !== 'GET txt')).toEqual([]);
});

it('doctor --json is one document, for monitoring', async () => {
  panels.ispconfig.panel.maintenance = true;
  const { code, stdout } = await doctor('--json');
  expect(code).toBe(65);
  const document = JSON.parse(stdout);
  expect(document).toMatchObject({ ok: false, action: 'doctor' });
  expect(document.findings).toContainEqual(
    expect.objectContaining({ level: 'bad', subject: 'account panel', check: 'login' }),
  );
});
