import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startDeadline } from '../../src/deadline.ts';
import { openFiles } from '../../src/state/files/state.ts';
import { entriesIn } from '../../src/state/journal.ts';
import { describeState } from './contract.ts';

describeState('files', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dns01-state-'));
  return {
    open: async () => openFiles(directory, { warn: (message) => expect.fail(message) }),
    remove: () => rm(directory, { recursive: true }),
  };
});

it('without a state directory nothing is remembered, and a provider with files of its own says so', async () => {
  const state = openFiles(undefined, { warn: () => {} });
  expect(state.orders).toBeUndefined();
  expect(await state.locks.hold('zone', { deadline: startDeadline(1000) }, async () => 'done')).toBe('done');
  await expect(state.records.open('account')).rejects.toMatchObject({ code: 'E_CONFIG' });
  await expect(state.users.remove('name')).rejects.toMatchObject({ code: 'E_CONFIG' });
  await expect(entriesIn(state.journal)).rejects.toMatchObject({ code: 'E_CONFIG' });
});
