/** Every request of an order gone wrong in every way: what is said of each value is what the panel holds. */
import { describe, expect, it } from 'vitest';
import { normaliseName } from '../../../src/names.ts';
import type { DnsProvider, TxtChange, TxtOutcome } from '../../../src/provider.ts';
import { FAULTS } from '../../fakes/fault-server.ts';
import { type IspconfigFake, startIspconfigFake } from '../../fakes/ispconfig.ts';
import { openOn, VALUE } from './support.ts';

const zone = normaliseName('example.com');
const NAMES = ['a', 'b', 'c'].map((host) => normaliseName(`_acme-challenge.${host}.example.com`));
const changesTo = (action: TxtChange['action']): TxtChange[] =>
  NAMES.map((name) => ({ action, record: { name, value: VALUE, ttl: 60, zone } }));

const WRITES = { add: 'dns_txt_add', remove: 'dns_txt_delete' } as const;

/** A read is the same whether it was done or not. */
const strikesOf = (action: TxtChange['action']) =>
  [
    ...['login', 'dns_zone_get', 'dns_txt_get'].map((call) => [call, 'before', 1] as const),
    ...[1, 4].flatMap((times) => (['before', 'after'] as const).map((at) => [WRITES[action], at, times] as const)),
  ].flatMap(([call, effect, times]) => FAULTS.map((kind) => ({ call, effect, times, kind })));

/** One process. What concerns all changes is thrown before anything was changed. */
async function run(fake: IspconfigFake, changes: readonly TxtChange[], patience: number): Promise<TxtOutcome[]> {
  const { plain, context } = openOn(fake, {}, patience);
  const change = plain.changeTxt as NonNullable<DnsProvider['changeTxt']>;
  try {
    return await change(zone, changes).catch((error) => changes.map(() => ({ state: 'refused', error }) as const));
  } finally {
    await plain.close?.();
    await context.http.close();
  }
}

describe.concurrent.each(['add', 'remove'] as const)('many changes to %s, with a request that goes wrong', (action) => {
  it.each(strikesOf(action))('$kind $effect $call, times: $times', async (strike) => {
    const fake = await startIspconfigFake();
    const patience = strike.kind === 'hang' ? 300 : 10_000;
    try {
      if (action === 'remove') for (const name of NAMES) fake.plant({ name: `${name}.`, data: VALUE });
      fake.server.inject(strike);
      const outcomes = await run(fake, changesTo(action), patience);
      for (const [index, { state }] of outcomes.entries()) {
        const copies = fake.held(NAMES[index] ?? '').length;
        if (state === 'unknown') expect(copies).toBeLessThanOrEqual(1);
        else expect(copies).toBe((state === 'done') === (action === 'add') ? 1 : 0);
      }
      for (let tries = 0; tries < 3; tries++) await run(fake, changesTo(action), patience);
      for (const name of NAMES) expect(fake.held(name)).toEqual(action === 'add' ? [VALUE] : []);
    } finally {
      await fake.close();
    }
  });
});
