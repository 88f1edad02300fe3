import { expect, it } from 'vitest';
import type { AuditEntry } from '../../src/gateway/audit.ts';
import { keepLeases } from '../../src/gateway/leases.ts';
import { createWork } from '../../src/gateway/work.ts';
import { normaliseName } from '../../src/names.ts';
import { VALUE } from '../support/cli.ts';

const HOUR_MS = 3_600_000;
const FIRST = new Date(0).toISOString();
const fromNow = (ms: number) => new Date(Date.now() + ms).toISOString();

/** What one pass tries to withdraw, where the journal lists a value as ended, and then has it with this end. */
async function tried(listed: string, now: string): Promise<string[]> {
  const entry = { name: normaliseName('x.example.com'), value: VALUE, account: 'panel', since: FIRST, until: listed };
  const journal = {
    async *list() {
      yield entry;
    },
    find: async () => ({ ...entry, until: now }),
  };
  let pass: Promise<void> | undefined;
  const hold = (_name: string, _options: object, task: (lock: object) => Promise<void>) => {
    const held = task({ check: async () => {} });
    pass ??= held;
    return held;
  };
  const state = { journal, locks: { hold } };
  const log = { debug: () => {}, info: () => {}, warn: () => {} };
  const account = () => Promise.reject(new Error('no account'));
  const audited: AuditEntry[] = [];
  const keeper = keepLeases({
    state,
    runs: { use: (task: (run: object) => unknown) => task({ state, log, account }) },
    work: createWork(async () => 0),
    log,
    leaseMs: () => HOUR_MS,
    audit: (each: AuditEntry) => audited.push(each),
  } as unknown as Parameters<typeof keepLeases>[0]);
  await pass;
  await keeper.stop();
  return audited.map(({ name }) => name);
}

it('a lease ends by the clock of the journal, whatever the clock of this machine says', async () => {
  const [past, future] = [fromNow(-HOUR_MS), fromNow(HOUR_MS)];
  expect(await tried(past, past)).toHaveLength(1);
  expect(await tried(future, future)).toHaveLength(1);
});

it('a value that was published again since is left alone by a machine whose clock is ahead', async () => {
  expect(await tried(fromNow(-2 * HOUR_MS), fromNow(-HOUR_MS))).toEqual([]);
});
