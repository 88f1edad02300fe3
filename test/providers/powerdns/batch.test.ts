import { afterEach, describe, expect, it } from 'vitest';
import { normaliseName } from '../../../src/names.ts';
import type { TxtChange } from '../../../src/provider.ts';
import { type PowerdnsFake, type PowerdnsFakeSettings, startPowerdnsFake } from '../../fakes/powerdns.ts';
import { failureOf, inProcess, OTHER, VALUE } from './support.ts';

const ZONE = normaliseName('example.com');

let fake: PowerdnsFake;
afterEach(() => fake.close());
const start = async (settings: PowerdnsFakeSettings = {}) => {
  fake = await startPowerdnsFake(settings);
};
const nameAt = (index: number) => `_acme-challenge.host${index}.${ZONE}`;
const changesOf = (action: TxtChange['action'], count: number, value = VALUE): TxtChange[] =>
  Array.from({ length: count }, (_, index) => ({
    action,
    record: { name: normaliseName(nameAt(index)), value, ttl: 60, zone: ZONE },
  }));
const run = (changes: readonly TxtChange[]) =>
  inProcess(fake, async (provider) => {
    const outcomes = (await provider.changeTxt?.(ZONE, changes)) ?? [];
    return outcomes.map((outcome) => (outcome.state === 'done' ? outcome.changed : outcome.state));
  });
const all = <Value>(value: Value, count = 100) => Array.from({ length: count }, () => value);
const calls = () => fake.server.takeCalls();
const patches = () =>
  fake.server.requests
    .filter(({ call }) => call === 'PATCH zone')
    .map(({ body }) => (JSON.parse(body) as { rrsets: { changetype: string; name: string }[] }).rrsets);
const changetypes = () => patches().map((rrsets) => [...new Set(rrsets.map(({ changetype }) => changetype))]);

describe('powerdns changes 100 names of a zone', () => {
  it.each([true, false])('in at most five requests each way, with EXTEND known: %s', async (takesExtend) => {
    await start({ takesExtend });
    expect(await run(changesOf('add', 100))).toEqual(all(true));
    expect(calls()).toEqual(['GET zone', 'GET search-data', 'GET search-data', 'PATCH zone', 'GET search-data']);
    expect(await run(changesOf('add', 100))).toEqual(all(false));
    expect(calls()).toEqual(['GET zone', 'GET search-data']);
    expect(await run(changesOf('remove', 100))).toEqual(all(true));
    expect(calls()).toEqual(['GET zone', 'GET search-data', 'PATCH zone', 'GET search-data']);
    expect(fake.rows).toEqual([]);
  });

  it('in at most five requests beside values of others, which stay', async () => {
    for (const takesExtend of [true, false]) {
      await start({ takesExtend });
      for (let index = 0; index < 100; index++) fake.plant(nameAt(index), `"${OTHER}"`, { ttl: 900 });
      await run(changesOf('add', 100));
      const count = calls().length;
      expect(count).toBe(takesExtend ? 4 : 5);
      expect(changetypes()).toEqual(takesExtend ? [['EXTEND']] : [['EXTEND'], ['REPLACE']]);
      expect(fake.held(nameAt(7))).toEqual([`"${OTHER}"`, `"${VALUE}"`]);
      await run(changesOf('remove', 100));
      expect(calls()).toHaveLength(count);
      expect(fake.rows).toHaveLength(100);
      if (takesExtend) await fake.close();
    }
  });

  it('and loses nothing that another program writes at that moment, where the server takes EXTEND', async () => {
    let writes = 0;
    await start({
      takesExtend: true,
      afterCall(call) {
        if (call === 'GET search-data' && ++writes === 1) fake.plant(nameAt(0), '"of another program"');
      },
    });
    fake.plant(nameAt(0), `"${OTHER}"`);
    fake.plant(nameAt(1), `"${OTHER}"`);
    await run(changesOf('add', 2));
    expect(fake.held(nameAt(0)).sort()).toEqual([`"${VALUE}"`, `"${OTHER}"`, '"of another program"'].sort());
  });

  it('replaces the set of a name with a value that is switched off, which EXTEND would lose', async () => {
    await start({ takesExtend: true });
    for (const index of [0, 1]) fake.plant(nameAt(index), `"${OTHER}"`);
    fake.plant(nameAt(0), '"off"', { disabled: true });
    await run(changesOf('add', 2));
    expect(changetypes()).toEqual([['REPLACE', 'EXTEND']]);
    expect(fake.rows).toContainEqual(expect.objectContaining({ content: '"off"', disabled: true }));
  });

  it('adds and removes two values of one name together', async () => {
    await start();
    await run([...changesOf('add', 2), ...changesOf('add', 2, OTHER)]);
    expect(fake.held(nameAt(1)).sort()).toEqual([`"${VALUE}"`, `"${OTHER}"`].sort());
    expect(patches()[0]).toHaveLength(2);
    expect(await run([...changesOf('remove', 2), ...changesOf('add', 3, OTHER)])).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
    expect(fake.held(nameAt(0))).toEqual([`"${OTHER}"`]);
  });

  it('asks only for what the names begin and end with', async () => {
    await start();
    await run(changesOf('add', 2));
    const [first] = fake.server.requests.filter(({ call }) => call === 'GET search-data');
    expect(new URLSearchParams(first?.query).get('q')).toBe(`_acme-challenge.host*.${ZONE}`);
  });
});

