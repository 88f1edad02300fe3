import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export const withoutCode = (text: string): string => text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '');

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

/** Links of these pages below a directory to files or headings that are not there. */
export async function brokenLinks(directory: string, pages: readonly string[]): Promise<string[]> {
  const broken: string[] = [];
  for (const page of pages) {
    const text = withoutCode(await readFile(join(directory, page), 'utf8')).replaceAll(/`[^`\n]*`/g, '');
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? join(directory, page) : join(directory, dirname(page), path);
      const isThere =
        existsSync(target) &&
        (anchor === undefined || !target.endsWith('.md') || (await anchorsOf(target)).includes(anchor));
      if (!isThere) broken.push(`${page}: ${link}`);
    }
  }
  return broken;
}

/** All pages below a directory, but not the copies in the folder of the site. */
export async function pagesIn(directory: string): Promise<string[]> {
  const paths = await readdir(directory, { recursive: true });
  return paths.filter((path) => path.endsWith('.md') && !path.startsWith('.vitepress/'));
}
