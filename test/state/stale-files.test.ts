import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeStaleFiles } from '../../src/state/files/stale-files.ts';

let stateDirectory: string;
beforeEach(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), 'dns01-debris-'));
});
afterEach(() => rm(stateDirectory, { recursive: true, force: true }));

const TWO_DAYS_AGO = new Date(Date.now() - 2 * 86_400_000);

async function put(file: string, content: string, age?: Date): Promise<void> {
  const path = join(stateDirectory, file);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, content);
  if (age) await utimes(path, age, age);
}

async function left(): Promise<string[]> {
  const entries = await readdir(stateDirectory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
}

it('takes away what was left halfway a day ago, and nothing that counts', async () => {
  await put('journal/value.json', '{"version":1}', TWO_DAYS_AGO);
  await put('journal/value.json.4711', '{"ver', TWO_DAYS_AGO);
  await put('journal/begun.json', '', TWO_DAYS_AGO);
  await put('journal/beginning.json', '');
  await put('journal/writing.json.4712', '{"ver');
  await put('orders/dead.json', '{}', TWO_DAYS_AGO);
  await put('orders/alive.json', '{}');
  await put('zones/known.json', '{}', TWO_DAYS_AGO);
  await put('accounts/own/txt-1.json', '', TWO_DAYS_AGO);
  await put('rate-limits/spent.json', '{}', TWO_DAYS_AGO);
  await removeStaleFiles(stateDirectory);
  expect(await left()).toEqual([
    'alive.json',
    'beginning.json',
    'known.json',
    'spent.json',
    'txt-1.json',
    'value.json',
    'writing.json.4712',
  ]);
});

it('does nothing where there is nothing', async () => {
  await removeStaleFiles(join(stateDirectory, 'missing'));
  expect(await left()).toEqual([]);
});
