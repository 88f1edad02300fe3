/** Many values in one session, as `dns01 batch` publishes them: what is known already is not asked again. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { normaliseName } from '../../../src/names.ts';
import type { TxtChange, TxtOutcome } from '../../../src/provider.ts';
import { type IspconfigFake, type IspconfigFakeSettings, startIspconfigFake } from '../../fakes/ispconfig.ts';
import type { SearchedRecord } from '../../support/searching.ts';
import { failureOf, type Opened, openOn, VALUE } from './support.ts';

let fake: IspconfigFake;
let session: Opened;
let published: string[];
beforeEach(() => start());
afterEach(() => fake.close());

async function start(settings: IspconfigFakeSettings = {}): Promise<void> {
  await fake?.close();
  published = [];
  fake = await startIspconfigFake({
    ...settings,
    onChange: async (zone, name, type, value, change) => {
      if (change === 'added') published.push(name);
      await settings.onChange?.(zone, name, type, value, change);
    },
  });
  session = openOn(fake);
}

const nameOf = (host: string) => `_acme-challenge.${host}.example.com`;
const recordOf = (host: string) => ({ name: nameOf(host), value: VALUE, ttl: 60, zone: 'example.com' });
const add = (host: string, known: Partial<SearchedRecord> = {}) =>
  session.provider.addTxt({ ...recordOf(host), ...known });
const hosts = (count: number) => Array.from({ length: count }, (_, index) => `h${index}`);

/** Many changes of one zone. */
async function change(action: TxtChange['action'], names: readonly string[]): Promise<TxtOutcome[]> {
  const zone = normaliseName('example.com');
  const changes = names.map((host) => ({
    action,
    record: { ...recordOf(host), name: normaliseName(nameOf(host)), zone },
  }));
  return (await session.plain.changeTxt?.(zone, changes)) ?? [];
}
const addAll = (names: readonly string[]) => change('add', names);

/** What became of each: whether it was changed, or the state and what went wrong. */
const ends = (outcomes: readonly TxtOutcome[]) =>
  outcomes.map((outcome) => (outcome.state === 'done' ? outcome.changed : `${outcome.state} ${outcome.error.code}`));

async function addInTurn(names: readonly string[], known?: Partial<SearchedRecord>): Promise<void> {
  for (const host of names) await add(host, known);
}

/** The calls so far, counted by name. */
function callCounts(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const call of fake.server.takeCalls()) counts[call] = (counts[call] ?? 0) + 1;
  return counts;
}

describe('what it costs', () => {
  it('one request a value and four more, to add and to remove', async () => {
    expect(new Set(ends(await addAll(hosts(100))))).toEqual(new Set([true]));
    await session.provider.close?.();
    expect(callCounts()).toEqual({ login: 1, dns_zone_get: 1, dns_txt_get: 1, dns_txt_add: 100, logout: 1 });
    expect(published.sort()).toEqual(hosts(100).map(nameOf).sort());

    session = openOn(fake);
    expect(new Set(ends(await change('remove', hosts(100))))).toEqual(new Set([true]));
    await session.provider.close?.();
    expect(callCounts()).toEqual({ login: 1, dns_zone_get: 1, dns_txt_get: 1, dns_txt_delete: 100, logout: 1 });
    expect(fake.rows).toEqual([]);
  });

  it('one look more for each value that is added singly', async () => {
    await addInTurn(hosts(10));
    expect(callCounts()).toEqual({ login: 1, dns_zone_get: 1, dns_txt_get: 10, dns_txt_add: 10 });
  });

  it('the same in a zone of 50,000 other records', async () => {
    for (let index = 0; index < 50_000; index++) fake.plant({ name: `r${index}.example.com.`, data: 'x' });
    await addAll(hosts(20));
    expect(callCounts()).toEqual({ login: 1, dns_zone_get: 1, dns_txt_get: 1, dns_txt_add: 20 });
  });

  it('a look for each value where the zone holds more challenges than one answer should', async () => {
    for (let index = 0; index < 10_000; index++) fake.plant({ name: `_acme-challenge.r${index}.example.com.` });
    fake.plant({ name: `${nameOf('h3')}.`, data: VALUE });
    expect(ends(await addAll(hosts(6)))).toEqual([true, true, true, false, true, true]);
    expect(callCounts()).toEqual({ login: 1, dns_zone_get: 1, dns_txt_get: 7, dns_txt_add: 5 });
    const apex = { ...recordOf('h0'), name: '_acme-challenge.example.com' };
    expect(await session.provider.addTxt(apex)).toMatchObject({ changed: true });
    expect(callCounts()).toEqual({ dns_txt_get: 3, dns_txt_add: 1 });
  });

  it('never more than four writes at once', async () => {
    let [open, most] = [0, 0];
    await start({
      async onChange() {
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 10));
        open--;
      },
    });
    await addAll(hosts(20));
    expect(most).toBe(4);
  });
});

