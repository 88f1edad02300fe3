import { afterEach, describe, expect, it } from 'vitest';
import { type PowerdnsFake, type PowerdnsFakeSettings, startPowerdnsFake } from '../../fakes/powerdns.ts';
import type { SearchingProvider } from '../../support/searching.ts';
import { failureOf, inProcess, NAME, type OpenedPowerdns, OTHER, recordAt, VALUE } from './support.ts';

const KNOWN = recordAt(NAME, VALUE, 'example.com');
const DEEP = '_acme-challenge.a.b.example.com';

let fake: PowerdnsFake;
afterEach(() => fake.close());

const start = async (settings: PowerdnsFakeSettings = {}) => {
  fake = await startPowerdnsFake(settings);
};
const run = <Result>(verb: (provider: SearchingProvider, opened: OpenedPowerdns) => Promise<Result>) =>
  inProcess(fake, verb);
const add = (record = KNOWN) => run((provider) => provider.addTxt(record));
const remove = (record = KNOWN) => run((provider) => provider.removeTxt(record));
const calls = () => fake.server.takeCalls();
const warnings = ({ context }: OpenedPowerdns) => context.lines.filter((line) => line.startsWith('warn'));

describe('powerdns asks no more than it has to', () => {
  it('four requests to add and to remove in a known zone, one where nothing is to be done', async () => {
    await start();
    await add();
    expect(calls()).toEqual(['GET rrset', 'GET search-data', 'PATCH zone', 'GET rrset']);
    expect((await add()).changed).toBe(false);
    expect(calls()).toEqual(['GET rrset']);
    await remove();
    expect(calls()).toEqual(['GET rrset', 'GET search-data', 'PATCH zone', 'GET rrset']);
    expect(await remove()).toBe('absent');
    expect(calls()).toEqual(['GET rrset']);
  });

  it('the zone that the add found is known to the removal', async () => {
    await start();
    const { changed, ...handle } = await add(recordAt(DEEP));
    expect(changed).toBe(true);
    calls();
    await run((provider) => provider.removeTxt(recordAt(DEEP), handle));
    expect(calls()).toHaveLength(4);
  });

  it('one more for every name that is no zone', async () => {
    await start();
    expect((await add(recordAt(DEEP))).zone).toBe('example.com');
    expect(fake.server.requests.slice(0, 3).map(({ path }) => path.replace(/.*\/zones\//, ''))).toEqual([
      'a.b.example.com.',
      'b.example.com.',
      'example.com.',
    ]);
    expect(calls()).toHaveLength(6);
  });
});

describe('powerdns finds the zone', () => {
  it('the deepest one, even that of the challenge name itself', async () => {
    await start({ zones: { 'example.com': {}, 'b.example.com': {}, [NAME]: {} } });
    expect((await add(recordAt(DEEP))).zone).toBe('b.example.com');
    const own = await run((provider) => provider.addTxt(recordAt(NAME), NAME));
    expect(own.zone).toBe(NAME);
  });

  it('and names what it asked for where there is none', async () => {
    await start({ zones: {} });
    const failure = await failureOf(add(recordAt(NAME)));
    expect(failure).toMatchObject({
      code: 'E_ZONE',
      message: `no zone of this account holds ${NAME}, tried: example.com (status 404), ${NAME} (status 404)`,
    });
    expect(failure.hint).toMatch(/api=yes/);
  });

  it('and writes nothing into a copy of one', async () => {
    await start({ zones: { 'example.com': { kind: 'Slave' } } });
    const failure = await failureOf(add());
    expect(failure).toMatchObject({
      code: 'E_REJECTED',
      message: 'example.com is only a copy on this server (kind Slave)',
    });
    expect(calls()).toEqual(['GET rrset']);
  });

  it.each([
    ['Master', '', 1],
    ['Primary', '', 1],
    ['Master', 'DEFAULT', 0],
    ['Native', '', 0],
  ])(
    'and warns where secondary servers will not see a change: %s, soa_edit_api "%s"',
    async (kind, soaEditApi, count) => {
      await start({ zones: { 'example.com': { kind, soaEditApi } } });
      await run(async (provider, opened) => {
        await provider.addTxt(KNOWN);
        expect(warnings(opened)).toHaveLength(count);
      });
    },
  );
});

describe('powerdns on zones that another program filled', () => {
  it('does its work beside rows without quotes', async () => {
    await start();
    fake.plant('example.com', 'v=spf1 a mx ~all');
    fake.plant('_dmarc.example.com', 'v=DMARC1; p=none');
    await add();
    expect(fake.held(NAME)).toEqual([`"${VALUE}"`]);
    await remove();
    expect(fake.rows).toHaveLength(2);
  });

  it('does not overwrite such a row at the very name, and says what to do', async () => {
    await start();
    fake.plant(NAME, OTHER);
    for (const verb of [add, remove]) {
      const failure = await failureOf(verb());
      expect(failure).toMatchObject({
        code: 'E_REJECTED',
        message: `GET /zones/example.com.: the server cannot show the TXT records at ${NAME} (status 500)`,
      });
      expect(failure.hint).toMatch(/without quotes/);
    }
    expect(fake.held(NAME)).toEqual([OTHER]);
    expect(calls().filter((call) => call === 'PATCH zone')).toEqual([]);
  });

  it('reads again where only that one answer went wrong', async () => {
    await start();
    fake.server.inject({ kind: '502-html', call: 'GET rrset', effect: 'before' });
    await add();
    expect(calls()).toEqual(['GET rrset', 'GET zone', 'GET rrset', 'GET search-data', 'PATCH zone', 'GET rrset']);
  });

  it('blames no row where the server fails on everything', async () => {
    await start();
    for (const call of ['GET rrset', 'GET zone']) fake.server.inject({ kind: '500', call, effect: 'before', times: 9 });
    expect((await failureOf(add())).code).toBe('E_REMOTE');
  });

  it.each(['hides disabled', 'shows disabled'] as const)(
    'keeps the values that are switched off, whether the server shows them or not (%s)',
    async (filter) => {
      await start({ filter });
      fake.plant(NAME, '"off"', { disabled: true, ttl: 900 });
      await add();
      expect(fake.rows).toMatchObject([
        { content: '"off"', disabled: true, ttl: 900 },
        { content: `"${VALUE}"`, disabled: false, ttl: 900 },
      ]);
      await remove();
      expect(fake.rows).toMatchObject([{ content: '"off"', disabled: true, ttl: 900 }]);
    },
  );

  it.each(['hides disabled', 'shows disabled'] as const)('switches its own value on (%s)', async (filter) => {
    await start({ filter });
    fake.plant(NAME, `"${VALUE}"`, { disabled: true });
    expect(await run((provider) => provider.listTxt(NAME))).toEqual([]);
    expect((await add()).changed).toBe(true);
    expect(fake.rows).toMatchObject([{ content: `"${VALUE}"`, disabled: false }]);
  });

  it('leaves its own value alone where that is switched off', async () => {
    await start({ filter: 'shows disabled' });
    fake.plant(NAME, `"${VALUE}"`, { disabled: true });
    expect(await remove()).toBe('absent');
    expect(fake.rows).toHaveLength(1);
  });

  it.each(['fails', 'forbidden'] as const)(
    'looks for such values in the whole zone where search %s',
    async (search) => {
      await start({ search });
      fake.plant(NAME, '"switched-off"', { disabled: true });
      await run(async (provider) => provider.addTxt(KNOWN));
      expect(fake.rows).toContainEqual(expect.objectContaining({ content: '"switched-off"', disabled: true }));
    },
  );

  it.each(['fails', 'forbidden'] as const)('warns where the zone cannot be read either (search %s)', async (search) => {
    await start({ search });
    // What a panel writes without quotes: reading the whole zone fails on it.
    fake.plant('example.com', 'v=spf1 -all');
    await run(async (provider, opened) => {
      await provider.addTxt(KNOWN);
      expect(warnings(opened).join()).toContain(`if there are disabled TXT records at ${NAME}, they are lost`);
    });
  });

  it('finds its value in another spelling, and leaves the spelling of others', async () => {
    await start();
    fake.plant(NAME, `"${VALUE.slice(0, 9)}" "${VALUE.slice(9)}"`);
    fake.plant(NAME, '"o\\116her"');
    expect((await add()).changed).toBe(false);
    await remove();
    expect(fake.held(NAME)).toEqual(['"o\\116her"']);
  });
});

describe('powerdns beside another writer', () => {
  it('writes again what the other one undid', async () => {
    let times = 0;
    await start({
      afterCall(call) {
        if (call !== 'PATCH zone' || ++times > 2) return;
        fake.rows.length = 0;
        fake.plant(NAME, `"${OTHER}"`);
      },
    });
    expect((await add()).changed).toBe(true);
    expect(fake.held(NAME)).toEqual([`"${OTHER}"`, `"${VALUE}"`]);
    expect(calls().filter((call) => call === 'PATCH zone')).toHaveLength(3);
  });

  it('gives up at last, and says that its value may be there', async () => {
    await start({ afterCall: (call) => void (call === 'PATCH zone' && fake.rows.splice(0, 9)) });
    const failure = await failureOf(add());
    expect(failure).toMatchObject({ code: 'E_REMOTE', outcomeUnknown: true });
    expect(failure.message).toContain('are not what was written, 5 times in a row');
    expect(calls().filter((call) => call === 'PATCH zone')).toHaveLength(5);
  });

  it('merges anew before it repeats a write whose answer was lost', async () => {
    await start({
      // Between the read and the write.
      afterCall: (call) => void (call === 'GET search-data' && fake.plant(NAME, `"${OTHER}"`)),
    });
    fake.server.inject({ kind: 'reset', call: 'PATCH zone', effect: 'before' });
    await add();
    expect(fake.held(NAME)).toEqual([`"${OTHER}"`, `"${VALUE}"`]);
    // This server does not know EXTEND.
    expect(calls().slice(2)).toEqual(['PATCH zone', 'GET rrset', 'PATCH zone', 'PATCH zone', 'GET rrset']);
  });

  it('says that its value may be there when it cannot be seen after the write', async () => {
    await start({
      afterCall(call) {
        if (call === 'PATCH zone') fake.server.inject({ kind: '200-html', call: 'GET rrset', effect: 'before' });
      },
    });
    const failure = await failureOf(add());
    expect(failure).toMatchObject({ code: 'E_PROTOCOL', outcomeUnknown: true });
    expect(failure.message).toMatch(/^after the change was sent: GET/);
  });
});

describe("powerdns' key", () => {
  it('is in no error and in no log line', async () => {
    await start();
    const told: string[] = [];
    await run(async (provider, { context }) => {
      // As often as the provider asks before it gives up.
      for (const [kind, times] of [
        ['500', 2],
        ['reset', 3],
        ['garbage', 1],
      ] as const) {
        fake.server.inject({ kind, call: 'GET rrset', effect: 'before', times });
        const failure = await failureOf(provider.addTxt(KNOWN));
        told.push(failure.message, failure.hint ?? '', String(failure.stack), String(failure.cause));
      }
      const wrong = await failureOf(inProcess({ ...fake, apiKey: `${fake.apiKey}x` }, (dns) => dns.addTxt(KNOWN)));
      expect(wrong.code).toBe('E_AUTH');
      told.push(wrong.message, ...context.lines);
    });
    expect(told.length).toBeGreaterThan(15);
    expect(told.join('\n')).not.toContain(fake.apiKey);
  });
});
