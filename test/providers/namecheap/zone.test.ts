import nock from 'nock';
import { afterEach, describe, expect, it } from 'vitest';
import namecheap from '../../../providers/namecheap/index.ts';
import { type NamecheapFake, type NamecheapFakeSettings, startNamecheapFake } from '../../fakes/namecheap.ts';
import type { NamecheapRecord } from '../../fakes/namecheap-records.ts';
import {
  all,
  changesOf,
  inProcessOf,
  NAME,
  OTHER,
  recordOf,
  statesOf,
  VALUE,
  ZONE,
} from '../../support/one-provider.ts';

const withProvider = inProcessOf(namecheap);
const [READ, WRITE] = ['GET hosts', 'POST hosts'];

let fake: NamecheapFake;
afterEach(() => fake.close());
const start = async (settings?: NamecheapFakeSettings) => {
  fake = await startNamecheapFake(settings);
};
const add = () => withProvider(fake, (provider) => provider.addTxt(recordOf()));
const remove = () => withProvider(fake, (provider) => provider.removeTxt(recordOf()));
const domain = () => {
  const found = fake.domains.get(ZONE);
  if (!found) throw new Error('no domain');
  return found;
};
const put = (record: Partial<NamecheapRecord>) =>
  domain().records.push({
    hostId: 1,
    name: '@',
    type: 'A',
    address: '192.0.2.1',
    mxPref: '10',
    ttl: '1799',
    ...record,
  });

/** One record of each kind, with values that need escapes in XML and in forms. */
function fill(): void {
  put({});
  put({ name: '*', type: 'CNAME', address: 'example.com.', ttl: '60' });
  put({ name: 'www', type: 'AAAA', address: '2001:db8::1', ttl: '60000' });
  put({ type: 'MX', address: 'mx1.example.net.', mxPref: '5' });
  put({ type: 'MX', address: 'mx2.example.net.', mxPref: '20' });
  put({ type: 'TXT', address: 'v=spf1 include:a.example ~all' });
  put({ name: 'k._domainkey', type: 'TXT', address: 'v=DKIM1; p=A+B/C==&<"q">\'x\' 100%' });
  put({ type: 'CAA', address: '0 issue "letsencrypt.org"' });
  put({ name: 'old', type: 'URL301', address: 'https://example.net/?a=1&b=2' });
  put({ name: 'sub', type: 'NS', address: 'ns1.example.net.' });
  put({ name: 'twice', address: '192.0.2.2' });
  put({ name: 'twice', address: '192.0.2.2', ttl: '300' });
}

describe('namecheap replaces the zone', () => {
  it('with every other record as it was, in 3 requests to add and 2 to remove', async () => {
    await start({ emailType: 'MX' });
    fill();
    const before = fake.everything();
    expect(await add()).toEqual({ zone: ZONE, changed: true });
    expect(fake.server.takeCalls()).toEqual([READ, WRITE, READ]);
    expect(fake.everything()).toHaveLength(before.length + 1);
    expect(await add()).toMatchObject({ changed: false });
    expect(fake.server.takeCalls()).toEqual([READ]);
    expect(await remove()).toBe('removed');
    expect(fake.server.takeCalls()).toEqual([READ, WRITE]);
    expect(await remove()).toBe('absent');
    expect(fake.server.takeCalls()).toEqual([READ]);
    expect(fake.everything()).toEqual(before);
  });

  it('with 50 changes in as many', async () => {
    await start({ emailType: 'MX' });
    fill();
    const before = fake.everything();
    expect(await withProvider(fake, (provider) => statesOf(provider, changesOf('add', 50)))).toEqual(all(true, 50));
    expect(fake.server.takeCalls()).toEqual([READ, WRITE, READ]);
    expect(await withProvider(fake, (provider) => statesOf(provider, changesOf('remove', 50)))).toEqual(all(true, 50));
    expect(fake.server.takeCalls()).toEqual([READ, WRITE]);
    expect(fake.everything()).toEqual(before);
  });

  it('with the key in no address, and TTLs that the API takes', async () => {
    await start();
    await withProvider(fake, (provider) => provider.addTxt({ ...recordOf(), ttl: 5 }));
    for (const { query, path, method } of fake.server.requests)
      expect([method, path, query]).toEqual(['POST', '/xml.response', '']);
    expect(Object.fromEntries(new URLSearchParams(fake.server.requests[1]?.body))).toEqual({
      ApiUser: 'namecheap-user',
      ApiKey: fake.options['apiKey'],
      UserName: 'namecheap-user',
      ClientIp: '203.0.113.5',
      Command: 'namecheap.domains.dns.setHosts',
      SLD: 'example',
      TLD: 'com',
      EmailType: 'NONE',
      HostName1: '_acme-challenge',
      RecordType1: 'TXT',
      Address1: VALUE,
      MXPref1: '10',
      TTL1: '60',
    });
  });

  it('that is a registered domain: the first label and the rest', async () => {
    await start({ zones: ['example.co.uk'] });
    const [zone, name] = ['example.co.uk', '_acme-challenge.www.example.co.uk'] as (typeof ZONE)[];
    await withProvider(fake, async (provider) => {
      await provider.addTxt({ ...recordOf(), name: name ?? NAME, zone: zone ?? ZONE });
      for (const wrong of ['www.example.co.uk', 'co.uk'] as (typeof ZONE)[]) {
        await expect(provider.addTxt({ ...recordOf(), name: name ?? NAME, zone: wrong })).rejects.toMatchObject({
          tryNextZone: true,
        });
      }
    });
    expect(fake.domains.get('example.co.uk')?.records).toMatchObject([{ name: '_acme-challenge.www', address: VALUE }]);
  });
});

