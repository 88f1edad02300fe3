/** Many values in one session, as `dns01 batch` publishes them: what is known already is not asked again. */
import pLimit from 'p-limit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AddedTxt, TxtRecord } from '../../../src/provider.ts';
import { type IspconfigFake, type IspconfigFakeSettings, startIspconfigFake } from '../../fakes/ispconfig.ts';
import { failureOf, type Opened, openOn, VALUE } from './support.ts';

let fake: IspconfigFake;
let session: Opened;
let published: string[];
beforeEach(() => start());
afterEach(async () => {
  vi.useRealTimers();
  await fake.close();
});

async function start(settings: IspconfigFakeSettings = {}): Promise<void> {
  await fake?.close();
  published = [];
  fake = await startIspconfigFake({
    ...settings,
    onChange: async (_zone, name, _type, _value, change) => void (change === 'added' && published.push(name)),
  });
  session = openOn(fake);
}

const nameOf = (host: string) => `_acme-challenge.${host}.example.com`;
const recordOf = (host: string, known: Partial<TxtRecord> = { zone: 'example.com' }): TxtRecord => ({
  name: nameOf(host),
  value: VALUE,
  ttl: 60,
  ...known,
});
const add = (host: string, known?: Partial<TxtRecord>) => session.provider.addTxt(recordOf(host, known));
const hosts = (count: number) => Array.from({ length: count }, (_, index) => `h${index}`);

/** As many at once as the provider says. */
function addAll(names: readonly string[], known?: Partial<TxtRecord>): Promise<AddedTxt[]> {
  const limit = pLimit(4);
  return Promise.all(names.map((host) => limit(() => add(host, known))));
}

async function addInTurn(names: readonly string[], known?: Partial<TxtRecord>): Promise<void> {
  for (const host of names) await add(host, known);
}

/** The calls so far, counted by name. */
function callCounts(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const call of fake.server.takeCalls()) counts[call] = (counts[call] ?? 0) + 1;
  return counts;
}

/** Time goes on, for what is remembered alone. */
function later(milliseconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + milliseconds });
}

describe('what it costs', () => {
  it.each([{ zone: 'example.com' }, { likelyZone: 'example.com' }])(
    'one request a value and four more, where %j is known',
    async (known) => {
      await addAll(hosts(40), known);
      await session.provider.close?.();
      expect(callCounts()).toEqual({ login: 1, dns_zone_get: 1, dns_txt_get: 1, dns_txt_add: 40, logout: 1 });
      expect(published.sort()).toEqual(hosts(40).map(nameOf).sort());
    },
  );

  it('one more where each begins when the other is over, for the first may be the only one', async () => {
    await addInTurn(hosts(10));
    expect(callCounts()).toEqual({ login: 1, dns_zone_get: 1, dns_txt_get: 2, dns_txt_add: 10 });
  });

  it('three requests more where the zone has to be found, one of them for all later names', async () => {
    await addAll(hosts(40), {});
    expect(callCounts()).toEqual({ login: 1, dns_zone_get: 4, dns_txt_get: 1, dns_txt_add: 40 });
  });

  it('the same in a zone of 50,000 other records', async () => {
    for (let index = 0; index < 50_000; index++) fake.plant({ name: `r${index}.example.com.`, data: 'x' });
    await addAll(hosts(20));
    expect(callCounts()).toEqual({ login: 1, dns_zone_get: 1, dns_txt_get: 1, dns_txt_add: 20 });
  });

  it('a look for each value where the zone holds more challenges than one answer should', async () => {
    for (let index = 0; index < 10_000; index++) fake.plant({ name: `_acme-challenge.r${index}.example.com.` });
    fake.plant({ name: `${nameOf('h3')}.`, data: VALUE });
    const added = await addAll(hosts(6));
    expect(added.map(({ changed }) => changed)).toEqual([true, true, true, false, true, true]);
    expect(callCounts()).toEqual({ login: 1, dns_zone_get: 1, dns_txt_get: 7, dns_txt_add: 5 });
  });

  it('a new look every half minute', async () => {
    await addInTurn(hosts(3));
    callCounts();
    later(29_000);
    await add('h4');
    expect(callCounts()).toEqual({ dns_txt_add: 1 });
    later(2000);
    await add('h5');
    expect(callCounts()).toEqual({ dns_txt_get: 1, dns_txt_add: 1 });
  });

  it('a look of its own for a name that is no challenge', async () => {
    await addInTurn(hosts(2));
    callCounts();
    await session.provider.addTxt({ ...recordOf('h3'), name: 'elsewhere.example.com' });
    expect(callCounts()).toEqual({ dns_txt_get: 1, dns_txt_add: 1 });
  });
});

