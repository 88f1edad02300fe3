import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { brokenLinks, pagesIn } from './support/links.ts';
import { root } from './support/paths.ts';

it('every link of the documents leads to a file, and to a heading of it', async () => {
  const docs = (await pagesIn(`${root}docs`)).map((page) => `docs/${page}`);
  const pages = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...docs];
  expect(await brokenLinks(root, pages)).toEqual([]);
});

it('README.md fits on two screens, and begins with the two commands', async () => {
  const lines = (await readFile(`${root}README.md`, 'utf8')).split('\n');
  expect(lines.length).toBeLessThanOrEqual(110);
  const start = lines.indexOf('```sh');
  expect(lines.slice(start + 1, start + 3).map((line) => line.replace(/ *#.*/, ''))).toEqual([
    'npm ci && npm run demo',
    'npm ci && npm test',
  ]);
  const headings = lines.filter((line) => line.startsWith('## '));
  expect([headings.at(0), headings.at(-1)]).toEqual(['## Install', '## Development']);
});