it('takes a name with a dot at its end, as lego writes it, for the same', async () => {
  await start();
  put({ name: '_acme-challenge.', type: 'TXT', address: VALUE });
  expect(await add()).toMatchObject({ changed: false });
  expect(await remove()).toBe('removed');
  expect(domain().records).toEqual([]);
});

describe('namecheap changes nothing', () => {
  it.each<[string, Partial<NamecheapRecord>, RegExp]>([
    [
      'beside a record of dynamic DNS, which would become a plain one',
      { name: 'home', isDynamic: true },
      /home A 192\.0\.2\.1/,
    ],
    [
      'beside a record of a type that it cannot send',
      { name: '_sip._tcp', type: 'SRV', address: '0 0 5060 sip' },
      /_sip\._tcp SRV/,
    ],
  ])('%s', async (_, record, message) => {
    await start();
    put(record);
    const before = fake.everything();
    const failure = {
      code: 'E_REJECTED',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('CNAME'),
    };
    await expect(add()).rejects.toMatchObject(failure);
    await expect(withProvider(fake, (provider) => statesOf(provider, changesOf('add', 3)))).rejects.toMatchObject(
      failure,
    );
    expect(fake.server.takeCalls()).toEqual([READ, READ]);
    expect(fake.everything()).toEqual(before);
  });

  it('where the DNS of the domain is elsewhere', async () => {
    await start({ elsewhere: [ZONE] });
    await expect(add()).rejects.toMatchObject({
      code: 'E_REJECTED',
      message: expect.stringContaining("does not use Namecheap's name servers"),
      hint: expect.stringContaining('BasicDNS'),
    });
    nock.disableNetConnect();
    const body = `<ApiResponse Status="OK"><Errors/><CommandResponse><DomainDNSGetHostsResult Domain="${ZONE}" IsUsingOurDNS="false"/></CommandResponse></ApiResponse>`;
    nock('http://namecheap.test').post('/').reply(200, body);
    const options = { ...fake.options, url: 'http://namecheap.test' };
    await expect(withProvider({ options }, (provider) => provider.addTxt(recordOf()))).rejects.toMatchObject({
      code: 'E_REJECTED',
      hint: expect.stringContaining('BasicDNS'),
    });
    nock.cleanAll();
    nock.enableNetConnect();
  });

  it('where Namecheap refuses one record, and tries the others without it', async () => {
    await start();
    const changes = changesOf('add', 2).map((change, index) => ({
      ...change,
      record: { ...change.record, name: `${'x'.repeat(index * 60)}${change.record.name}` as typeof NAME },
    }));
    expect(await withProvider(fake, (provider) => statesOf(provider, changes))).toEqual(all('E_REJECTED', 2));
    expect(fake.everything()).toHaveLength(1);
  });
});

describe('namecheap, while another program writes', () => {
  it('keeps what that has written after our write, and writes ours again', async () => {
    let writes = 0;
    await start({
      afterCall: (call) => {
        if (call !== WRITE || ++writes > 1) return;
        domain().records = domain().records.filter(({ type }) => type !== 'TXT');
        put({ name: 'theirs', address: '192.0.2.9' });
      },
    });
    put({ name: 'www' });
    expect(await add()).toMatchObject({ changed: true });
    expect(fake.server.takeCalls()).toEqual([READ, WRITE, READ, WRITE, READ]);
    expect(domain().records.map(({ name }) => name)).toEqual(['www', 'theirs', '_acme-challenge']);
  });

  it('gives up after some attempts', async () => {
    await start({ afterCall: (call) => void (call === WRITE && domain().records.splice(0)) });
    await expect(add()).rejects.toMatchObject({ code: 'E_REMOTE', outcomeUnknown: true });
    expect(fake.server.takeCalls()).toHaveLength(7);
  });

  it('takes turns with other processes, which the definition asks for', () => {
    expect(namecheap.exclusive).toBe(true);
  });
});

describe('namecheap fails and names what is gone', () => {
  it.each<[string, NamecheapFakeSettings, RegExp]>([
    ['a record that the API has dropped', { drops: ({ name }) => name === 'www' }, /lacks .*www A 192\.0\.2\.1/],
    [
      'mail that is another kind than before',
      { afterCall: (call) => call === WRITE && Object.assign(domain(), { emailType: 'NONE' }) },
      /mail settings FWD \(now NONE\)/,
    ],
  ])('%s', async (_, settings, message) => {
    await start({ emailType: 'FWD', ...settings });
    put({ name: 'www' });
    await expect(add()).rejects.toMatchObject({
      code: 'E_REMOTE',
      outcomeUnknown: true,
      message: expect.stringMatching(message),
      hint: expect.stringContaining('enter it again'),
    });
    fake.harm.splice(0);
  });

  it('as the stand-in does with a client that loses a record', async () => {
    await start();
    put({ name: 'www' });
    const form = {
      ...fake.options,
      ApiUser: 'namecheap-user',
      UserName: 'namecheap-user',
      Command: 'namecheap.domains.dns.setHosts',
      SLD: 'example',
      TLD: 'com',
    };
    await fetch(String(fake.options['url']), {
      method: 'POST',
      body: new URLSearchParams(form as unknown as Record<string, string>),
    });
    expect(fake.harm.splice(0)).toEqual([expect.stringContaining('"name":"www"')]);
  });
});

it.each(['before', 'after'] as const)('a lost answer %s the write loses nothing', async (effect) => {
  await start({ emailType: 'MX' });
  fill();
  const before = fake.everything();
  fake.plant(NAME, OTHER);
  fake.server.inject({ call: WRITE, kind: 'reset', effect });
  expect(await add()).toMatchObject({ changed: true });
  expect(fake.held(NAME)).toEqual([OTHER, VALUE]);
  expect(fake.everything()).toHaveLength(before.length + 2);
});
