import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './support/paths.ts';

const withoutCode = (text: string): string => text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '');

/** As GitHub makes it from a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

async function anchorsOf(page: string): Promise<string[]> {
  const text = withoutCode(await readFile(page, 'utf8'));
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
}

const inDocs = await readdir(`${root}docs`, { recursive: true });
const pages = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...inDocs.map((path) => `docs/${path}`)];

it('every link of the documents leads to a file, and to a heading of it', async () => {
  const broken: string[] = [];
  for (const page of pages.filter((path) => path.endsWith('.md'))) {
    const text = withoutCode(await readFile(root + page, 'utf8')).replaceAll(/`[^`\n]*`/g, '');
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? root + page : join(root, dirname(page), path);
      const isThere =
        existsSync(target) &&
        (anchor === undefined || !target.endsWith('.md') || (await anchorsOf(target)).includes(anchor));
      if (!isThere) broken.push(`${page}: ${link}`);
    }
  }
  expect(broken).toEqual([]);
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
