import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDeadline } from '../../src/deadline.ts';
import { normaliseName } from '../../src/names.ts';
import { entriesIn } from '../../src/state/journal.ts';
import type { State } from '../../src/state/state.ts';
import { OTHER_VALUE, VALUE } from '../support/cli.ts';

export interface StatePlace {
  /** Opens the same state once more, as another process would. */
  open(): Promise<State>;
  remove(): Promise<void>;
}

const ZONE = normaliseName('example.com');

async function within(milliseconds: number, condition: () => Promise<boolean>): Promise<void> {
  const started = performance.now();
  while (!(await condition())) {
    expect(performance.now() - started).toBeLessThan(milliseconds);
    await delay(20);
  }
}

/** Every implementation of the state passes this. Each test uses names of its own, because they share one place. */
export function describeState(title: string, create: () => Promise<StatePlace>): void {
  let place: StatePlace;
  let state: State;
  let other: State;
  let counter = 0;
  const unique = () => `n${++counter}`;
  const newName = () => normaliseName(`_acme-challenge.${unique()}.example.com`);
  const newEntry = () => ({ name: newName(), value: VALUE, account: 'panel', provider: 'ispconfig' });
  const deadline = (milliseconds = 10_000) => startDeadline(milliseconds);

  beforeAll(async () => {
    place = await create();
    [state, other] = [await place.open(), await place.open()];
  });
  afterAll(async () => {
    await state?.close();
    await other?.close();
    await place?.remove();
  });

  describe(`the journal (${title})`, () => {
    it('keeps what was begun and when, until it is closed', async () => {
      const entry = newEntry();
      const begun = await state.journal.begin(entry);
      expect(begun).toMatchObject({ name: entry.name, value: VALUE, wasKnown: false });
      const intent = await other.journal.find(entry.name, VALUE);
      expect(intent).toEqual({ ...entry, version: 1, state: 'intent', run: begun.run, since: expect.any(String) });
      expect(Math.abs(Date.now() - Date.parse(intent?.since ?? ''))).toBeLessThan(60_000);
      const published = { ...entry, state: 'published', handle: { zone: ZONE, id: '7', proven: true } } as const;
      await state.journal.record(published);
      expect(await other.journal.find(entry.name, VALUE)).toEqual({ ...published, version: 1, since: intent?.since });
      await other.journal.close(entry.name, VALUE, intent);
      expect(await state.journal.find(entry.name, VALUE)).toBeUndefined();
    });

    it('stores a value that was published without a beginning', async () => {
      const entry = { ...newEntry(), state: 'published', target: newName(), zone: ZONE, lasting: true } as const;
      await state.journal.record(entry);
      expect(await state.journal.find(entry.name, VALUE)).toEqual({ ...entry, version: 1, since: expect.any(String) });
    });

    it('keeps the handle of what is published when the same is begun again, and counts its age anew', async () => {
      const entry = newEntry();
      await state.journal.record({ ...entry, state: 'published', handle: { zone: ZONE, id: '7' } });
      const before = await state.journal.find(entry.name, VALUE);
      await delay(20);
      expect(await other.journal.begin(entry)).toMatchObject({ wasKnown: true });
      const after = await state.journal.find(entry.name, VALUE);
      expect(after).toEqual({ ...before, since: expect.any(String) });
      expect(Date.parse(after?.since ?? '')).toBeGreaterThan(Date.parse(before?.since ?? ''));
    });

    it('begins anew what was published elsewhere', async () => {
      const entry = newEntry();
      await state.journal.record({ ...entry, state: 'published', handle: { zone: ZONE, id: '7' } });
      await other.journal.begin({ ...entry, account: 'another' });
      const found = await state.journal.find(entry.name, VALUE);
      expect(found).toMatchObject({ state: 'intent', account: 'another' });
      expect(found?.handle).toBeUndefined();
    });

    it('an intent is abandoned only by the one who began it last', async () => {
      const entry = newEntry();
      const first = await state.journal.begin(entry);
      const second = await other.journal.begin(entry);
      expect([first.wasKnown, second.wasKnown]).toEqual([false, true]);
      await state.journal.abandon(first);
      expect(await state.journal.find(entry.name, VALUE)).toMatchObject({ state: 'intent' });
      await other.journal.abandon(second);
      expect(await state.journal.find(entry.name, VALUE)).toBeUndefined();
    });

    it('a beginning that is repeated is the same one, and is there again after another process has closed it', async () => {
      const entry = newEntry();
      const first = await state.journal.begin(entry);
      await other.journal.close(entry.name, VALUE, await other.journal.find(entry.name, VALUE));
      await state.journal.begin(entry, first.run);
      expect(await other.journal.find(entry.name, VALUE)).toMatchObject({ state: 'intent', run: first.run });
      await state.journal.abandon(first);
      expect(await other.journal.find(entry.name, VALUE)).toBeUndefined();
    });

    it('of several who begin a value together, all but one learn that it is known', async () => {
      const entry = newEntry();
      const begun = await Promise.all(
        Array.from({ length: 12 }, (_, index) => (index % 2 ? state : other).journal.begin(entry)),
      );
      expect(begun.filter(({ wasKnown }) => !wasKnown)).toHaveLength(1);
    });

    it('lists what a user published at a name, and not what others did', async () => {
      const [entry, by] = [newEntry(), unique()];
      await state.journal.record({ ...entry, state: 'published', by });
      await state.journal.record({ ...entry, value: OTHER_VALUE, state: 'published', by: unique() });
      await state.journal.record({ ...newEntry(), state: 'published', by });
      expect(await entriesIn(other.journal, { by, name: entry.name })).toMatchObject([{ ...entry, by }]);
      expect(await entriesIn(other.journal, { by })).toHaveLength(2);
      expect(await entriesIn(other.journal, { name: entry.name })).toHaveLength(2);
      expect(await other.journal.count({ by })).toBe(2);
      expect(await other.journal.count({ by }, [entry, { name: entry.name, value: OTHER_VALUE }])).toBe(1);
    });

    it('knows when a lease ends, and another publication takes its place', async () => {
      const [entry, by] = [newEntry(), unique()];
      const leased = { ...entry, by, leaseMs: 300 };
      await state.journal.begin(leased);
      await state.journal.record({ ...leased, state: 'published' });
      expect(Date.parse((await state.journal.find(entry.name, VALUE))?.until ?? '')).toBeGreaterThan(0);
      expect(await entriesIn(state.journal, { leaseEnded: true, by })).toEqual([]);
      await within(5000, async () => (await entriesIn(state.journal, { leaseEnded: true, by })).length === 1);
      await state.journal.begin(entry);
      expect(await state.journal.find(entry.name, VALUE)).not.toHaveProperty('by');
      expect(await state.journal.find(entry.name, VALUE)).not.toHaveProperty('until');
    });

    it('an entry is closed only as it was seen, because somebody may have begun the same value again since', async () => {
      const entry = { ...newEntry(), state: 'published' } as const;
      await state.journal.record(entry);
      const seen = await state.journal.find(entry.name, VALUE);
      await delay(20);
      await other.journal.begin(entry);
      await state.journal.close(entry.name, VALUE, seen);
      await state.journal.close(entry.name, VALUE, undefined);
      const again = await other.journal.find(entry.name, VALUE);
      expect(again).toMatchObject({ state: 'published' });
      await state.journal.close(entry.name, VALUE, again);
      expect(await other.journal.find(entry.name, VALUE)).toBeUndefined();
    });

    it('who begins a value again learns that its lease had ended', async () => {
      const entry = newEntry();
      const leased = { ...entry, leaseMs: 300 };
      expect(await state.journal.begin(leased)).toMatchObject({ wasKnown: false, wasOld: false });
      expect(await other.journal.begin(leased)).toMatchObject({ wasKnown: true, wasOld: false });
      await delay(400);
      expect(await other.journal.begin(leased)).toMatchObject({ wasKnown: true, wasOld: true });
      expect(await state.journal.begin(leased)).toMatchObject({ wasKnown: true, wasOld: false });
    });

    it('counts without a list, leased and lasting values apart', async () => {
      const by = unique();
      const published = () => ({ ...newEntry(), by, state: 'published' }) as const;
      await state.journal.record(published());
      await state.journal.record(published());
      await state.journal.record({ ...published(), lasting: true });
      await state.journal.record({ ...published(), leaseMs: 1 });
      await state.journal.record({ ...published(), leaseMs: 60_000 });
      await delay(30);
      expect(await other.journal.count({ by })).toBe(5);
      expect(await other.journal.count({ by, unleased: true, olderThanMs: 20 })).toBe(2);
      expect(await other.journal.count({ by, unleased: true, olderThanMs: 60_000 })).toBe(0);
      expect(await other.journal.count({ by, leaseEnded: true })).toBe(1);
      expect(await entriesIn(other.journal, { by, unleased: true })).toHaveLength(2);
    });

    it('lists by age, oldest first', async () => {
      const by = unique();
      const entries = [newEntry(), newEntry(), newEntry()];
      for (const entry of entries) {
        await state.journal.record({ ...entry, state: 'published', by });
        await delay(15);
      }
      const names = async (olderThanMs?: number) =>
        (await entriesIn(state.journal, { by, olderThanMs })).map(({ name }) => name);
      expect(await names()).toEqual(entries.map(({ name }) => name));
      expect(await names(60_000)).toEqual([]);
      expect(await names(10)).toEqual(entries.map(({ name }) => name));
    });

    it('may change while it is listed', async () => {
      const by = unique();
      for (let index = 0; index < 30; index++) await state.journal.record({ ...newEntry(), state: 'published', by });
      const seen = new Set<string>();
      for await (const entry of state.journal.list({ by })) {
        seen.add(entry.name);
        await other.journal.close(entry.name, entry.value, entry);
      }
      expect(seen.size).toBe(30);
      expect(await entriesIn(state.journal, { by })).toEqual([]);
    });
  });

  describe(`orders (${title})`, () => {
    const challenge = (value: string) => [{ name: ZONE, value }];
    const append = async (key: string, remaining: number, value: string, at = state) =>
      (await at.orders?.append(key, remaining, challenge(value)))?.map((each) => each.value);

    it('the last call of an order sees what the earlier ones published, in other processes', async () => {
      const key = unique();
      await append(key, 2, 'one');
      await append(key, 1, 'two', other);
      expect(await append(key, 0, 'three')).toEqual(['one', 'two', 'three']);
    });

    it('orders of other names do not mix', async () => {
      await append(unique(), 1, 'one');
      expect(await append(unique(), 0, 'other')).toEqual(['other']);
    });

    it('an order that was given up halfway is forgotten when the next one begins', async () => {
      const key = unique();
      await append(key, 2, 'stale');
      await append(key, 2, 'one');
      await append(key, 1, 'two');
      expect(await append(key, 0, 'three')).toEqual(['one', 'two', 'three']);
    });

    it('the next order of the same names starts anew', async () => {
      const key = unique();
      await append(key, 1, 'one');
      await append(key, 0, 'two');
      expect(await append(key, 1, 'three')).toEqual(['three']);
    });
  });

  describe(`a rate limit (${title})`, () => {
    const said: string[] = [];
    const limiter = (requests: number, windowMs: number, owner = unique(), at = state) =>
      at.rateLimits.open({
        limit: { requests, windowMs, per: 'address' },
        owner,
        info: (message) => said.push(message),
      });

    it('lets so many requests pass and says how long the next one would wait', async () => {
      const gate = limiter(3, 3_600_000);
      for (let request = 0; request < 3; request++) await gate.take(deadline(2000));
      expect(await gate.used()).toBe(3);
      await expect(gate.take(deadline(2000))).rejects.toMatchObject({
        code: 'E_RATE',
        message: expect.stringMatching(/allows 3 requests in 3600 s, the next one is only possible in 36\d\d s/),
      });
      expect(await gate.untilReset()).toBeGreaterThan(3_590_000);
    });

    it('waits, and says so, when the window ends before the deadline', async () => {
      const gate = limiter(1, 200);
      const [first, started] = [await gate.take(deadline()), Date.now()];
      expect(await gate.take(deadline())).toBeGreaterThan(first);
      expect(Date.now() - started).toBeGreaterThanOrEqual(200);
      expect(said.join()).toContain('1 requests in 0.2 s are allowed: waiting');
    });

    it('is one for all processes', async () => {
      const owner = unique();
      const [one, two] = [limiter(2, 3_600_000, owner), limiter(2, 3_600_000, owner, other)];
      await one.take(deadline(2000));
      await two.take(deadline(2000));
      await expect(one.take(deadline(2000))).rejects.toMatchObject({ code: 'E_RATE' });
    });

    it('is never exceeded by requests that come together', async () => {
      const owner = unique();
      const gates = [limiter(5, 3_600_000, owner), limiter(5, 3_600_000, owner, other)];
      const taken = await Promise.allSettled(
        Array.from({ length: 16 }, (_, index) => gates[index % 2]?.take(deadline(3000))),
      );
      expect(taken.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    });

    it('obeys a provider that says that less is left than we know of', async () => {
      const gate = limiter(60, 3_600_000);
      await gate.over(await gate.take(deadline()), 1, deadline());
      await gate.take(deadline());
      await expect(gate.take(deadline(2000))).rejects.toMatchObject({ code: 'E_RATE' });
    });

    it('does not count its own requests twice when the provider confirms them', async () => {
      const gate = limiter(3, 3_600_000);
      for (let request = 1; request <= 3; request++) {
        await gate.over(await gate.take(deadline()), 3 - request, deadline());
      }
      expect(await gate.used()).toBe(3);
    });

    it('a request that took its time to come to the provider counts from then on', async () => {
      const gate = limiter(1, 400);
      const first = await gate.take(deadline());
      await delay(800);
      await gate.over(first, undefined, deadline());
      const over = performance.now();
      await gate.take(deadline());
      expect(performance.now() - over).toBeGreaterThanOrEqual(390);
    });

    it('what the provider says about coming back counts more than what was counted here', async () => {
      const owner = unique();
      const gate = limiter(1, 3_600_000, owner);
      await gate.over(await gate.take(deadline()), 0, deadline());
      await gate.comeBackIn(300, deadline());
      const started = performance.now();
      await limiter(1, 3_600_000, owner, other).take(deadline());
      expect(performance.now() - started).toBeGreaterThanOrEqual(250);
      expect(performance.now() - started).toBeLessThan(3000);
    });
  });

  describe(`locks (${title})`, () => {
    const options = (milliseconds = 10_000) => ({ deadline: deadline(milliseconds), info: () => {} });

    it('tasks under one lock never run side by side', async () => {
      const name = unique();
      let [inside, most] = [0, 0];
      const task = async () => {
        most = Math.max(most, ++inside);
        await delay(5);
        inside--;
      };
      await Promise.all(
        Array.from({ length: 12 }, (_, index) => (index % 2 ? state : other).locks.hold(name, options(), task)),
      );
      expect(most).toBe(1);
    });

    it('a task that fails gives the lock back', async () => {
      const name = unique();
      const failing = state.locks.hold(name, options(), async () => {
        throw new Error('failed');
      });
      await expect(failing).rejects.toThrow('failed');
      expect(await other.locks.hold(name, options(2000), async () => 'done')).toBe('done');
    });

    it('a holder confirms its lock, and whoever waits learns who holds it and gives up at its deadline', async () => {
      const name = unique();
      const said: string[] = [];
      await state.locks.hold(name, options(), async ({ check }) => {
        await check(1000);
        const waiting = other.locks.hold(
          name,
          { deadline: deadline(1500), info: (text) => void said.push(text) },
          async () => 'both inside',
        );
        await expect(waiting).rejects.toMatchObject({
          code: 'E_LOCK',
          exitCode: 75,
          message: expect.stringContaining(`process ${process.pid} on`),
        });
        await check(1000);
      });
      expect(said).toEqual([expect.stringContaining(`waiting for another dns01 (process ${process.pid} on`)]);
    });
  });

  it(`the zone cache (${title}) keeps the zone of a name and the id of a zone`, async () => {
    const [account, name] = [unique(), newName()];
    expect(await state.zones.recall(account, name)).toBeUndefined();
    await state.zones.remember(account, name, ZONE);
    await state.zones.rememberId(account, ZONE, 'Z1');
    expect(await state.zones.recall(account, name)).toBe(ZONE);
    expect(await other.zones.recallId(account, ZONE)).toBe('Z1');
    expect(await other.zones.recall(unique(), name)).toBeUndefined();
    await state.zones.rememberId(account, ZONE, undefined);
    expect(await state.zones.recallId(account, ZONE)).toBeUndefined();
    expect(await state.zones.recall(account, name)).toBe(ZONE);
  });

  it(`refused logins (${title}) are known to every process`, async () => {
    const credentials = `panel ${unique()} password`;
    expect(await state.refusedLogins.age(credentials)).toBeUndefined();
    await state.refusedLogins.remember(credentials);
    const age = await other.refusedLogins.age(credentials);
    expect(age).toBeGreaterThanOrEqual(0);
    expect(age).toBeLessThan(60_000);
    expect(await other.refusedLogins.age(`${credentials}!`)).toBeUndefined();
  });

  describe(`records (${title})`, () => {
    it('are added and removed by any process, each once', async () => {
      const account = unique();
      const [here, there] = [await state.records.open(account), await other.records.open(account)];
      const record = { name: newName(), value: VALUE, ttl: 60 };
      expect(await here.add(record)).toBe(true);
      expect(await there.add(record)).toBe(false);
      expect(await there.add({ ...record, ttl: 30 })).toBe(false);
      await there.add({ ...record, value: OTHER_VALUE });
      expect((await here.at(record.name)).map(({ value }) => value).sort()).toEqual([VALUE, OTHER_VALUE].sort());
      expect(await here.at(newName())).toEqual([]);
      expect(await there.remove(record.name, VALUE)).toBe(true);
      expect(await here.remove(record.name, VALUE)).toBe(false);
      expect(await here.all()).toEqual([{ ...record, value: OTHER_VALUE }]);
      expect(await (await state.records.open(unique())).all()).toEqual([]);
    });

    it('are served from memory, and within a second after a change elsewhere', async () => {
      const account = unique();
      const [here, there] = [await state.records.open(account), await other.records.open(account)];
      expect((await here.served()).records).toEqual([]);
      const record = { name: newName(), value: VALUE, ttl: 60 };
      await there.add(record);
      await within(1000, async () => (await here.served()).records.length === 1);
      const first = await here.served();
      expect(await here.served()).toBe(first);
      await delay(1000);
      await there.remove(record.name, VALUE);
      await within(1000, async () => (await here.served()).records.length === 0);
      expect((await here.served()).serial).toBeGreaterThan(first.serial);
    });
  });

  it(`users (${title}) are added once and removed, and a change is seen`, async () => {
    const user = { name: `web.${unique()}`, hash: 'scrypt$1', names: [ZONE], limits: { liveValues: 5 } };
    const before = await other.users.version();
    const twins = Array.from({ length: 8 }, (_, index) => ({ ...user, hash: `scrypt$${index}` }));
    const added = await Promise.all(twins.map((twin, index) => (index % 2 ? state : other).users.add(twin)));
    expect(added.filter(Boolean)).toHaveLength(1);
    expect(await other.users.version()).not.toBe(before);
    expect(await other.users.all()).toEqual(twins.filter((_, index) => added[index]));
    expect(await state.users.add({ ...user, names: [], networks: ['192.0.2.0/24'] })).toBe(false);
    const last = await state.users.version();
    expect(await state.users.remove(user.name)).toBe(true);
    expect(await state.users.remove(user.name)).toBe(false);
    expect(await state.users.version()).not.toBe(last);
    expect(await state.users.all()).toEqual([]);
  });
}