describe('powerdns where a search does not show everything', () => {
  it.each([
    ['the backend cannot be searched', { search: 'finds nothing' }],
    ['the search fails', { search: 'fails' }],
    ['the search is forbidden', { search: 'forbidden' }],
  ] as const)('reads by name and never the whole zone: %s', async (_, settings) => {
    await start(settings);
    fake.plant(nameAt(0), `"${OTHER}"`);
    expect(await run(changesOf('add', 3))).toEqual(all(true, 3));
    expect(fake.held(nameAt(0))).toEqual([`"${OTHER}"`, `"${VALUE}"`]);
    expect(fake.server.requests.filter(({ call, query }) => call === 'GET zone' && query === '')).toEqual([]);
    expect(await run(changesOf('remove', 3))).toEqual(all(true, 3));
    expect(fake.held(nameAt(0))).toEqual([`"${OTHER}"`]);
  });

  it('reads by name where there is more than it shows, disabled values too', async () => {
    await start();
    for (let index = 0; index < 5000; index++) fake.plant(`_acme-challenge.host-${index}.${ZONE}`, '"x"');
    fake.plant(nameAt(0), '"off"', { disabled: true });
    await run(changesOf('add', 2));
    expect(calls().filter((call) => call === 'GET rrset')).toHaveLength(4);
    expect(fake.rows).toContainEqual(expect.objectContaining({ content: '"off"', disabled: true }));
  });

  it('refuses all for one value that cannot be read, and changes nothing', async () => {
    await start();
    fake.plant(nameAt(1), 'Without Quotes');
    expect(await run(changesOf('add', 3))).toEqual(all('refused', 3));
    expect(patches()).toEqual([]);
  });
});

describe('powerdns, when a change of many goes wrong,', () => {
  it('refuses all where the server refuses one', async () => {
    await start();
    fake.plant(nameAt(1), 'elsewhere.example.', { type: 'CNAME' });
    expect(await run(changesOf('add', 3))).toEqual(all('refused', 3));
    expect(fake.rows).toHaveLength(1);
  });

  it.each(['before', 'after'] as const)('looks whether it was done when the answer is lost %s', async (effect) => {
    await start();
    fake.server.inject({ kind: 'reset', call: 'PATCH zone', effect });
    expect(await run(changesOf('add', 3))).toEqual(all(true, 3));
    expect(fake.rows).toHaveLength(3);
  });

  it('knows nothing of all where it cannot look', async () => {
    await start({
      afterCall(call) {
        if (call === 'PATCH zone') fake.server.inject({ kind: '200-html', call: 'GET search-data', effect: 'before' });
      },
    });
    expect(await run(changesOf('add', 3))).toEqual(all('unknown', 3));
  });

  it('does it again when another program undoes it', async () => {
    let undone = false;
    await start({
      afterCall(call) {
        if (call !== 'PATCH zone' || undone) return;
        undone = true;
        fake.rows.pop();
      },
    });
    expect(await run(changesOf('add', 3))).toEqual(all(true, 3));
    expect(fake.rows).toHaveLength(3);
  });

  it.each([
    ['a zone that is not there', { zones: {} }, { code: 'E_ZONE' }],
    ['a copy of a zone', { zones: { 'example.com': { kind: 'Slave' } } }, { code: 'E_REJECTED' }],
  ])('throws what concerns all of them: %s', async (_, settings, expected) => {
    await start(settings);
    expect(await failureOf(run(changesOf('add', 2)))).toMatchObject(expected);
    expect(patches()).toEqual([]);
  });
});
