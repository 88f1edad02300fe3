import { afterEach, describe, expect, it } from 'vitest';
import definition from '../../../providers/poweradmin/index.ts';
import type { DnsProvider } from '../../../src/provider.ts';
import { type PoweradminFake, type PoweradminFakeSettings, startPoweradminFake } from '../../fakes/poweradmin.ts';
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

const inProcess = inProcessOf(definition);
let fake: PoweradminFake;
afterEach(() => fake.close());
const start = async (settings: PoweradminFakeSettings = {}) => {
  fake = await startPoweradminFake(settings);
};
const calls = () => fake.server.takeCalls();
const run = <Result>(use: (provider: DnsProvider) => Promise<Result>) => inProcess(fake, use);

describe('poweradmin asks no more than it has to', () => {
  it.each([[], [OTHER]])('two requests to add beside %j, one to remove by the journal', async (...others) => {
    await start();
    for (const other of others) fake.plant(NAME, other);
    await run(async (provider) => {
      const { changed, ...handle } = await provider.addTxt(recordOf());
      expect([changed, handle.proven, calls()]).toEqual([true, true, ['GET zones', 'GET records', 'POST record']]);
      await provider.addTxt(recordOf({ value: 'another' }));
      expect(calls()).toEqual(['GET records', 'POST record']);
      expect((await provider.addTxt(recordOf())).changed).toBe(false);
      expect(calls()).toEqual(['GET records']);
      expect(await provider.removeTxt(recordOf(), handle)).toBe('removed');
      expect(calls()).toEqual(['DELETE record']);
      expect(await provider.removeTxt(recordOf(), handle)).toBe('absent');
      expect(calls()).toEqual(['DELETE record']);
      expect(await provider.removeTxt(recordOf({ value: 'another' }))).toBe('removed');
      expect(calls()).toEqual(['GET records', 'DELETE record']);
    });
    expect(fake.held(NAME)).toEqual(others);
  });

  it('two for 50 changes of a zone', async () => {
    await start();
    await run(async (provider) => {
      expect(await statesOf(provider, changesOf('add', 50))).toEqual(all(true, 50));
      expect(calls()).toEqual(['GET zones', 'GET records', 'POST bulk']);
      expect(await statesOf(provider, changesOf('add', 50))).toEqual(all(false, 50));
      expect(calls()).toEqual(['GET records']);
      expect(await statesOf(provider, changesOf('remove', 51))).toEqual([...all(true, 50), false]);
      expect(calls()).toEqual(['GET records', 'POST bulk']);
    });
    expect(fake.everything()).toEqual([]);
  });
});

describe('poweradmin finds', () => {
  it('zones on the second page, and leaves out copies of other servers', async () => {
    const zones = Array.from({ length: 501 }, (_, index) => `z${index}.example`);
    await start({ zones, copies: ['copy.example'] });
    const found: string[] = [];
    await run(async (provider) => {
      for await (const { name } of provider.listZones?.() ?? []) found.push(name);
    });
    expect(found).toEqual(zones);
    expect(calls()).toEqual(['GET zones', 'GET zones']);
  });

  it('the name servers of a zone', async () => {
    await start();
    fake.plant(ZONE, 'NS1.example.net.', 'NS');
    fake.plant(`sub.${ZONE}`, 'ns9.example.net', 'NS');
    expect(await run(async (provider) => provider.nameServers?.(ZONE))).toEqual(['ns1.example.net']);
  });

  it.each([
    ['was given to a zone of somebody else', 'other.example'],
    ['was given to another zone of this user', 'mine.example'],
    ['is gone', undefined],
  ])('the new id of a zone whose old one %s', async (_, other) => {
    await start({ othersZones: ['other.example'], zones: [ZONE, 'mine.example'] });
    await run(async (provider) => {
      await provider.listTxt(NAME, ZONE);
      const old = fake.zoneIds.get(ZONE) ?? 0;
      fake.zoneIds.set(ZONE, 77);
      if (other) fake.zoneIds.set(other, old);
      fake.plant('www.mine.example', 'a text', 'TXT');
      calls();
      expect((await provider.addTxt(recordOf())).changed).toBe(true);
      expect(calls()).toEqual(['GET records', 'GET zones', 'GET records', 'POST record']);
    });
    expect(fake.held(NAME)).toEqual([VALUE]);
  });
});

describe('poweradmin and others', () => {
  it('leaves other records, disabled ones and other values alone', async () => {
    await start();
    fake.plantDisabled(NAME, VALUE);
    fake.plant(NAME, VALUE.toLowerCase());
    fake.plant(`_acme-challenge.www.${ZONE}`, VALUE);
    fake.plant(ZONE, 'v=spf1 -all');
    fake.plant(`www.${ZONE}`, '192.0.2.1', 'A');
    const before = fake.everything();
    await run((provider) => provider.addTxt(recordOf()));
    expect(fake.held(NAME)).toEqual([VALUE, VALUE.toLowerCase()]);
    await run((provider) => provider.removeTxt(recordOf()));
    await run((provider) => statesOf(provider, changesOf('add', 3)));
    await run((provider) => statesOf(provider, changesOf('remove', 3)));
    expect(fake.everything()).toEqual(before);
  });

  it('removes a value that is there twice', async () => {
    await start();
    fake.plant(NAME, VALUE);
    fake.plant(NAME, VALUE);
    const change = { action: 'remove', record: recordOf() } as const;
    expect(await run((provider) => statesOf(provider, [change]))).toEqual([true]);
    expect(fake.everything()).toEqual([]);
  });

  it('sends a batch again where another program removes a record in between', async () => {
    let isRemoved = false;
    await start({
      afterCall(call) {
        if (call !== 'GET records' || isRemoved || fake.everything().length === 0) return;
        isRemoved = true;
        fake.unplant(changesOf('add', 1)[0]?.record.name ?? '');
      },
    });
    await run((provider) => statesOf(provider, changesOf('add', 3)));
    calls();
    expect(await run((provider) => statesOf(provider, changesOf('remove', 3)))).toEqual([false, true, true]);
    expect(calls()).toEqual(['GET zones', 'GET records', 'POST bulk', 'GET records', 'POST bulk']);
    expect(fake.everything()).toEqual([]);
  });

  it.each(['before', 'after'] as const)('makes a batch once where its answer is lost %s', async (effect) => {
    await start();
    fake.server.inject({ kind: 'reset', call: 'POST bulk', effect });
    expect(await run((provider) => statesOf(provider, changesOf('add', 3)))).toEqual(all(true, 3));
    expect(fake.everything()).toHaveLength(3);
  });

  it.each([
    ['sql', 'refused', 1],
    ['api', 'unknown', 2],
  ] as const)('with the backend %s, the outcome of a batch with one bad name is %s', async (backend, state, left) => {
    await start({ backend });
    fake.plant(changesOf('add', 2)[1]?.record.name ?? '', 'www.example.net', 'CNAME');
    const outcomes = await run(async (provider) => provider.changeTxt?.(ZONE, changesOf('add', 3)));
    expect(outcomes).toMatchObject(all({ state, error: { code: 'E_REJECTED' } }, 3));
    expect(fake.everything()).toHaveLength(left);
  });
});
