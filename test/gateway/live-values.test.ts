import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LiveValues, openLiveValues } from '../../src/gateway/live-values.ts';
import type { GatewayUser } from '../../src/gateway/users.ts';
import { normaliseName } from '../../src/names.ts';
import { openFiles } from '../../src/state/files/state.ts';
import type { State } from '../../src/state/state.ts';

let directory: string;
let state: State;
let liveValues: LiveValues;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dns01-live-'));
  state = openFiles(directory, { warn: () => {} });
  liveValues = openLiveValues(state.journal);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const USER = { name: 'web1', liveValues: 2 } as GatewayUser;
const name = normaliseName('_acme-challenge.example.com');

/** Publishes values together, or says why not. */
const publish = (...values: string[]) => {
  const lines = values.map((value) => ({ name, value }));
  const task = () => Promise.all(lines.map((line) => state.journal.record({ ...line, ...HOW, by: USER.name })));
  return liveValues.publish(USER, lines, task).then(
    () => 'done',
    (error: { code: string }) => error.code,
  );
};
const HOW = { state: 'published', account: 'panel', provider: 'ispconfig' } as const;

it('a user has at most its number of values, and may publish one of them again', async () => {
  await state.journal.record({ name, value: 'of another', ...HOW, by: 'web2' });
  expect([await publish('a'), await publish('b'), await publish('c')]).toEqual(['done', 'done', 'E_RATE']);
  expect([await publish('b'), await publish('a', 'b'), await publish('b', 'c')]).toEqual(['done', 'done', 'E_RATE']);
  await state.journal.close(name, 'a', await state.journal.find(name, 'a'));
  expect(await publish('c')).toBe('done');
});

it('values that are published at the same moment count together', async () => {
  expect(await publish('a', 'b', 'c')).toBe('E_RATE');
  const outcomes = await Promise.all([publish('a'), publish('b'), publish('c'), publish('a')]);
  expect(outcomes).toEqual(['done', 'done', 'E_RATE', 'done']);
});