describe('the zone', () => {
  it('is the longest for each name, also when its parent is known', async () => {
    await start({
      zones: [{ name: 'example.com' }, { name: 'deep.example.com' }, { name: 'off.example.com', active: 'N' }],
    });
    await addInTurn(['a', 'b', 'x.deep', 'deep'], { zone: undefined });
    expect(fake.rows.map(({ zone }) => zone)).toEqual(['1', '1', '2', '2']);
    expect(await failureOf(add('off', { zone: undefined }))).toMatchObject({
      message: expect.stringContaining('switched off'),
    });
  });

  it('is one that is held: else nothing is asked for but the zone', async () => {
    fake.zones.pop();
    expect(await failureOf(addAll(hosts(3)))).toMatchObject({ code: 'E_ZONE' });
    expect(await failureOf(change('remove', hosts(3)))).toMatchObject({ code: 'E_ZONE' });
    expect(callCounts()).toEqual({ login: 1, dns_zone_get: 2 });
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
    fake.plant({ name: '_acme-challenge.d', type: 'CNAME', data: 'target.example.net.' });
    const outcomes = await addAll(['a', 'b', 'c', 'd']);
    expect(outcomes[1]).toEqual({ state: 'done', changed: false, handle: { id } });
    expect(ends(outcomes)).toEqual([true, false, 'refused E_REJECTED', 'refused E_REJECTED']);
    expect(callCounts()).toEqual({ login: 1, dns_zone_get: 1, dns_txt_get: 1, dns_txt_add: 1 });
  });

  it('is all that is removed: every row of the value, and no other', async () => {
    fake.plant({ name: `${nameOf('a')}.`, data: VALUE });
    fake.plant({ name: '_acme-challenge.a', data: VALUE });
    fake.plant({ name: `${nameOf('b')}.`, data: VALUE.toLowerCase() });
    fake.plant({ name: `${nameOf('b')}.`, data: VALUE, type: 'A' });
    expect(ends(await change('remove', ['a', 'b']))).toEqual([true, false]);
    expect(fake.rows.map(({ name }) => name)).toEqual([`${nameOf('b')}.`, `${nameOf('b')}.`]);
  });

  it('is never what stands at the same name in another zone', async () => {
    await start({ zones: [{ name: 'example.com' }, { name: 'example.org' }] });
    fake.plant({ name: `${nameOf('b')}.`, data: VALUE, zone: '2' });
    await addAll(['a', 'b']);
    expect(published.sort()).toEqual(['a', 'b'].map(nameOf));
  });

  it('is kept apart where names begin alike: each row goes once', async () => {
    const zone = normaliseName('example.com');
    const names = ['_a', '_ab', '_ab.c', '_ab.cd'].map((host) => normaliseName(`${host}.example.com`));
    for (const name of names) fake.plant({ name: `${name}.`, data: VALUE });
    const changes = names.map((name) => ({ action: 'remove' as const, record: { ...recordOf('x'), name, zone } }));
    expect(ends((await session.plain.changeTxt?.(zone, changes)) ?? [])).toEqual([true, true, true, true]);
    expect(callCounts()).toEqual({ login: 1, dns_zone_get: 1, dns_txt_get: 2, dns_txt_delete: 4 });
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
    expect(ends(await addAll(hosts(4)))).toEqual([true, true, true, true]);
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

  it.each(['reset', '429'] as const)('(%s) among many: every value once and published', async (kind) => {
    fake.server.inject({ call: 'dns_txt_add', kind, effect: 'after', times: 2 });
    expect(new Set(ends(await addAll(hosts(8))))).toEqual(new Set([true]));
    for (const host of hosts(8)) expect(fake.held(nameOf(host))).toEqual([VALUE]);
    fake.server.inject({ call: 'dns_txt_delete', kind, effect: 'after' });
    const removed = ends(await change('remove', hosts(8)));
    expect(removed.filter((changed) => changed === undefined)).toHaveLength(1);
    expect(removed.filter((changed) => changed === true)).toHaveLength(7);
    expect(fake.rows).toEqual([]);
  });

  it('as sessions end among many: every value once and published', async () => {
    fake.panel.sessionsEndBeforeSerial = 3;
    const outcomes = await addAll(hosts(60));
    for (const [index, host] of hosts(60).entries()) {
      expect(fake.held(nameOf(host))).toEqual(outcomes[index]?.state === 'done' ? [VALUE] : []);
    }
    expect(new Set(fake.rows.map(({ name }) => name)).size).toBe(fake.rows.length);
  });

  it('that can not be looked for either: unknown, and the others go on', async () => {
    fake.server.inject({ call: 'dns_txt_add', kind: '500', effect: 'after' });
    fake.before('dns_txt_add', () => {
      fake.server.inject({ call: 'dns_txt_get', kind: 'garbage', effect: 'before', times: 3 });
    });
    const states = (await addAll(hosts(4))).map(({ state }) => state);
    expect(states.sort()).toEqual(['done', 'done', 'done', 'unknown']);
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
  expect(callCounts()).toEqual({ dns_txt_get: 2, login: 1, dns_txt_add: 1 });
});
