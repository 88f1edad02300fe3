import { afterEach, describe, expect, it } from 'vitest';
import route53 from '../../../providers/route53/index.ts';
import { type Route53Fake, type Route53FakeSettings, startRoute53Fake } from '../../fakes/route53.ts';
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

const withProvider = inProcessOf(route53);

let fake: Route53Fake;
afterEach(() => fake.close());
const start = async (settings?: Route53FakeSettings) => {
  fake = await startRoute53Fake(settings);
};
const zone = () => {
  const found = fake.zones.get(fake.idOf(ZONE));
  if (!found) throw new Error('no zone');
  return found;
};

describe('route53 loses nothing that others write at the same moment', () => {
  it('between the read and the batch', async () => {
    let reads = 0;
    await start({
      afterCall: (call) => {
        if (call === 'GET rrset' && ++reads <= 3) fake.plant(NAME, `theirs ${reads}`);
      },
    });
    fake.plant(NAME, OTHER);
    expect(await withProvider(fake, (provider) => provider.addTxt(recordOf()))).toMatchObject({ changed: true });
    expect(fake.held(NAME)).toEqual([OTHER, 'theirs 1', 'theirs 2', 'theirs 3', VALUE]);
    expect(await withProvider(fake, (provider) => provider.removeTxt(recordOf()))).toBe('removed');
    expect(fake.held(NAME)).toEqual([OTHER, 'theirs 1', 'theirs 2', 'theirs 3']);
  });

  it('and gives up after some attempts', async () => {
    let count = 0;
    await start({ afterCall: (call) => call === 'GET rrset' && fake.plant(NAME, `theirs ${++count}`) });
    fake.plant(NAME, OTHER);
    await expect(withProvider(fake, (provider) => provider.addTxt(recordOf()))).rejects.toMatchObject({
      code: 'E_REMOTE',
    });
    expect(fake.held(NAME)).toHaveLength(count + 1);
  });

  it('where another program adds our value first: it is not reported as ours', async () => {
    await start({ afterCall: (call) => call === 'GET hostedzonesbyname' && fake.plant(NAME, VALUE) });
    expect(await withProvider(fake, (provider) => provider.addTxt(recordOf()))).toMatchObject({ changed: false });
  });

  it('with six clients of ours at one name', async () => {
    await start();
    const values = Array.from({ length: 6 }, (_, index) => `${VALUE}-${index}`);
    await Promise.all(values.map((value) => withProvider(fake, (provider) => provider.addTxt(recordOf({ value })))));
    expect(fake.held(NAME).sort()).toEqual(values);
    await Promise.all(
      values.map((value) => withProvider(fake, (provider) => provider.removeTxt(recordOf({ value }), { zone: ZONE }))),
    );
    expect(fake.held(NAME)).toEqual([]);
  });

  it.each(['before', 'after'] as const)(
    'with a lost answer %s the batch, which another program follows',
    async (effect) => {
      await start();
      fake.plant(NAME, OTHER);
      fake.server.inject({ call: 'POST rrset', kind: 'reset', effect });
      fake.server.inject({ call: 'POST rrset', kind: 'reset', effect });
      expect(await withProvider(fake, (provider) => provider.addTxt(recordOf()))).toMatchObject({ changed: true });
      expect(fake.held(NAME)).toEqual([OTHER, VALUE]);
    },
  );

  it('where a refusal has no code', async () => {
    await start({ bareFaults: true });
    fake.plant(NAME, OTHER);
    expect(await withProvider(fake, (provider) => provider.addTxt(recordOf()))).toMatchObject({ changed: true });
    expect(fake.held(NAME)).toEqual([OTHER, VALUE]);
    fake.plant(`www.${ZONE}`, 'other.example.net.', 'CNAME');
    const record = { ...recordOf(), name: `www.${ZONE}` as typeof NAME };
    await expect(withProvider(fake, (provider) => provider.addTxt(record))).rejects.toMatchObject({
      message: expect.stringContaining('conflicting RRSet of type CNAME'),
    });
  });

  it('and keeps the TTL and the spelling of a set that is there', async () => {
    await start();
    const values = ['"two" "strings"', '"octal \\303\\251"'];
    zone().sets.push({ name: NAME, type: 'TXT', ttl: 86_400, values });
    await withProvider(fake, (provider) => provider.addTxt(recordOf()));
    expect(zone().sets.find(({ name }) => name === NAME)).toMatchObject({
      ttl: 86_400,
      values: [...values, `"${VALUE}"`],
    });
  });
});

describe('route53 refuses', () => {
  it.each([
    ['weighted', '<SetIdentifier>blue</SetIdentifier><Weight>10</Weight>'],
    [
      'alias',
      '<AliasTarget><HostedZoneId>Z1</HostedZoneId><DNSName>x.example.com.</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>',
    ],
  ])('a name with a set of the kind %s, and leaves it as it is', async (_, extra) => {
    await start();
    zone().sets.push({ name: NAME, type: 'TXT', ttl: 60, values: [`"${OTHER}"`], extra });
    const before = fake.everything();
    const failure = {
      code: 'E_REJECTED',
      message: expect.stringMatching(/SetIdentifier|AliasTarget/),
      hint: expect.stringContaining('simple routing'),
    };
    await expect(withProvider(fake, (provider) => provider.addTxt(recordOf()))).rejects.toMatchObject(failure);
    await expect(withProvider(fake, (provider) => provider.removeTxt(recordOf()))).rejects.toMatchObject(failure);
    expect(fake.everything()).toEqual(before);
  });

  it('what AWS refuses, after one look whether something else has changed', async () => {
    await start();
    fake.plant(NAME, 'other.example.net.', 'CNAME');
    await expect(withProvider(fake, (provider) => provider.addTxt(recordOf()))).rejects.toMatchObject({
      code: 'E_REJECTED',
      message: expect.stringContaining('conflicting RRSet of type CNAME'),
      hint: expect.stringContaining('beside a CNAME'),
      outcomeUnknown: false,
    });
    expect(fake.server.takeCalls()).toEqual(['GET hostedzonesbyname', 'POST rrset', 'GET rrset']);
    expect(
      await withProvider(fake, (provider) =>
        statesOf(provider, [...changesOf('add', 2), { action: 'add', record: recordOf() }]),
      ),
    ).toEqual(all('E_REJECTED', 3));
    expect(fake.everything()).toHaveLength(4);
  });

  it('a batch that is larger than the API allows, before it is sent', async () => {
    await start();
    const changes = changesOf('add', 40).map((change) => ({
      ...change,
      record: { ...change.record, value: 'x'.repeat(1024) },
    }));
    expect(await withProvider(fake, (provider) => statesOf(provider, changes))).toEqual(all('E_REJECTED', 40));
    expect(await withProvider(fake, (provider) => statesOf(provider, changes.slice(0, 30)))).toEqual(all(true, 30));
    expect(fake.held(changes[0]?.record.name ?? '')).toEqual(['x'.repeat(1024)]);
  });
});
