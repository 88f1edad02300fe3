import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeDnsServer, type FakeRecord, startFakeDns } from '../fakes/dns-server.ts';
import { expectFailure, openWorkplace, type Workplace } from '../support/cli.ts';
import { ACCOUNT, CA, PERSIST_NAME, recordFor, WHO } from '../support/persist.ts';

const RECORD = recordFor();

let here: Workplace;
let dns: FakeDnsServer;
let second: FakeDnsServer;
const records: FakeRecord[] = [];

beforeEach(async () => {
  records.length = 0;
  here = await openWorkplace();
  const zones = [
    { name: 'example.com', records },
    { name: 'example.ee', records },
  ];
  [dns, second] = await Promise.all([startFakeDns({ zones }), startFakeDns({ zones })]);
  await configure(dns);
});
afterEach(() => Promise.all([here.remove(), dns.close(), second.close()]));

const configure = (...servers: FakeDnsServer[]) => {
  const list = JSON.stringify(servers.map(({ at }) => at));
  return here.configure(`accounts: { it: { provider: exec, command: [/bin/false] } }
dns: { nameservers: { example.com: ${list}, example.ee: ${list} } }\n`);
};
const publish = (...values: string[]) =>
  records.push(...values.map((data) => ({ name: PERSIST_NAME, type: 'TXT', data }) as const));
const verify = (...args: string[]) => here.run(['persist', 'verify', ...args, ...WHO]);

describe('verify', () => {
  it.each([
    ['a good record', [RECORD], 'example.com', 'valid', 'valid', 0],
    ['nothing', [], 'example.com', 'unauthorized', 'unauthorized', 65],
    ['no policy for a wildcard', [RECORD], '*.example.com', 'unauthorized', 'unauthorized', 65],
    ['a malformed record', [`${RECORD};`], 'example.com', 'malformed', 'malformed', 65],
    ['what Pebble alone refuses', [`${RECORD};foo=1;foo=2`], 'example.com', 'valid', 'malformed', 0],
    ['another spelling of the CA', [RECORD.replace('a', 'A')], 'example.com', 'valid', 'unauthorized', 0],
  ])('judges %s by Boulder, and shows both in JSON', async (_, values, domain, boulder, pebble, code) => {
    publish(...values);
    const json = await verify(domain, '--json');
    expect(json.code).toBe(code);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: code === 0,
      action: 'verify',
      name: PERSIST_NAME,
      boulder,
      pebble,
    });
    const text = await verify(domain);
    expect(text.code).toBe(code);
    expect(text.stdout.split('\n')[0]?.split('\t').slice(0, 2)).toEqual(['boulder', boulder]);
    expect(text.stdout.includes('\npebble\t')).toBe(boulder !== pebble);
    if (code) expectFailure(text, 65, new RegExp(`the CA would refuse the records at .*: ${boulder}`));
  });

  it('says why in the words of the CA', async () => {
    publish(recordFor(`${ACCOUNT}4`));
    expect((await verify('example.com')).stdout).toBe(
      `boulder\tunauthorized\tChecking DNS-PERSIST-01 challenge TXT record with issuer-domain-name "${CA}": accounturi mismatch: expected "${ACCOUNT}", got "${ACCOUNT}4"\n`,
    );
  });

  it('takes the hashed account of draft 02, for the domain and for any', async () => {
    const prefix = 'https://ca.example/account-hash/';
    const hashed = [
      '--account-thumbprint',
      'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
      '--account-hash-prefix',
      prefix,
    ];
    const forDomain = `${prefix}sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw`;
    const forAny = `${prefix}sha-256/NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug`;
    for (const account of [forDomain, forAny]) {
      records.length = 0;
      publish(recordFor(account));
      expect((await verify('example.com', ...hashed)).code).toBe(0);
    }
    expect((await verify('example.com')).code).toBe(65);
  });

  /** The first of Boulder's lookups. */
  it('cannot tell where no server answers', async () => {
    dns.manners = { rcode: 'SERVFAIL' };
    expectFailure(
      await verify('example.com'),
      75,
      /no name server of example\.com answers for .*: .*: answers SERVFAIL/,
    );
  });

  it('counts the worst where the servers differ, and says so; a silent one beside others is a warning', async () => {
    await configure(dns, second);
    publish(RECORD);
    second.show(PERSIST_NAME, []);
    const differing = await verify('example.com');
    expect(differing.code).toBe(65);
    expect(differing.stderr).toContain(`the name servers differ: valid by ${dns.at}, unauthorized by ${second.at}`);
    second.manners = { rcode: 'REFUSED' };
    const silent = await verify('example.com');
    expect(silent).toMatchObject({
      code: 0,
      stderr: `dns01: warning: no usable answer from ${second.at}: answers REFUSED\n`,
    });
  });

  it.each([PERSIST_NAME, '*.example.com'])(
    'follows a CNAME at %s into another zone, as a resolver does',
    async (owner) => {
      records.push({ name: owner, type: 'CNAME', data: 'vp.example.ee' });
      records.push({ name: 'vp.example.ee', type: 'TXT', data: RECORD });
      dns.serve([
        { name: 'example.com', records: records.slice(0, 1) },
        { name: 'example.ee', records: records.slice(1) },
      ]);
      expect((await verify('example.com')).code).toBe(0);
    },
  );

  it('refuses a loop of CNAMEs', async () => {
    await here.configure(`accounts: { it: { provider: exec, command: [/bin/false] } }
dns: { nameservers: { example.com: ["${dns.at}"], example.ee: ["${second.at}"] } }\n`);
    dns.serve([{ name: 'example.com', records: [{ name: PERSIST_NAME, type: 'CNAME', data: 'vp.example.ee' }] }]);
    second.serve([{ name: 'example.ee', records: [{ name: 'vp.example.ee', type: 'CNAME', data: PERSIST_NAME }] }]);
    expectFailure(
      await verify('example.com'),
      68,
      /the CNAMEs lead nowhere: .* -> vp\.example\.ee -> "_validation-persist/,
    );
  });

  it('asks no resolver for the name, and shows hostile text harmless', async () => {
    publish(`${CA};accounturi=https://x/\u001b[31m`);
    const { stdout } = await verify('example.com');
    expect(stdout).toContain('boulder\tmalformed\t');
    expect(stdout).not.toContain('\u001b');
    expect(dns.questions.some(({ recursive }) => recursive)).toBe(false);
  });
});
