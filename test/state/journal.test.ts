import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { normaliseName } from '../../src/names.ts';
import { openJournal } from '../../src/state/files/journal.ts';
import { entriesIn } from '../../src/state/journal.ts';
import { VALUE } from '../support/cli.ts';

let stateDirectory: string;
beforeEach(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), 'dns01-journal-'));
});
afterEach(async () => {
  // One test takes the right to write away, which a plain user needs to remove what is inside.
  await chmod(stateDirectory, 0o700);
  await rm(stateDirectory, { recursive: true, force: true });
});

const NAME = normaliseName('_acme-challenge.example.com');
const entry = { state: 'intent', name: NAME, value: VALUE, account: 'panel', provider: 'ispconfig' } as const;

describe('the journal in files', () => {
  it('reads past what a crash or a hand has left there', async () => {
    const journal = openJournal(stateDirectory, () => {});
    await journal.record(entry);
    await writeFile(join(stateDirectory, 'journal', 'half.json'), '{"version":1,"state":"int');
    await writeFile(join(stateDirectory, 'journal', 'strange.json'), '{"version":9,"__proto__":{"x":1}}');
    const damaged: string[] = [];
    expect(await entriesIn(journal, { damaged: (files) => damaged.push(...files) })).toHaveLength(1);
    expect(damaged.sort()).toEqual(['half.json', 'strange.json']);
    await journal.close(NAME, VALUE, await journal.find(NAME, VALUE));
    expect(await readdir(join(stateDirectory, 'journal'))).toHaveLength(2);
  });

  it('takes what a process left that died while it began for begun', async () => {
    const journal = openJournal(stateDirectory, () => {});
    expect(await journal.begin(entry)).toMatchObject({ wasKnown: false });
    const [file = ''] = await readdir(join(stateDirectory, 'journal'));
    await writeFile(join(stateDirectory, 'journal', file), '');
    expect(await journal.begin(entry)).toMatchObject({ wasKnown: true });
    expect(await journal.find(NAME, VALUE)).toMatchObject({ ...entry, state: 'intent' });
  });

  it('warns once and goes on where it cannot be written', async () => {
    const warnings: string[] = [];
    await writeFile(join(stateDirectory, 'journal'), 'a file where the folder should be');
    await chmod(stateDirectory, 0o500);
    const journal = openJournal(stateDirectory, (message) => warnings.push(message));
    await journal.record(entry);
    await journal.record({ ...entry, state: 'published' });
    expect(await journal.find(NAME, VALUE)).toBeUndefined();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('the journal in');
  });
});
