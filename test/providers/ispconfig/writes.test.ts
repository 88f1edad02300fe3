import { expect, it } from 'vitest';
import { countWrites } from '../../../providers/ispconfig/client.ts';
import { Dns01Error } from '../../../src/errors.ts';

const writes = () => countWrites();
const done = async () => {};
const refused = async () => {
  throw new Dns01Error('E_REJECTED', 'no');
};
const lost = async () => {
  throw new Dns01Error('E_REMOTE', 'nobody knows', { outcomeUnknown: true });
};

it('one write since the snapshot is the only one, two are not', async () => {
  const all = writes();
  const snapshot = all.snapshot();
  await all.count(done);
  expect(all.isOnlyOneSince(snapshot)).toBe(true);
  await all.count(done);
  expect(all.isOnlyOneSince(snapshot)).toBe(false);
});

it.each([
  ['done', done, true],
  ['refused', refused, true],
  ['lost, and may still be done', lost, false],
])('an earlier write that was %s', async (_, earlier, only) => {
  const all = writes();
  await all.count(earlier).catch(() => {});
  const snapshot = all.snapshot();
  await all.count(done);
  expect(all.isOnlyOneSince(snapshot)).toBe(only);
});

it('an earlier write that is under way may raise the serial at any time', async () => {
  const all = writes();
  let finish = () => {};
  const slow = all.count(() => new Promise<void>((resolve) => (finish = resolve)));
  const snapshot = all.snapshot();
  await all.count(done);
  finish();
  await slow;
  expect(all.isOnlyOneSince(snapshot)).toBe(false);
});
