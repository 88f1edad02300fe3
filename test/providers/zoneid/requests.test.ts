import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { normaliseName } from '../../../src/names.ts';
import { startZoneidFake, type ZoneidFake, type ZoneidFakeSettings } from '../../fakes/zoneid.ts';
import type { SearchingProvider } from '../../support/searching.ts';
import { failureOf, OTHER, openZoneid, recordAt, VALUE } from './support.ts';

const NAME = '_acme-challenge.example.com';
const DEEP = '_acme-challenge.a.b.example.com';

describe('zoneid asks no more than it has to', () => {
  let fake: ZoneidFake;
  const restart = async (settings: ZoneidFakeSettings) => {
    await fake.close();
    fake = await startZoneidFake(settings);
  };
  beforeEach(async () => {
    fake = await startZoneidFake();
  });
  afterEach(() => fake.close());

  async function run<Result>(verb: (provider: SearchingProvider) => Promise<Result>): Promise<Result> {
    const { provider, close } = openZoneid(fake);
    try {
      return await verb(provider);
    } finally {
      await close();
    }
  }
  const paths = () => fake.server.requests.map(({ method, path }) => `${method} ${path.replace('/v2/dns/', '')}`);

  it('one request to add in a known zone', async () => {
    await run((provider) => provider.addTxt(recordAt(DEEP, VALUE, 'example.com')));
    expect(paths()).toEqual(['POST example.com/txt']);
    expect(fake.held(DEEP)).toEqual([VALUE]);
  });

  it('one more for a value that is there already, which is told apart and has its id', async () => {
    const { id } = await fake.plant(NAME, VALUE);
    const added = await run((provider) => provider.addTxt(recordAt(NAME, VALUE, 'example.com')));
    expect(added).toEqual({ zone: 'example.com', id: String(id), proven: true, changed: false });
    expect(paths()).toEqual(['POST example.com/txt', 'GET example.com/txt']);
    expect(fake.held(NAME)).toEqual([VALUE]);
  });

  it('adds a second record without a look where the API takes one, and a removal without handle takes both', async () => {
    await restart({ duplicates: 'accept' });
    await fake.plant(NAME, VALUE);
    await run((provider) => provider.addTxt(recordAt(NAME, VALUE, 'example.com')));
    expect(fake.server.takeCalls()).toEqual(['POST txt']);
    await fake.plant(NAME, OTHER);
    expect(await run((provider) => provider.removeTxt(recordAt(NAME, VALUE, 'example.com')))).toBe('removed');
    expect(fake.server.takeCalls()).toEqual(['GET txt', 'DELETE txt', 'DELETE txt']);
    expect(fake.held(NAME)).toEqual([OTHER]);
  });

  it('one request to remove by what the add remembered', async () => {
    const { changed, ...handle } = await run((provider) => provider.addTxt(recordAt(NAME)));
    fake.server.takeCalls();
    expect(changed).toBe(true);
    expect(await run((provider) => provider.removeTxt(recordAt(NAME), handle))).toBe('removed');
    expect(fake.server.takeCalls()).toEqual(['DELETE txt']);
  });

  it.each([
    ['that no answer proved', { proven: false }],
    ['of another zone', { proven: true, zone: 'example.org' }],
    ['from elsewhere', {}],
  ])('deletes nothing by an id %s without a look, and only what it means', async (_what, extra) => {
    const foreign = await fake.plant('_dmarc.example.com', VALUE);
    await fake.plant(NAME, VALUE);
    const handle = { zone: 'example.com', id: String(foreign.id), ...extra };
    const { bare, close } = openZoneid(fake);
    const record = {
      name: normaliseName(NAME),
      value: VALUE,
      ttl: 60,
      zone: normaliseName('example.com'),
    };
    expect(await bare.removeTxt(record, { ...handle, zone: normaliseName(handle.zone) })).toBe('removed');
    await close();
    expect(fake.server.takeCalls()).toEqual(['GET txt', 'DELETE txt']);
    expect(fake.held('_dmarc.example.com')).toEqual([VALUE]);
    expect(fake.held(NAME)).toEqual([]);
  });

  it('one request to remove what is gone already', async () => {
    const handle = { zone: 'example.com', id: '999', proven: true };
    expect(await run((provider) => provider.removeTxt(recordAt(NAME), handle))).toBe('absent');
    expect(paths()).toEqual(['DELETE example.com/txt/999']);
  });

  it('two requests to remove in a known zone, and one where there is nothing', async () => {
    await fake.plant(NAME, VALUE);
    const remove = () => run((provider) => provider.removeTxt(recordAt(NAME, VALUE, 'example.com')));
    expect(await remove()).toBe('removed');
    expect(fake.server.takeCalls()).toEqual(['GET txt', 'DELETE txt']);
    expect(await remove()).toBe('absent');
    expect(fake.server.takeCalls()).toEqual(['GET txt']);
  });

  it('the zone of a handle without an id is a known zone', async () => {
    await fake.plant(DEEP, VALUE);
    expect(await run((provider) => provider.removeTxt(recordAt(DEEP), { zone: 'example.com' }))).toBe('removed');
    expect(fake.server.takeCalls()).toEqual(['GET txt', 'DELETE txt']);
  });

  it('one request to list in a known zone', async () => {
    await fake.plant(DEEP, VALUE);
    expect(await run((provider) => provider.listTxt(DEEP, 'example.com'))).toEqual([VALUE]);
    expect(paths()).toEqual(['GET example.com/txt']);
  });

  it.each([404, 403, 422] as const)('finds the zone by the request itself, longest first (%s)', async (unknownZone) => {
    await restart({ unknownZone });
    const added = await run((provider) => provider.addTxt(recordAt(DEEP)));
    expect(added.zone).toBe('example.com');
    expect(paths()).toEqual(['POST a.b.example.com/txt', 'POST b.example.com/txt', 'POST example.com/txt']);
    expect(await run((provider) => provider.removeTxt(recordAt(DEEP)))).toBe('removed');
    expect(paths().slice(3, 6)).toEqual(['GET a.b.example.com/txt', 'GET b.example.com/txt', 'GET example.com/txt']);
    expect(paths()).toHaveLength(7);
  });

  it('takes the deeper of two zones', async () => {
    await restart({ zones: ['example.com', 'b.example.com'] });
    expect((await run((provider) => provider.addTxt(recordAt(DEEP)))).zone).toBe('b.example.com');
    expect(fake.zones.get('example.com')).toEqual([]);
  });

  it('tries the challenge name itself last, for it can be a zone', async () => {
    await restart({ zones: [NAME] });
    expect((await run((provider) => provider.addTxt(recordAt(NAME)))).zone).toBe(NAME);
    expect(paths()).toEqual(['POST example.com/txt', `POST ${NAME}/txt`]);
  });

  it('lists what it tried where no name is a zone, and never tries a single label', async () => {
    await restart({ zones: [] });
    const failure = await failureOf(run((provider) => provider.addTxt(recordAt('_acme-challenge.www.example.co.uk'))));
    expect(failure.code).toBe('E_ZONE');
    expect(failure.message).toBe(
      'no zone of this account holds _acme-challenge.www.example.co.uk, tried: www.example.co.uk (status 404), ' +
        'example.co.uk (status 404), co.uk (status 404), _acme-challenge.www.example.co.uk (status 404)',
    );
    expect(failure.hint).toMatch(/--zone/);
  });

  it('asks for a zone of one label only where the name has no other', async () => {
    const failure = await failureOf(run((provider) => provider.listTxt('localhost')));
    expect(failure).toMatchObject({ code: 'E_ZONE', message: expect.stringContaining('no zone localhost') });
    expect(paths()).toEqual(['GET localhost/txt']);
  });

  it('names the fields that zones were refused for', async () => {
    await restart({ zones: [], unknownZone: 422 });
    const failure = await failureOf(run((provider) => provider.addTxt(recordAt(NAME))));
    expect(failure.code).toBe('E_ZONE');
    expect(failure.message).toContain('tried: example.com (status 422), ');
    expect(String(failure.cause)).toContain('name: invalid_host');
  });

  it("hints at another user's rights where zones are foreign", async () => {
    await restart({ zones: [], unknownZone: 403 });
    for (const verb of ['addTxt', 'removeTxt'] as const) {
      const failure = await failureOf(run<unknown>((provider) => provider[verb](recordAt(NAME))));
      expect(failure.code).toBe('E_ZONE');
      expect(failure.hint).toMatch(/example\.com may belong to another ZoneID user/);
    }
  });

  it('does not remove what the API keeps from being deleted, nor anything beside it', async () => {
    await fake.plant(NAME, VALUE);
    const { id } = await fake.plant(NAME, VALUE, { delete: false });
    const failure = await failureOf(run((provider) => provider.removeTxt(recordAt(NAME, VALUE, 'example.com'))));
    expect(failure.code).toBe('E_REJECTED');
    expect(failure.message).toContain(`TXT record ${id}`);
    expect(fake.server.takeCalls()).toEqual(['GET txt']);
    expect(fake.held(NAME)).toEqual([VALUE, VALUE]);
  });
});
