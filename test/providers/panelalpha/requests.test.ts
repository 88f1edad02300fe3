import { afterEach, describe, expect, it } from 'vitest';
import { type PanelalphaFake, type PanelalphaFakeSettings, startPanelalphaFake } from '../../fakes/panelalpha.ts';
import type { SearchingProvider } from '../../support/searching.ts';
import { ACCOUNT_ID, type Access, failureOf, inProcess, NAME, OTHER, recordAt, VALUE, warnings } from './support.ts';

const KNOWN = recordAt(NAME, VALUE, 'example.com');
const WRITE_AND_LOOK = ['GET records', 'POST record', 'GET records'];

let fake: PanelalphaFake;
afterEach(() => fake.close());

const start = async (settings: PanelalphaFakeSettings = {}) => {
  fake = await startPanelalphaFake(settings);
};
const run = <Result>(verb: (provider: SearchingProvider) => Promise<Result>, access: Partial<Access> = {}) =>
  inProcess({ ...fake, ...access }, verb);
const calls = () => fake.server.takeCalls();
const inAccount = { accountId: ACCOUNT_ID };

describe('panelalpha asks no more than it has to', () => {
  it('three requests to add where account and zone are known, one where the value is there', async () => {
    await start();
    expect(await run((provider) => provider.addTxt(KNOWN), inAccount)).toEqual({
      zone: 'example.com',
      id: ACCOUNT_ID,
      changed: true,
    });
    expect(calls()).toEqual(WRITE_AND_LOOK);
    expect((await run((provider) => provider.addTxt(KNOWN), inAccount)).changed).toBe(false);
    expect(calls()).toEqual(['GET records']);
  });

  it('three requests to remove with what the add remembered, one where there is nothing', async () => {
    await start();
    const { changed, ...handle } = await run((provider) => provider.addTxt(recordAt(NAME)));
    expect(changed).toBe(true);
    calls();
    const remove = () => run((provider) => provider.removeTxt(recordAt(NAME), handle));
    expect(await remove()).toBe('removed');
    expect(calls()).toEqual(['GET records', 'DELETE record', 'GET records']);
    expect(await remove()).toBe('absent');
    expect(calls()).toEqual(['GET records']);
  });

  it('no more to find the zone in its account, where the first that is tried is the right one', async () => {
    await start();
    await run((provider) => provider.addTxt(recordAt(NAME)), inAccount);
    expect(calls()).toEqual(WRITE_AND_LOOK);
  });

  it('one more for each name that is no zone of its account', async () => {
    await start();
    await run((provider) => provider.addTxt(recordAt('_acme-challenge.www.example.com')), inAccount);
    expect(calls()).toEqual(['GET records', ...WRITE_AND_LOOK]);
  });

  it('one more for every account where the account is not known', async () => {
    await start({ accounts: { '3': ['example.org'], '12': ['example.com'] } });
    await run((provider) => provider.addTxt(recordAt(NAME)));
    expect(calls()).toEqual(['GET accounts', 'GET zones', 'GET zones', ...WRITE_AND_LOOK]);
  });

  it('lists again, after longer and longer pauses, until the panel shows the record', async () => {
    await start({ delay: 3 });
    await inProcess({ ...fake, ...inAccount }, async (provider, { waits }) => {
      await provider.addTxt(KNOWN);
      expect(waits).toEqual([500, 1000, 2000]);
    });
    expect(calls()).toEqual([...WRITE_AND_LOOK, 'GET records', 'GET records', 'GET records']);
  });
});

