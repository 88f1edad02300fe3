import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './support/paths.ts';

/** Files of this repository that an installation does not have. */
const NOT_INSTALLED = /\bdocs\/|[\w-]\.md\b|\bREADME\b|\bconfig\.example\b/;

it('what dns01 prints names commands and addresses, but no file that an installation does not have', async () => {
  const found: string[] = [];
  for (const folder of ['src', 'providers', 'bin']) {
    const names = await readdir(join(root, folder), { recursive: true });
    for (const name of names.filter((file) => file.endsWith('.ts'))) {
      const text = await readFile(join(root, folder, name), 'utf8');
      const printed = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '').replace(/https?:[^\s'"`]+/g, '');
      const lines = printed.split('\n').filter((line) => NOT_INSTALLED.test(line));
      found.push(...lines.map((line) => `${folder}/${name}: ${line.trim()}`));
    }
  }
  expect(found).toEqual([]);
});