describe('the zone', () => {
  it('is the longest for each name, also when its parent is known', async () => {
    await start({
      zones: [{ name: 'example.com' }, { name: 'deep.example.com' }, { name: 'off.example.com', active: 'N' }],
    });
    await addInTurn(['a', 'b', 'x.deep', 'deep'], {});
    expect(fake.rows.map(({ zone }) => zone)).toEqual(['1', '1', '2', '2']);
    expect(await failureOf(add('off', {}))).toMatchObject({ message: expect.stringContaining('switched off') });
  });

  it('is the longest also where there are too many to be asked for at once', async () => {
    const deeper = hosts(30).map((host) => ({ name: `${host}.example.com` }));
    await start({ zones: [{ name: 'example.com' }, ...deeper] });
    await addAll(['other', 'h0', 'h29', 'more'], {});
    expect(fake.rows.map(({ name, zone }) => `${name} ${zone}`).sort()).toEqual([
      `${nameOf('h0')}. 2`,
      `${nameOf('h29')}. 31`,
      `${nameOf('more')}. 1`,
      `${nameOf('other')}. 1`,
    ]);
  });

  it('is the longest also where the search for all fails', async () => {
    await start({ zones: [{ name: 'example.com' }, { name: 'deep.example.com' }] });
    await add('a', {});
    fake.server.inject({ call: 'dns_zone_get', kind: 'garbage', effect: 'before' });
    await add('x.deep', {});
    expect(fake.rows.map(({ zone }) => zone)).toEqual(['1', '2']);
  });

  it('that is gone is an error, after which it is asked for anew', async () => {
    await addInTurn(['a', 'b']);
    const gone = fake.zones.pop();
    const failure = await failureOf(add('c'));
    expect(failure.message).toContain('does not let this user change the zone');
    expect(fake.held(nameOf('c'))).toEqual([]);
    if (gone) fake.zones.push({ ...gone, id: '7' });
    await add('c');
    expect(fake.rows.at(-1)).toMatchObject({ name: `${nameOf('c')}.`, zone: '7' });
  });

  it('that could not be read is asked for again', async () => {
    fake.server.inject({ call: 'dns_zone_get', kind: 'garbage', effect: 'before' });
    await failureOf(add('a'));
    expect(await add('a')).toMatchObject({ changed: true });
  });
});