describe('panelalpha finds the account', () => {
  it('by the longest zone', async () => {
    await start({
      accounts: { '3': ['example.com'], '12': ['b.example.com', 'c.example.com'], '20': ['com.example'] },
    });
    const added = await run((provider) => provider.addTxt(recordAt('_acme-challenge.a.b.example.com')));
    expect(added).toMatchObject({ zone: 'b.example.com', id: '12' });
    expect(await run((provider) => provider.addTxt(recordAt('_acme-challenge.xb.example.com')))).toMatchObject({
      zone: 'example.com',
      id: '3',
    });
  });

  it('that has the zone which the user named', async () => {
    await start({ accounts: { '3': ['example.com'], '12': ['b.example.com'] } });
    const record = recordAt('_acme-challenge.b.example.com', VALUE, 'example.com');
    expect(await run((provider) => provider.addTxt(record))).toMatchObject({ zone: 'example.com', id: '3' });
    const failure = await failureOf(run((provider) => provider.addTxt({ ...record, zone: 'example.org' })));
    expect(failure).toMatchObject({ code: 'E_ZONE', message: expect.stringContaining('no zone example.org') });
  });

  it.each([403, 404, 422])('past those without DNS (status %i)', async (status) => {
    await start({ accounts: { '3': status, '12': ['example.com'] } });
    expect((await run((provider) => provider.addTxt(recordAt(NAME)))).id).toBe('12');
    const failure = await failureOf(run((provider) => provider.addTxt(recordAt('_acme-challenge.example.org'))));
    expect(failure).toMatchObject({
      code: 'E_ZONE',
      message:
        'no zone of this account holds _acme-challenge.example.org, tried: example.org, _acme-challenge.example.org',
      hint: expect.stringContaining('userId is the user of its hosting account'),
    });
    expect(String(failure.cause)).toContain(
      `in the hosting accounts (zones: example.com; account 3 has no DNS (status ${status}))`,
    );
    expect(calls().filter((call) => call === 'GET accounts')).toHaveLength(2);
  });

  it.each([
    [401, 'E_AUTH'],
    [400, 'E_REJECTED'],
  ])('but not past one that fails (status %i)', async (status, code) => {
    await start({ accounts: { '3': status, '12': ['example.com'] } });
    expect((await failureOf(run((provider) => provider.addTxt(recordAt(NAME))))).code).toBe(code);
  });

  it.each([
    ['500', 'E_REMOTE'],
    ['429', 'E_RATE'],
  ] as const)('nor past one that answers with %s', async (kind, code) => {
    await start();
    fake.server.inject({ kind, call: 'GET zones', effect: 'before', times: 99 });
    expect((await failureOf(run((provider) => provider.addTxt(recordAt(NAME))))).code).toBe(code);
  });

  it('tells a configured account without DNS', async () => {
    await start({ accounts: { '12': 403 } });
    const searched = await failureOf(run((provider) => provider.addTxt(recordAt(NAME)), inAccount));
    expect(searched).toMatchObject({
      code: 'E_ZONE',
      hint: expect.stringContaining('the plan of the account has DNS'),
    });
    const failure = await failureOf(run((provider) => provider.addTxt(KNOWN), inAccount));
    expect(failure).toMatchObject({ code: 'E_AUTH', hint: expect.stringContaining('the plan of the account has DNS') });
  });

  it('and takes none of two that have the same zone', async () => {
    await start({ accounts: { '3': ['example.com'], '12': ['example.com'] } });
    const failure = await failureOf(run((provider) => provider.addTxt(recordAt(NAME))));
    expect(failure).toMatchObject({
      code: 'E_ZONE',
      message: 'the hosting accounts 3 and 12 both have the zone example.com',
      hint: expect.stringContaining('accountId'),
    });
    expect(calls()).not.toContain('GET records');
    expect((await run((provider) => provider.addTxt(recordAt(NAME)), inAccount)).id).toBe('12');
  });

  it('for a list of zones, each named once', async () => {
    await start({ accounts: { '3': ['example.com', 'example.org'], '4': 404, '12': ['example.com'] } });
    const zonesOf = (access: Partial<Access>) =>
      run(async ({ listZones }) => {
        const names: string[] = [];
        for await (const { name } of listZones?.() ?? []) names.push(name);
        return names;
      }, access);
    expect(await zonesOf({})).toEqual(['example.com', 'example.org']);
    expect(await zonesOf(inAccount)).toEqual(['example.com']);
  });
});

describe('panelalpha as a user', () => {
  it('names the user in each request', async () => {
    await start({ userId: '5' });
    await run((provider) => provider.addTxt(recordAt(NAME)), { userId: '5' });
    expect(fake.server.requests.map(({ headers }) => headers['x-panelalpha-user'])).toEqual(Array(5).fill('5'));
  });

  it('or none at all', async () => {
    await start();
    await run((provider) => provider.listTxt(NAME));
    for (const { headers } of fake.server.requests) expect(headers).not.toHaveProperty('x-panelalpha-user');
  });

  it('asks once with a token that is refused', async () => {
    await start({ userId: '5', language: 'de' });
    const failure = await failureOf(run((provider) => provider.addTxt(KNOWN), inAccount));
    expect(failure).toMatchObject({
      code: 'E_AUTH',
      message: expect.stringMatching(/the token was refused \(status 401\)$/),
    });
    expect(calls()).toEqual(['GET records']);
  });
});

