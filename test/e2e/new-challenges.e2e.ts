import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkplace, type Workplace } from '../support/cli.ts';
import { root } from '../support/paths.ts';
import { type Pebble, startPebble } from './lab/pebble.ts';
import { missingOf } from './lab/programs.ts';
import type { Account } from './support/account.ts';
import { type AcmeAccount, openAcmeAccount } from './support/acme.ts';
import { openKnot } from './support/knot-primary.ts';
import { expectSuccess } from './support/outcome.ts';
import { openPowerdns } from './support/pdns.ts';

const PEBBLE = join(root, '.e2e/pebble-2.10/usr/bin/pebble');
const ZONE = 'example.com';
const NAME = `_validation-persist.${ZONE}`;
/** Pebble's name where its config has no other. */
const CA = 'pebble.letsencrypt.org';
const BOTH = [ZONE, `*.${ZONE}`];

const missing = [
  ...(existsSync(PEBBLE) ? [] : ['Pebble 2.10.0 (bash test/e2e/pebble-2.10.sh fetches it)']),
  ...missingOf(['pdns_server', 'sqlite3', 'knotd', 'nsupdate', 'dig', 'openssl', 'setpriv'] as const),
];
const title = missing.length === 0 ? 'new challenges' : `new challenges (cannot run, missing: ${missing.join(', ')})`;
if (missing.length > 0) console.warn(title);

const HOSTS = { 'rfc2136 (Knot)': openKnot, powerdns: openPowerdns } as const;

describe.skipIf(missing.length > 0).each(Object.entries(HOSTS))(`${title}, through %s`, (_, open) => {
  let dir: string;
  let here: Workplace;
  let host: Account & { nameserver: { host: string; port: number } };
  let pebble: Pebble;
  let acme: AcmeAccount;
  let who: string[];

  beforeAll(async () => {
    [dir, here, host] = await Promise.all([mkdtemp(join(tmpdir(), 'dns01-persist-')), openWorkplace(), open(ZONE)]);
    pebble = await startPebble({ dir, dnsServer: host.nameserver, program: PEBBLE });
    acme = await openAcmeAccount(pebble);
    who = ['--issuer', CA, '--account-uri', acme.url];
    const { host: address, port } = host.nameserver;
    await here.configure(`accounts:\n  it: ${JSON.stringify(host.login)}\nzones:\n  ${ZONE}: it\n
dns: { nameservers: { ${ZONE}: ["${address}:${port}"] } }\npropagation: { timeout: 20, interval: 0.2 }\n`);
  });
  afterAll(async () => {
    await here?.expectNoSecret(...(host?.secrets ?? []));
    await pebble?.close();
    await Promise.all([host?.close(), here?.remove(), dir && rm(dir, { recursive: true })]);
  });
  const persist = (...args: string[]) => here.run(['persist', ...args, ...who]);
  const verdict = async (domain: string) => JSON.parse((await persist('verify', domain, '--json')).stdout);
  const typeOf = (problem: string) => `urn:ietf:params:acme:error:${problem}`;

  it('Pebble issues for a name and its wildcard from one record, again and again, and no longer after its removal', async () => {
    expect(await acme.issue([ZONE], 'dns-persist-01')).toMatchObject({ problem: { type: typeOf('unauthorized') } });
    expectSuccess(await persist('add', ZONE));
    expect(await acme.issue([ZONE], 'dns-persist-01')).toHaveProperty('certificate');
    const refused = await acme.issue(BOTH, 'dns-persist-01');
    expect(refused.problem?.detail).toContain('policy mismatch: expected "wildcard"');
    expect(await verdict(`*.${ZONE}`)).toMatchObject({ pebble: 'unauthorized' });

    expectSuccess(await persist('add', `*.${ZONE}`, '--until', '4102444800'));
    expect(await verdict(`*.${ZONE}`)).toMatchObject({ boulder: 'valid', pebble: 'valid' });
    for (let time = 0; time < 2; time++) {
      const { certificate = '' } = await acme.issue(BOTH, 'dns-persist-01');
      expect(new X509Certificate(certificate).subjectAltName?.split(', ').sort()).toEqual(
        [...BOTH].sort().map((each) => `DNS:${each}`),
      );
    }
    expectSuccess(await persist('remove', ZONE));
    expect(await acme.issue([ZONE], 'dns-persist-01')).toMatchObject({ problem: { type: typeOf('unauthorized') } });
  });

  it('Pebble issues for a name and its wildcard by dns-account-01', async () => {
    const label = (await here.run(['account-label', acme.url])).stdout.trim();
    const challenge = `${label}._acme-challenge.${ZONE}`;
    const published: string[] = [];
    const { certificate = '' } = await acme.issue(BOTH, 'dns-account-01', async (domain, value) => {
      expect(domain).toBe(ZONE);
      expectSuccess(await here.run(['add-txt', challenge, value]));
      published.push(value);
    });
    expect(new X509Certificate(certificate).subjectAltName).toContain(`DNS:*.${ZONE}`);
    for (const value of published) expectSuccess(await here.run(['remove-txt', challenge, value]));
    const left = JSON.parse((await here.run(['list-txt', challenge, '--json'])).stdout);
    expect(left).toMatchObject({ values: [] });

    // At the name without the label, this CA looks for another challenge.
    const elsewhere = await acme.issue([`www.${ZONE}`], 'dns-account-01', async (domain, value) =>
      expectSuccess(await here.run(['add-txt', `_acme-challenge.${domain}`, value])),
    );
    expect(elsewhere).toHaveProperty('problem');
  });

  it('says what Pebble says, in its words', async () => {
    const own = `${CA};accounturi=${acme.url}`;
    const cases = [
      [`${own}4`],
      [`${own};`],
      [`${own};foo=1;foo=2`],
      [`${own};persistUntil=never`],
      [`${own};policy=wild card`],
      [`${own};accounturi=x`],
      [`${CA};policy=wildcard`],
      [`other.example;accounturi=${acme.url}`],
      [`${own};persistUntil=1x`, `${own}4`],
      [`Pebble.letsencrypt.org;accounturi=${acme.url}`],
    ];
    for (const values of cases) {
      // At PowerDNS this replaces what is there, at Knot it comes to it.
      for (const value of values) await host.plant(NAME, value);
      const { pebble: type, pebbleText: detail } = await verdict(ZONE);
      const { problem } = await acme.issue([ZONE], 'dns-persist-01');
      expect(problem).toMatchObject({ type: typeOf(type), detail });
    }
  });
});
