/** Locks, turns and entries in PostgreSQL, where several processes want the same zone at the same time. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startDeadline } from '../../src/deadline.ts';
import { openPostgres } from '../../src/state/postgres/state.ts';
import type { State } from '../../src/state/state.ts';
import { startPowerdnsFake } from '../fakes/powerdns.ts';
import { openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { LOOPBACK } from './lab/addresses.ts';
import { missingPostgres, type Postgres, startPostgres } from './lab/postgres.ts';

const missing = missingPostgres();
const NAME = '_acme-challenge.example.com';

describe.skipIf(missing.length > 0)(`a lock in PostgreSQL (missing: ${missing.join(', ') || 'nothing'})`, () => {
  let database: Postgres;
  const closers: (() => unknown)[] = [];
  beforeAll(async () => {
    database = await startPostgres();
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(() => database?.close());

  function opened(url = database.url()): State {
    const state = openPostgres(url, undefined, { warn: (message) => expect.fail(message) });
    closers.push(state.close);
    return state;
  }

  it('goes to whoever waits, and not to a process that takes it again at once', async () => {
    const order: string[] = [];
    const again = async (who: string) => {
      const { locks } = opened();
      for (let round = 0; round < 6; round++) {
        await locks.hold('wanted', { deadline: startDeadline(20_000) }, async () => {
          order.push(who);
          await delay(150);
        });
      }
    };
    await Promise.all([again('a'), again('b'), again('c')]);
    // At the end, one may be alone.
    const runs =
      order
        .slice(0, 12)
        .join('')
        .match(/a+|b+|c+/g) ?? [];
    expect(Math.max(...runs.map(({ length }) => length)), order.join('')).toBeLessThanOrEqual(2);
  });

  it('is free for others soon after whoever was next has gone', async () => {
    const deadline = startDeadline(20_000);
    const holding = opened().locks.hold('left', { deadline }, () => delay(1000));
    await delay(300);
    const gone = opened().locks.hold('left', { deadline: startDeadline(300) }, async () => {});
    await expect(gone).rejects.toMatchObject({ code: 'E_LOCK' });
    await holding;
    const started = performance.now();
    await opened().locks.hold('left', { deadline }, async () => {});
    expect(performance.now() - started).toBeLessThan(2000);
  });

  describe('of which nothing depends: a turn', () => {
    it('lets one task run after the other, but none waits long', async () => {
      const deadline = startDeadline(20_000);
      const [one, two] = [opened(), opened()];
      let inside = 0;
      const short = async () => {
        const others = inside++;
        await delay(50);
        inside--;
        return others;
      };
      const each = await Promise.all([one, two, one, two].map(({ locks }) => locks.turn('short', deadline, short)));
      expect(each).toEqual([0, 0, 0, 0]);
      const long = one.locks.turn('long', deadline, () => delay(6000));
      await delay(300);
      const started = performance.now();
      await two.locks.turn('long', deadline, async () => {});
      expect(performance.now() - started).toBeLessThan(4000);
      await long;
    });

    it('stops no task where the database cannot be reached', async () => {
      const { locks } = opened(`postgres://dns01:secret@${LOOPBACK}:1/dns01`);
      expect(await locks.turn('away', startDeadline(20_000), async () => 'done')).toBe('done');
    });
  });

  it('for which an add waited until another process withdrew the value: a sweep knows what the add leaves when it dies', async () => {
    const powerdns = await startPowerdnsFake();
    closers.push(powerdns.close);
    async function machine(): Promise<Workplace> {
      const here = await openWorkplace();
      closers.push(here.remove);
      const accounts = { pdns: { provider: 'powerdns', url: powerdns.url, apiKey: powerdns.apiKey } };
      const state = { postgres: { url: database.url() } };
      const config = { accounts, zones: { 'example.com': 'pdns' }, dns: { followCnames: false }, state };
      await here.configure(JSON.stringify(config));
      return here;
    }
    const [one, two] = [await machine(), await machine()];
    expect(await two.run(['add-txt', '--no-wait', NAME, VALUE])).toMatchObject({ code: 0 });
    expect(await two.run(['remove-txt', NAME, VALUE])).toMatchObject({ code: 0 });
    const lock = (to: string) => database.sql(`update dns01_locks set ${to}`);

    await lock(`holder = 'somebody', expires = now() + interval '1 hour'`);
    powerdns.server.inject({ kind: 'hang', call: 'PATCH zone', effect: 'after' });
    let pid = 0;
    const late = one.run(['add-txt', '--no-wait', NAME, VALUE], {
      onStart(started) {
        pid = started.pid ?? 0;
      },
    });
    const state = () => database.sql('select state from dns01_journal');
    await expect.poll(state, { timeout: 20_000 }).toBe('intent');
    process.kill(pid, 'SIGSTOP');
    await lock('holder = null, next = null');
    expect(await two.run(['remove-txt', NAME, VALUE])).toMatchObject({ code: 0 });
    expect(await state()).toBe('');
    // An entry is stored again if it is older than a second.
    await delay(1000);
    process.kill(pid, 'SIGCONT');
    await expect.poll(() => powerdns.held(NAME).join(), { timeout: 20_000 }).toContain(VALUE);
    process.kill(pid, 'SIGKILL');
    await late;
    await lock('holder = null');
    expect(await two.run(['sweep', '--older-than', '0s'])).toMatchObject({ code: 0 });
    expect(powerdns.held(NAME)).toEqual([]);
  });
});
