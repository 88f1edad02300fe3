import { afterEach, describe, expect, it } from 'vitest';
import definition from '../../../providers/cloudflare/index.ts';
import { type DnsProvider, normaliseName } from '../../../src/provider.ts';
import { type CloudflareFake, type CloudflareFakeSettings, startCloudflareFake } from '../../fakes/cloudflare.ts';
import {
  all,
  changesOf,
  failureOf,
  inProcessOf,
  NAME,
  OTHER,
  recordOf,
  statesOf,
  VALUE,
  ZONE,
  zonesOf,
} from '../../support/one-provider.ts';

const inProcess = inProcessOf(definition);
let fake: CloudflareFake;
afterEach(() => fake.close());
const start = async (settings: CloudflareFakeSettings = {}) => {
  fake = await startCloudflareFake(settings);
};
const calls = () => fake.server.takeCalls();
/** A process that knows the zone's id. */
const knowing = <Result>(use: (provider: DnsProvider) => Promise<Result>) =>
  inProcess(fake, async (provider) => {
    await provider.listTxt(NAME, ZONE);
    calls();
    return use(provider);
  });
const run = <Result>(use: (provider: DnsProvider) => Promise<Result>) => inProcess(fake, use);

describe('cloudflare asks no more than it has to', () => {
  it('one request to add, also beside other values, and one to remove by the journal', async () => {
    await start();
    fake.plant(NAME, OTHER);
    await knowing(async (provider) => {
      const { changed, ...handle } = await provider.addTxt(recordOf());
      expect([changed, handle.proven, calls()]).toEqual([true, true, ['POST records']]);
      expect(await provider.removeTxt(recordOf(), handle)).toBe('removed');
      expect(calls()).toEqual(['DELETE records']);
      expect(await provider.removeTxt(recordOf(), handle)).toBe('absent');
      expect(calls()).toEqual(['DELETE records']);
    });
  });

  it('one more to find the zone, to see what is there, and to remove without the journal', async () => {
    await start();
    await run(async (provider) => {
      await provider.addTxt(recordOf());
      expect(calls()).toEqual(['GET zones', 'POST records']);
      expect((await provider.addTxt(recordOf())).changed).toBe(false);
      expect(calls()).toEqual(['POST records', 'GET records']);
      expect(await provider.removeTxt(recordOf())).toBe('removed');
      expect(calls()).toEqual(['GET records', 'DELETE records']);
    });
  });

  it('one for 50 changes of a zone, three where some values are there', async () => {
    await start();
    await knowing(async (provider) => {
      const outcomes = (await provider.changeTxt?.(ZONE, changesOf('add', 50))) ?? [];
      expect(calls()).toEqual(['POST batch']);
      const removals = changesOf('remove', 50).map((change, index) => {
        const outcome = outcomes[index];
        const own = outcome?.state === 'done' ? outcome.handle : undefined;
        return { ...change, handle: { zone: ZONE, ...own } };
      });
      expect(await statesOf(provider, removals)).toEqual(all(true, 50));
      expect(calls()).toEqual(['POST batch']);
      expect(fake.everything()).toEqual([]);
      fake.plant(changesOf('add', 1)[0]?.record.name ?? '', VALUE);
      expect(await statesOf(provider, changesOf('add', 50))).toEqual([false, ...all(true, 49)]);
      expect(calls()).toEqual(['POST batch', 'GET records', 'POST batch']);
      expect(await statesOf(provider, changesOf('remove', 51))).toEqual([...all(true, 50), false]);
      expect(calls()).toEqual(['GET records', 'POST batch']);
    });
  });
});

describe('cloudflare finds', () => {
  it('records and zones on the second page', async () => {
    await start({ pageSize: 2, zones: ['example.com', 'example.net', 'example.org'] });
    for (const value of ['one', 'two', 'three', VALUE]) fake.plant(NAME, value);
    expect(await run((provider) => provider.removeTxt(recordOf()))).toBe('removed');
    expect(fake.held(NAME)).toEqual(['one', 'two', 'three']);
    const zones = await run(zonesOf);
    expect(zones).toEqual(['example.com', 'example.net', 'example.org'].map((name) => ({ name, active: true })));
  });

  it('the name servers that Cloudflare gave the zone, in lower case', async () => {
    await start();
    const names = await run(async (provider) => provider.nameServers?.(ZONE));
    expect(names).toEqual(['christian.ns.cloudflare.com', 'dina.ns.cloudflare.com']);
  });

  it('the new id of a zone that was removed and added again', async () => {
    await start();
    await knowing(async (provider) => {
      fake.renewZone(ZONE);
      expect((await provider.addTxt(recordOf())).changed).toBe(true);
      expect(calls()).toEqual(['POST records', 'GET zones', 'POST records']);
    });
  });

  it('values with quotes and without, and takes both as the same', async () => {
    await start();
    fake.plant(NAME, VALUE);
    fake.plant(NAME, `"${OTHER}"`);
    await run(async (provider) => {
      expect(await provider.listTxt(NAME, ZONE)).toEqual([VALUE, OTHER]);
      expect((await provider.addTxt(recordOf({ value: OTHER }))).changed).toBe(false);
      expect(await provider.removeTxt(recordOf())).toBe('removed');
    });
    expect(fake.held(NAME)).toEqual([OTHER]);
  });
});

