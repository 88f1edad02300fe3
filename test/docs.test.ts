import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { generate } from '../scripts/docs/generate.ts';
import { root } from './support/paths.ts';

it('the generated docs are those of the code (npm run docs makes them anew)', async () => {
  const generated = await generate();
  for (const [path, content] of Object.entries(generated)) {
    expect(await readFile(root + path, 'utf8'), path).toBe(content);
  }
  const pages = (await readdir(`${root}docs/providers`)).map((name) => `docs/providers/${name}`);
  expect(
    Object.keys(generated)
      .filter((path) => path.startsWith('docs/providers/'))
      .sort(),
  ).toEqual(pages.sort());
});
