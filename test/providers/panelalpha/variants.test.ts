import { afterEach, describe, expect, it } from 'vitest';
import { type PanelalphaFake, type PanelalphaFakeSettings, startPanelalphaFake } from '../../fakes/panelalpha.ts';
import type { SearchingProvider } from '../../support/searching.ts';
import { ACCOUNT_ID, inProcess, NAME, OTHER, recordAt, VALUE } from './support.ts';

const LIST_FORMS = ['bare', 'data', 'data.data', 'keyed', 'records'] as const;
const PAGINGS = ['meta', 'top', 'links', 'next_page_url'] as const;
const NAMES_OUT = ['relative', 'fqdn', 'fqdn-dot'] as const;
const NAMES_IN = ['any', 'relative', 'zone file', 'fqdn'] as const;
const VALUE_FIELDS = ['txtdata', 'rdata', 'content', 'value', 'record', 'data'] as const;
const QUOTINGS = ['plain', 'quoted', 'chunks'] as const;
const LINE_KINDS = ['id', 'text', 'number'] as const;

/** A variant for each pair. */
function pairs<A, B>(as: readonly A[], bs: readonly B[], combine: (a: A, b: B) => PanelalphaFakeSettings) {
  return as.flatMap((a) => bs.map((b) => combine(a, b)));
}

const NAME_VARIANTS = pairs(NAMES_OUT, NAMES_IN, (nameOut, nameIn) => ({ nameOut, nameIn, lineKind: 'number' }));

/** Each way in which the panel may turn out to be, and those together that have to do with each other. */
const VARIANTS: PanelalphaFakeSettings[] = [
  ...pairs(LIST_FORMS, LINE_KINDS, (listForm, lineKind) => ({ listForm, lineKind })),
  ...pairs(['data', 'data.data', 'records'] as const, PAGINGS, (listForm, paging) => ({
    listForm,
    paging,
    lineKind: 'number',
  })),
  ...NAME_VARIANTS,
  ...pairs(VALUE_FIELDS, QUOTINGS, (valueField, quoting) => ({ valueField, quoting })),
  ...pairs([0, 1, 3], LINE_KINDS, (delay, lineKind) => ({ delay, lineKind })),
  ...pairs(['refused', 'accepted'] as const, [404, 422] as const, (duplicates, missing) => ({ duplicates, missing })),
  { written: { status: 200, body: '' } },
  { written: { status: 200, body: 'true' } },
  { written: { status: 200, body: 'OK' } },
  { written: { status: 201, body: '{"data":{"line":"77"}}' } },
  { written: { status: 202, body: '{"message":"Wird erledigt."}' } },
  { written: { status: 204 } },
  { leastTtl: 300 },
  { language: 'de', duplicates: 'refused' },
];

describe.each(VARIANTS)('panelalpha where the panel is %j', (settings) => {
  let fake: PanelalphaFake;
  afterEach(() => fake.close());

  const run = <Result>(verb: (provider: SearchingProvider) => Promise<Result>) =>
    inProcess({ ...fake, accountId: ACCOUNT_ID }, verb);
  const add = (value: string) => run((provider) => provider.addTxt(recordAt(NAME, value)));
  const remove = (value: string) => run((provider) => provider.removeTxt(recordAt(NAME, value)));

  it('keeps two values at one name, adds none twice and removes one after the other', async () => {
    fake = await startPanelalphaFake(settings);
    const others = [...fake.records];
    expect((await add(VALUE)).changed).toBe(true);
    expect((await add(OTHER)).changed).toBe(true);
    expect((await add(VALUE)).changed).toBe(false);
    expect(fake.held(NAME).sort()).toEqual([VALUE, OTHER].sort());
    expect((await run((provider) => provider.listTxt(NAME))).sort()).toEqual([VALUE, OTHER].sort());
    expect(await remove(VALUE)).toBe('removed');
    expect(fake.held(NAME)).toEqual([OTHER]);
    expect(await remove(VALUE)).toBe('absent');
    expect(await remove(OTHER)).toBe('removed');
    expect(fake.records, 'nothing else came or went').toEqual(others);
  });

  it.each(['before', 'after'] as const)(
    'finds its way when answers to writes are lost %s they are done',
    async (effect) => {
      fake = await startPanelalphaFake(settings);
      await add(OTHER);
      fake.server.inject({ kind: 'reset', call: 'POST record', effect });
      await add(VALUE);
      expect(fake.held(NAME).sort()).toEqual([VALUE, OTHER].sort());
      fake.server.inject({ kind: '502-html', call: 'DELETE record', effect });
      expect(await remove(VALUE)).toBe('removed');
      expect(fake.held(NAME)).toEqual([OTHER]);
    },
  );
});

