import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startZoneidFake, type ZoneidFake } from '../../fakes/zoneid.ts';
import type { SearchingProvider } from '../../support/searching.ts';
import { failureOf, openZoneid, recordAt, startClock, VALUE } from './support.ts';

const NAME = '_acme-challenge.example.com';
const KNOWN = recordAt(NAME, VALUE, 'example.com');

/** The API takes duplicates here, so that a write that is blindly repeated shows. */
describe('zoneid after a lost answer', () => {
  let fake: ZoneidFake;
  beforeEach(async () => {
    fake = await startZoneidFake({ duplicates: 'accept' });
  });
  afterEach(() => fake.close());

  async function run<Result>(
    verb: (provider: SearchingProvider) => Promise<Result>,
    clock = startClock(),
  ): Promise<Result> {
    const { provider, close } = openZoneid(fake, { clock, requestTimeout: 400 });
    try {
      return await verb(provider);
    } finally {
      await close();
    }
  }

  const LOST = ['500', '502-html', 'reset', 'hang', 'truncated', 'garbage', 'wrong-type', '200-html', 'empty'] as const;

  it.each(LOST)('finds the record that was made, with its id: %s', async (kind) => {
    fake.server.inject({ kind, effect: 'after', call: 'POST txt' });
    const added = await run((provider) => provider.addTxt(KNOWN));
    expect(added).toEqual({
      zone: 'example.com',
      id: String(fake.zones.get('example.com')?.[0]?.id),
      proven: true,
      changed: true,
    });
    expect(fake.held(NAME)).toEqual([VALUE]);
    expect(fake.server.takeCalls()).toEqual(['POST txt', 'GET txt']);
  });

  it.each(LOST)('makes the record that was not made: %s', async (kind) => {
    fake.server.inject({ kind, effect: 'before', call: 'POST txt' });
    await run((provider) => provider.addTxt(KNOWN));
    expect(fake.held(NAME)).toEqual([VALUE]);
    expect(fake.server.takeCalls()).toEqual(['POST txt', 'GET txt', 'POST txt']);
  });

  it.each(LOST)('deletes again, and takes "not there" for done: %s', async (kind) => {
    const { id } = await fake.plant(NAME, VALUE);
    fake.server.inject({ kind, effect: 'after', call: 'DELETE txt' });
    const handle = { zone: 'example.com', id: String(id), proven: true };
    const clock = startClock();
    expect(await run((provider) => provider.removeTxt(KNOWN, handle), clock)).toBe('removed');
    expect(fake.server.takeCalls()).toEqual(['DELETE txt', 'DELETE txt']);
    expect(clock.waits, 'a pause between the two').toHaveLength(1);
    expect(fake.held(NAME)).toEqual([]);
  });

  it('goes on searching the zone when the first candidate was only out of order', async () => {
    fake.server.inject({ kind: '500', effect: 'before', call: 'POST txt' });
    const added = await run((provider) => provider.addTxt(recordAt('_acme-challenge.www.example.com')));
    expect(added.zone).toBe('example.com');
    expect(fake.server.takeCalls()).toEqual(['POST txt', 'GET txt', 'POST txt']);
  });

  it('gives up after three writes, and says how it began', async () => {
    fake.server.inject({ kind: '500', effect: 'before', call: 'POST txt', times: 9 });
    const failure = await failureOf(run((provider) => provider.addTxt(KNOWN)));
    expect(failure.code).toBe('E_REMOTE');
    expect(fake.server.takeCalls().filter((call) => call === 'POST txt')).toHaveLength(3);
    expect(fake.held(NAME)).toEqual([]);
  });

  it('does not write again when the look fails too', async () => {
    fake.server.inject({ kind: '500', effect: 'after', call: 'POST txt' });
    fake.server.inject({ kind: '500', effect: 'before', call: 'GET txt', times: 9 });
    const failure = await failureOf(run((provider) => provider.addTxt(KNOWN)));
    expect(failure.message).toMatch(/^POST/);
    expect(fake.held(NAME)).toEqual([VALUE]);
  });
});
