import { afterEach, describe, expect, it } from 'vitest';
import route53 from '../../../providers/route53/index.ts';
import type { DnsProvider } from '../../../src/provider.ts';
import { type Route53Fake, type Route53FakeSettings, startRoute53Fake } from '../../fakes/route53.ts';
import schema from '../../schemas/route53.json';
import { type AwsShape, checkAwsXml } from '../../support/aws-shape.ts';
import { changesOf, inProcessOf, NAME, OTHER, recordOf, VALUE, ZONE } from '../../support/one-provider.ts';

const withProvider = inProcessOf(route53);

let fake: Route53Fake;
afterEach(() => fake.close());
const start = async (settings?: Route53FakeSettings) => {
  fake = await startRoute53Fake(settings);
};
const operations = schema.operations as Readonly<Record<string, { input?: AwsShape; output: AwsShape }>>;
const handle = { zone: ZONE };

/** The calls of a task by a provider that knows the zone's id. */
const countCalls = (task: (provider: DnsProvider) => Promise<unknown>) =>
  withProvider(fake, async (provider) => {
    await provider.listTxt(recordOf({ value: 'x', name: ZONE }).name, ZONE);
    fake.server.takeCalls();
    await task(provider);
    return fake.server.takeCalls();
  });

describe('route53 needs as few requests as the API allows', () => {
  it('1 to add at an empty name, 1 more for the id of the zone', async () => {
    await start();
    await withProvider(fake, (provider) => provider.addTxt(recordOf()));
    expect(fake.server.takeCalls()).toEqual(['GET hostedzonesbyname', 'POST rrset']);
    fake.plant(`_acme-challenge.www.${ZONE}`, OTHER);
    expect(await countCalls((provider) => provider.addTxt(recordOf({ name: `_acme-challenge.b.${ZONE}` })))).toEqual([
      'POST rrset',
    ]);
  });

  it('3 to add beside other values, 2 where the value is there', async () => {
    await start();
    fake.plant(NAME, OTHER);
    const add = (provider: DnsProvider) => provider.addTxt(recordOf());
    expect(await countCalls(add)).toEqual(['POST rrset', 'GET rrset', 'POST rrset']);
    expect(await countCalls(add)).toEqual(['POST rrset', 'GET rrset']);
    expect(fake.held(NAME).sort()).toEqual([VALUE, OTHER].sort());
  });

  it('1 to remove what the journal knows, 2 without the journal, 3 beside other values', async () => {
    await start();
    const add = () => withProvider(fake, (provider) => provider.addTxt(recordOf()));
    await add();
    expect(await countCalls((provider) => provider.removeTxt(recordOf(), handle))).toEqual(['POST rrset']);
    await add();
    expect(await countCalls((provider) => provider.removeTxt(recordOf()))).toEqual(['GET rrset', 'POST rrset']);
    await add();
    fake.plant(NAME, OTHER);
    expect(await countCalls((provider) => provider.removeTxt(recordOf(), handle))).toEqual([
      'POST rrset',
      'GET rrset',
      'POST rrset',
    ]);
    expect(fake.held(NAME)).toEqual([OTHER]);
  });

  it('1 for 50 values at once, and 1 to remove them', async () => {
    await start();
    expect(
      await countCalls((provider) => provider.changeTxt?.(ZONE, changesOf('add', 50)) as Promise<unknown>),
    ).toEqual(['POST rrset']);
    expect(
      await countCalls(
        (provider) => provider.changeTxt?.(ZONE, changesOf('remove', 50, VALUE, handle)) as Promise<unknown>,
      ),
    ).toEqual(['POST rrset']);
    expect(fake.everything()).toHaveLength(3);
  });

  it('3 for 50 values beside others, and 2 to remove them without the journal', async () => {
    await start();
    for (const { record } of changesOf('add', 50)) fake.plant(record.name, OTHER);
    const before = fake.everything();
    expect(
      await countCalls((provider) => provider.changeTxt?.(ZONE, changesOf('add', 50)) as Promise<unknown>),
    ).toEqual(['POST rrset', 'GET rrset', 'POST rrset']);
    expect(
      await countCalls((provider) => provider.changeTxt?.(ZONE, changesOf('remove', 50)) as Promise<unknown>),
    ).toEqual(['GET rrset', 'POST rrset']);
    expect(fake.everything().sort()).toEqual(before.sort());
  });

  it('and skips pages of record sets that it does not need', async () => {
    await start({ pageSize: 10 });
    for (let index = 0; index < 60; index++) fake.plant(`m${index}.${ZONE}`, 'x');
    for (const { record } of changesOf('add', 15)) fake.plant(record.name, OTHER);
    const calls = await countCalls((provider) => provider.changeTxt?.(ZONE, changesOf('add', 15)) as Promise<unknown>);
    expect(calls).toEqual(['POST rrset', 'GET rrset', 'GET rrset', 'POST rrset']);
    for (const { record } of changesOf('add', 15)) expect(fake.held(record.name)).toEqual([OTHER, VALUE]);
  });

  it('whose bodies and answers fit the service model of AWS', async () => {
    await start({ zones: ['example.com', 'example.net'], privateZones: ['example.com'] });
    fake.plant(NAME, OTHER);
    fake.plant(`*.${ZONE}`, '192.0.2.1', 'A');
    await withProvider(fake, async (provider) => {
      await provider.addTxt(recordOf());
      await provider.removeTxt(recordOf());
      await provider.nameServers?.(ZONE);
      for await (const _ of provider.listZones?.() ?? []);
    });
    for (const { call, body } of fake.server.requests.filter(({ method }) => method === 'POST')) {
      expect(
        () => checkAwsXml(body, operations['ChangeResourceRecordSets']?.input ?? {}, schema.shapes),
        call,
      ).not.toThrow();
    }
    // What the policy in the docs allows.
    for (const { body } of fake.server.requests)
      expect(body).not.toMatch(/UPSERT|<Type>(?!TXT)|<Name>(?!_acme-challenge\.)/);
    const seen = new Set(fake.answers.map(({ operation }) => operation));
    expect([...seen].sort()).toEqual([
      'ChangeResourceRecordSets',
      'GetHostedZone',
      'ListHostedZonesByName',
      'ListResourceRecordSets',
    ]);
    for (const { operation, body } of fake.answers) {
      expect(
        () => checkAwsXml(body, operations[operation]?.output ?? {}, schema.shapes),
        `${operation} ${body}`,
      ).not.toThrow();
    }
    expect(() => checkAwsXml('<a><Strange/></a>', operations['GetHostedZone']?.output ?? {}, schema.shapes)).toThrow(
      'unknown member',
    );
    expect(() => checkAwsXml('<a></a>', operations['GetHostedZone']?.output ?? {}, schema.shapes)).toThrow(
      'no HostedZone',
    );
  });

  it('in the form that AWS documents', async () => {
    await start();
    await withProvider(fake, (provider) => provider.addTxt(recordOf()));
    const [list, create] = fake.server.requests;
    expect(list).toMatchObject({
      method: 'GET',
      path: '/2013-04-01/hostedzonesbyname',
      query: 'dnsname=example.com&maxitems=100',
      body: '',
    });
    expect(list?.headers['authorization']).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIAFAKE0123456789AB\/\d{8}\/us-east-1\/route53\/aws4_request, SignedHeaders=host;x-amz-date, Signature=[0-9a-f]{64}$/,
    );
    expect(create).toMatchObject({
      method: 'POST',
      path: `/2013-04-01/hostedzone/${fake.idOf(ZONE)}/rrset/`,
      query: '',
      body: `<?xml version="1.0" encoding="UTF-8"?><ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes><Change><Action>CREATE</Action><ResourceRecordSet><Name>${NAME}.</Name><Type>TXT</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>&#34;${VALUE}&#34;</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`,
    });
  });
});