describe('panelalpha removes', () => {
  it('every copy of the value, with a new list after each', async () => {
    await start({ lineKind: 'number' });
    for (const value of [VALUE, OTHER, VALUE, VALUE]) fake.plant(NAME, value);
    expect(await run((provider) => provider.removeTxt(KNOWN), inAccount)).toBe('removed');
    expect(fake.held(NAME)).toEqual([OTHER]);
    expect(calls()).toEqual(['GET records', ...Array(3).fill(['DELETE record', 'GET records']).flat()]);
  });

  it('copies that share a line, where no other record has it', async () => {
    await start({ lineKind: 'name' });
    for (const value of [VALUE, VALUE]) fake.plant(NAME, value);
    expect(await run((provider) => provider.removeTxt(KNOWN), inAccount)).toBe('removed');
    expect(fake.held(NAME)).toEqual([]);
  });

  it('by the line of a new list, where the line moved in between', async () => {
    let lists = 0;
    await start({
      lineKind: 'id',
      afterCall(call) {
        // Somebody else deletes the record and makes it again: its line is another one now.
        if (call !== 'GET records' || ++lists > 1) return;
        const index = fake.records.findIndex(({ value }) => value === VALUE);
        (fake.records as unknown[]).splice(index, 1);
        fake.plant(NAME, VALUE);
      },
    });
    fake.plant(NAME, VALUE);
    expect(await run((provider) => provider.removeTxt(KNOWN), inAccount)).toBe('removed');
    expect(fake.held(NAME)).toEqual([]);
    expect(calls()).toEqual(['GET records', 'DELETE record', 'GET records', 'DELETE record', 'GET records']);
  });

  it('and warns when the panel deleted another record, because the lines moved', async () => {
    let lists = 0;
    await start({
      lineKind: 'number',
      afterCall(call) {
        // Somebody else deletes the first record, so that all others move up.
        if (call === 'GET records' && ++lists === 1) (fake.records as unknown[]).shift();
      },
    });
    fake.plant(NAME, VALUE);
    await inProcess({ ...fake, ...inAccount }, async (provider, opened) => {
      expect((await failureOf(provider.removeTxt(KNOWN))).code).toBe('E_REMOTE');
      expect(fake.held(NAME)).toEqual([VALUE]);
      expect(warnings(opened)).toEqual([
        expect.stringContaining(
          'other records of example.com went as well: NS example.com ns1.panel.example, A www.example.com 192.0.2.1',
        ),
      ]);
    });
  });

  it('and names records that went with it', async () => {
    await start({
      afterCall(call) {
        if (call === 'DELETE record') (fake.records as unknown[]).pop();
      },
    });
    fake.plant(NAME, VALUE);
    await inProcess({ ...fake, ...inAccount }, async (provider, { context }) => {
      expect(await provider.removeTxt(KNOWN)).toBe('removed');
      expect(context.lines.join()).toContain('other records of example.com went as well: A mail.example.com 192.0.2.2');
    });
  });

  it('nothing a second time that the panel took and goes on showing', async () => {
    await start({ delay: 99 });
    fake.plant(NAME, VALUE);
    const failure = await failureOf(run((provider) => provider.removeTxt(KNOWN), inAccount));
    expect(failure).toMatchObject({ code: 'E_REMOTE', message: expect.stringContaining('still lists the value') });
    expect(calls().filter((call) => call === 'DELETE record')).toHaveLength(1);
  });

  it('nothing of another type, name or value', async () => {
    await start();
    fake.plant(NAME, VALUE, 'SPF');
    fake.plant(`x.${NAME}`, VALUE);
    fake.plant(NAME, VALUE.toLowerCase());
    expect(await run((provider) => provider.removeTxt(KNOWN), inAccount)).toBe('absent');
    expect(calls()).toEqual(['GET records']);
  });
});