describe('cloudflare with the id of a zone', () => {
  const withId = (use: (provider: DnsProvider) => Promise<unknown>) =>
    inProcess({ options: { ...fake.options, zoneId: fake.zoneIds.get(ZONE) ?? '' } }, use);

  it('works with a token that sees no zones', async () => {
    await start({ seesZones: false });
    await withId(async (provider) => {
      await provider.addTxt(recordOf());
      expect(calls()).toEqual(['GET zone', 'GET records', 'POST records']);
      await provider.addTxt(recordOf({ value: OTHER }));
      expect(calls()).toEqual(['POST records']);
    });
    expect(fake.held(NAME)).toEqual([VALUE, OTHER]);
  });

  it.each([true, false])('writes nothing for a name of another zone (the token sees zones: %s)', async (seesZones) => {
    await start({ seesZones });
    fake.plant(`www.${ZONE}`, '192.0.2.1', 'A');
    const zone = normaliseName('example.net');
    const record = recordOf({ zone, name: normaliseName('_acme-challenge.example.net') });
    for (const verb of ['addTxt', 'removeTxt'] as const) {
      const failure = await failureOf(withId((provider) => provider[verb](record)));
      expect(failure).toMatchObject({ code: 'E_ZONE', message: 'zoneId is not the id of example.net' });
    }
    expect(fake.everything()).toHaveLength(1);
  });
});

describe('cloudflare and others', () => {
  it('leaves other records and other values alone', async () => {
    await start();
    fake.plant(NAME, VALUE.toLowerCase());
    fake.plant(`_acme-challenge.www.${ZONE}`, VALUE);
    fake.plant(ZONE, 'v=spf1 -all');
    fake.plant(`www.${ZONE}`, '192.0.2.1', 'A');
    const before = fake.everything();
    await run((provider) => provider.addTxt(recordOf()));
    await run((provider) => provider.removeTxt(recordOf()));
    await run((provider) => statesOf(provider, changesOf('add', 3)));
    await run((provider) => statesOf(provider, changesOf('remove', 3)));
    expect(fake.everything()).toEqual(before);
  });

  it('adds one record where two processes add the same value at once', async () => {
    await start();
    const both = await Promise.all([1, 2].map(() => run((provider) => provider.addTxt(recordOf()))));
    expect(both.map(({ changed }) => changed).sort()).toEqual([false, true]);
    expect(fake.held(NAME)).toEqual([VALUE]);
  });

  it('sends a batch again where another program removes a record in between', async () => {
    let isRemoved = false;
    await start({
      afterCall(call) {
        if (call !== 'GET records' || isRemoved) return;
        isRemoved = true;
        fake.unplant(changesOf('add', 1)[0]?.record.name ?? '');
      },
    });
    await run((provider) => statesOf(provider, changesOf('add', 3)));
    calls();
    expect(await run((provider) => statesOf(provider, changesOf('remove', 3)))).toEqual([false, true, true]);
    expect(calls()).toEqual(['GET zones', 'GET records', 'POST batch', 'GET records', 'POST batch']);
    expect(fake.everything()).toEqual([]);
  });

  it.each(['before', 'after'] as const)('makes a batch once where its answer is lost %s', async (effect) => {
    await start();
    fake.server.inject({ kind: 'reset', call: 'POST batch', effect });
    const expected = effect === 'after' ? undefined : true;
    expect(await run((provider) => statesOf(provider, changesOf('add', 3)))).toEqual(all(expected, 3));
    expect(fake.everything()).toHaveLength(3);
  });

  it('changes nothing where one of a batch is refused', async () => {
    await start();
    fake.plant(changesOf('add', 2)[1]?.record.name ?? '', 'ns.example.net', 'NS');
    expect(await run((provider) => statesOf(provider, changesOf('add', 3)))).toEqual(all('E_REJECTED', 3));
    expect(fake.everything()).toHaveLength(1);
  });
});