describe('what the names hold', () => {
  it('is seen in the shared look: the same value, and a CNAME in the way', async () => {
    const { id } = fake.plant({ name: `${nameOf('b')}.`, data: VALUE });
    fake.plant({ name: `${nameOf('c')}.`.toUpperCase(), type: 'CNAME', data: 'target.example.net.' });
    await add('a');
    expect(await add('b')).toEqual({ zone: 'example.com', id, changed: false });
    expect(await failureOf(add('c'))).toMatchObject({ code: 'E_REJECTED', message: expect.stringContaining('CNAME') });
    expect(callCounts()).toEqual({ login: 1, dns_zone_get: 1, dns_txt_get: 2, dns_txt_add: 1 });
  });

  it('is never what stands at the same name in another zone', async () => {
    await start({ zones: [{ name: 'example.com' }, { name: 'example.org' }] });
    fake.plant({ name: `${nameOf('b')}.`, data: VALUE, zone: '2' });
    await addInTurn(['a', 'b']);
    expect(published).toEqual(['a', 'b'].map(nameOf));
  });

  it('is known of what this session has added itself', async () => {
    await addInTurn(['a', 'b', 'c']);
    const again = await Promise.all(['a', 'b', 'c'].map((host) => add(host)));
    expect(again.map(({ changed, id }) => [changed, id])).toEqual(fake.rows.map(({ id }) => [false, id]));
    expect(fake.rows).toHaveLength(3);
  });

  it('is one record where the same value is asked for twice at once', async () => {
    const added = await Promise.all([add('a'), add('a'), add('a')]);
    expect(added.map(({ changed }) => changed)).toEqual([true, false, false]);
    expect(fake.held(nameOf('a'))).toEqual([VALUE]);
  });

  it('is looked at again after a removal', async () => {
    await addInTurn(['a', 'b']);
    await session.provider.removeTxt(recordOf('b'));
    expect(await add('b')).toMatchObject({ changed: true });
    expect(fake.held(nameOf('b'))).toEqual([VALUE]);
  });

  it('is looked at again when the look has failed', async () => {
    await add('a');
    fake.server.inject({ call: 'dns_txt_get', kind: 'garbage', effect: 'before' });
    await failureOf(add('b'));
    expect(await add('b')).toMatchObject({ changed: true });
  });
});

describe('an answer that was lost', () => {
  it('before the serial, which another add of ours has raised: the row is not believed to be published', async () => {
    await addInTurn(['a', 'b']);
    fake.panel.diesBeforeSerial = true;
    callCounts();
    expect(await add('c')).toMatchObject({ id: '22', changed: true });
    expect(published).toEqual(['a', 'b', 'c'].map(nameOf));
    expect(fake.held(nameOf('c'))).toEqual([VALUE]);
    expect(callCounts()).toEqual({ dns_txt_add: 2, dns_txt_get: 2, dns_txt_delete: 1, dns_zone_get: 1 });
  });

  it('before the serial, while another add of ours raises it: the same', async () => {
    fake.panel.diesBeforeSerial = true;
    await addAll(hosts(4));
    expect(published.sort()).toEqual(hosts(4).map(nameOf));
    for (const host of hosts(4)) expect(fake.held(nameOf(host))).toEqual([VALUE]);
  });

  it('before the serial, while a removal of ours raises it: the same', async () => {
    fake.plant({ name: `${nameOf('old')}.`, data: VALUE });
    fake.panel.diesBeforeSerial = true;
    await Promise.all([add('a'), session.provider.removeTxt(recordOf('old'))]);
    expect(published).toEqual([nameOf('a')]);
    expect(fake.held(nameOf('a'))).toEqual([VALUE]);
  });

  it('after the value was published among others: it is one record, published', async () => {
    await addInTurn(['a', 'b']);
    fake.server.inject({ call: 'dns_txt_add', kind: 'reset', effect: 'after' });
    expect(await add('c')).toMatchObject({ changed: true });
    expect(fake.held(nameOf('c'))).toEqual([VALUE]);
    expect(await add('c')).toMatchObject({ changed: false });
  });

  it('of a zone that is gone by then: no row stays', async () => {
    fake.panel.diesBeforeSerial = true;
    fake.before('dns_txt_add', () => fake.before('dns_zone_get', () => void fake.zones.pop()));
    expect(await failureOf(add('a'))).toMatchObject({ code: 'E_ZONE' });
    expect(fake.rows).toEqual([]);
  });
});

it('keeps what it knows when the session is lost', async () => {
  await addInTurn(['a', 'b']);
  fake.expireSessions();
  callCounts();
  await add('c');
  expect(callCounts()).toEqual({ dns_txt_add: 2, login: 1 });
});
