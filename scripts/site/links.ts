import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { root } from '../../test/support/paths.ts';
import { targetOf } from './pages.ts';

/** Files that are no pages are in the site as text, so that a browser shows them. */
export const fileTarget = (source: string): string => `files/${source}.txt`;

interface Linked {
  readonly text: string;
  /** Files of the repository that the page links to or shows. */
  readonly files: readonly string[];
  readonly pictures: readonly string[];
}

/** The same Markdown with links and pictures that are right in the site. */
export function withLinks(text: string, source: string, target: string): Linked {
  const files: string[] = [];
  const pictures: string[] = [];
  const changed = outsideCode(text, (part) =>
    part.replaceAll(/(!?\[[^\]]*)?\]\(([^)\s]+)\)/g, (whole, before = '', link) => {
      if (/^[a-z]+:/.test(link) || link.startsWith('#')) return whole;
      const [path = '', anchor] = link.split('#');
      const file = normalize(join(dirname(source), path));
      if (!existsSync(root + file) || statSync(root + file).isDirectory())
        throw new Error(`${source}: ${link} is no file of the repository`);
      if (file.endsWith('.svg')) {
        pictures.push(file);
        return `${before}](/${pictureTarget(file)})`;
      }
      const page = targetOf(file);
      if (page === undefined) files.push(file);
      const to = page === undefined ? `/${fileTarget(file)}` : `./${relative(dirname(target), page)}`;
      return `${before}](${to}${anchor === undefined ? '' : `#${anchor}`})`;
    }),
  );
  return { text: changed, files, pictures };
}

export const pictureTarget = (source: string): string => source.replace(/^docs\//, 'pictures/');

function outsideCode(text: string, change: (part: string) => string): string {
  const parts = text.split(/(^ *```[\s\S]*?^ *```|`[^`\n]*`)/m);
  return parts.map((part, index) => (index % 2 === 0 ? change(part) : part)).join('');
}
