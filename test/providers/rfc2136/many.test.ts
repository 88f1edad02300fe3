import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import definition from '../../../providers/rfc2136/index.ts';
import { normaliseName } from '../../../src/names.ts';
import type { TxtChange, TxtOutcome } from '../../../src/provider.ts';
import { startUpdateFake, type UpdateFake } from '../../fakes/dns-update.ts';
import { failureOf, NAME, OTHER, openUpdates, VALUE, withFake } from './support.ts';

const ZONE = normaliseName('example.com');

const nameOf = (host: string | number) => normaliseName(`_acme-challenge.n${host}.${ZONE}`);

const changeOf = (action: TxtChange['action'], name: string, value = VALUE): TxtChange => ({
  action,
  record: { name: normaliseName(name), value, ttl: 60, zone: ZONE },
});

const names = (count: number) => Array.from({ length: count }, (_, index) => nameOf(index));
const shown = (outcomes: readonly TxtOutcome[] = []) =>
  outcomes.map((outcome) => (outcome.state === 'done' ? outcome.changed : `${outcome.state} ${outcome.error.code}`));

describe('many changes of a zone', () => {
  let fake: UpdateFake;
  beforeEach(async () => {
    fake = await startUpdateFake();
  });
  afterEach(() => fake.close());

  const change = async (...changes: TxtChange[]) => shown(await openUpdates(fake).provider.changeTxt?.(ZONE, changes));
  const calls = () => fake.server.takeCalls();

  it('of 100 names that hold nothing else are one message each way', async () => {
    expect(new Set(await change(...names(100).map((name) => changeOf('add', name))))).toEqual(new Set([true]));
    expect(calls()).toEqual(['add']);
    expect(fake.everything()).toHaveLength(100);
    expect(new Set(await change(...names(100).map((name) => changeOf('remove', name))))).toEqual(new Set([true]));
    expect(calls()).toEqual(['delete']);
    expect(fake.everything()).toEqual([]);
  });

  it('may be two values of one name together', async () => {
    expect(await change(changeOf('add', NAME), changeOf('add', NAME, OTHER))).toEqual([true, true]);
    expect(fake.held(NAME)).toEqual([VALUE, OTHER]);
    expect(await change(changeOf('remove', NAME, OTHER), changeOf('remove', NAME))).toEqual([true, true]);
    expect(fake.held(NAME)).toEqual([]);
    expect(calls()).toEqual(['add', 'delete']);
  });

  it('may put a value in the place of another', async () => {
    fake.plant(NAME, VALUE);
    expect(await change(changeOf('remove', NAME), changeOf('add', NAME, OTHER))).toEqual([true, true]);
    expect(fake.held(NAME)).toEqual([OTHER]);
    expect(calls()).toEqual(['delete']);
  });

  it('go singly where a name holds something else, and say which changed', async () => {
    fake.plant(nameOf(1), OTHER);
    fake.plant(nameOf(2), VALUE);
    expect(await change(...names(4).map((name) => changeOf('add', name)))).toEqual([true, true, false, true]);
    expect(calls()).toEqual(['add', 'add', 'add', 'TXT', 'add', 'add', 'TXT', 'add']);
    expect(fake.connections.count).toBe(1);
    expect(await change(...names(5).map((name) => changeOf('remove', name)))).toEqual([true, true, true, true, false]);
    expect(fake.everything()).toHaveLength(1);
    expect(fake.held(nameOf(1))).toEqual([OTHER]);
  });

  it('are not stopped by one name with a CNAME', async () => {
    await withFake({ cnames: [nameOf(1)] }, async (server, provider) => {
      const outcomes = await provider.changeTxt?.(
        ZONE,
        names(3).map((name) => changeOf('add', name)),
      );
      expect(shown(outcomes)).toEqual([true, 'refused E_REJECTED', true]);
      expect(server.everything()).toHaveLength(2);
    });
  });

  it('are not stopped by one name that the key may not change', async () => {
    await withFake({ forbidden: [nameOf(1)] }, async (server, provider) => {
      const outcomes = await provider.changeTxt?.(
        ZONE,
        names(3).map((name) => changeOf('add', name)),
      );
      expect(shown(outcomes)).toEqual([true, 'refused E_AUTH', true]);
      expect(server.everything()).toHaveLength(2);
    });
  });

  it('are split into messages of 60,000 bytes, the values of one name together', async () => {
    const value = 'x'.repeat(1000);
    const changes = names(100).flatMap((name) => [changeOf('add', name, value), changeOf('add', name, `${value}y`)]);
    expect(new Set(await change(...changes))).toEqual(new Set([true]));
    expect(calls()).toEqual(['add', 'add', 'add', 'add']);
    for (const { body } of fake.server.requests) expect(body.length / 2).toBeLessThan(60_300);
    expect(fake.everything()).toHaveLength(200);
    expect(definition.changes).toEqual({ atMost: 200, atomic: true });
  });

  it.each(['reset', 'hang', 'truncated', 'garbage', 'empty', '500'] as const)(
    'are all unknown where the answer is lost: %s',
    async (kind) => {
      fake.server.inject({ kind, effect: 'after', call: 'add' });
      const outcomes = await change(...names(3).map((name) => changeOf('add', name)));
      expect(outcomes).toEqual(Array(3).fill(expect.stringMatching(/^unknown E_(REMOTE|PROTOCOL)$/)));
      expect(calls()).toEqual(['add']);
    },
  );

  it('stop where the server is lost on the way, and say which were not tried', async () => {
    fake.plant(nameOf(1), OTHER);
    fake.server.inject({ kind: 'reset', effect: 'before', call: 'TXT', times: 2 });
    expect(await change(...names(4).map((name) => changeOf('add', name)))).toEqual([
      true,
      'unknown E_REMOTE',
      'refused E_REMOTE',
      'refused E_REMOTE',
    ]);
  });

  it.each([
    ['a zone that the server does not hold', {}, 'E_ZONE'],
    ['a key that it does not know', { key: { name: 'nobody' } }, 'E_AUTH'],
  ])('fail as a whole for %s', async (what, settings, code) => {
    const zone = what.startsWith('a zone') ? normaliseName('example.net') : ZONE;
    const task = openUpdates(fake, settings).provider.changeTxt?.(zone, [
      changeOf('add', `a.${zone}`),
      changeOf('add', `b.${zone}`),
    ]);
    expect(await failureOf(task ?? Promise.resolve())).toMatchObject({ code });
    expect(calls()).toEqual(['add']);
  });

  it('fail as a whole where no connection comes about', async () => {
    await fake.close();
    const task = openUpdates(fake).provider.changeTxt?.(ZONE, [changeOf('add', NAME)]);
    expect(await failureOf(task ?? Promise.resolve())).toMatchObject({ code: 'E_REMOTE', outcomeUnknown: false });
  });
});

it('the account names its server, for locks and limits that two accounts share', () => {
  const tsig = { name: 'k', algorithm: 'hmac-sha256', secret: 'aa' } as const;
  expect(definition.serverOf?.({ server: 'ns1.example.com', tsig })).toBe('ns1.example.com:53');
  expect(definition.serverOf?.({ server: '192.0.2.1', port: 5300, tsig })).toBe('192.0.2.1:5300');
});