/** Lists that show TXT names in another form than the others. */
const MIXED_VARIANTS = pairs(NAMES_OUT, NAMES_OUT, (nameOut, txtNameOut) => ({ nameOut, txtNameOut })).flatMap(
  (names) =>
    (['any', 'relative', 'zone file'] as const).map((nameIn) => ({
      ...names,
      nameIn,
      duplicates: 'accepted' as const,
    })),
);

describe.each(MIXED_VARIANTS)('panelalpha where the panel is %j', (settings) => {
  it.each(['auto', 'relative', 'fqdn', 'fqdn-dot'] as const)(
    'makes no second record and leaves none behind, with nameStyle %s',
    async (nameStyle) => {
      const fake = await startPanelalphaFake(settings);
      const others = [...fake.records];
      const run = <Result>(verb: (provider: SearchingProvider) => Promise<Result>) =>
        inProcess({ ...fake, accountId: ACCOUNT_ID, nameStyle }, verb);
      for (const name of [NAME, 'example.com']) {
        const record = recordAt(name, VALUE, 'example.com');
        expect((await run((provider) => provider.addTxt(record))).changed).toBe(true);
        expect((await run((provider) => provider.addTxt(record))).changed).toBe(false);
        expect(fake.records).toHaveLength(others.length + 1);
        expect(await run((provider) => provider.listTxt(name, 'example.com'))).toContain(VALUE);
        expect(await run((provider) => provider.removeTxt(record))).toBe('removed');
        expect(fake.records).toEqual(others);
      }
      await fake.close();
    },
  );
});

describe.each(NAME_VARIANTS)('panelalpha at the name of the zone itself, where the panel is %j', (settings) => {
  it('adds and removes', async () => {
    const fake = await startPanelalphaFake(settings);
    const run = <Result>(verb: (provider: SearchingProvider) => Promise<Result>) =>
      inProcess({ ...fake, accountId: ACCOUNT_ID }, verb);
    const apex = recordAt('example.com');
    await run((provider) => provider.addTxt(apex));
    expect(fake.held('example.com').sort()).toEqual([VALUE, 'v=spf1 -all'].sort());
    await run((provider) => provider.removeTxt(apex));
    expect(fake.held('example.com')).toEqual(['v=spf1 -all']);
    await fake.close();
  });
});

describe('panelalpha where the panel deletes by name', () => {
  let fake: PanelalphaFake;
  afterEach(() => fake.close());
  const run = <Result>(verb: (provider: SearchingProvider) => Promise<Result>) =>
    inProcess({ ...fake, accountId: ACCOUNT_ID }, verb);

  it('deletes a value that is alone at its name', async () => {
    fake = await startPanelalphaFake({ lineKind: 'name' });
    await run((provider) => provider.addTxt(recordAt(NAME)));
    expect(await run((provider) => provider.removeTxt(recordAt(NAME)))).toBe('removed');
    expect(fake.held(NAME)).toEqual([]);
  });

  it.each([
    ['TXT', OTHER],
    ['A', '192.0.2.7'],
  ])('deletes nothing where a record of type %s has the same line, and says why', async (type, value) => {
    fake = await startPanelalphaFake({ lineKind: 'name' });
    fake.plant(NAME, VALUE);
    fake.plant(NAME, value, type);
    const before = [...fake.records];
    await expect(run((provider) => provider.removeTxt(recordAt(NAME)))).rejects.toMatchObject({
      code: 'E_REJECTED',
      message: expect.stringContaining(`"${NAME}" is the line of ${type} ${NAME} too`),
      hint: expect.stringContaining('by hand'),
    });
    expect(fake.records).toEqual(before);
    expect(fake.server.takeCalls()).not.toContain('DELETE record');
  });
});
