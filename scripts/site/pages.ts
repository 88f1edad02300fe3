import { readdirSync, readFileSync } from 'node:fs';
import { root } from '../../test/support/paths.ts';

/** A page of the site, before its links are changed. */
export interface Page {
  /** Its file in the repository. */
  readonly source: string;
  /** Its file in the site. */
  readonly target: string;
  readonly title: string;
  readonly description: string;
  readonly text: string;
}

/** Pages outside of docs/, by their name in the site. */
const AT_ROOT: Readonly<Record<string, string>> = {
  'SECURITY.md': 'report-a-problem.md',
  'CONTRIBUTING.md': 'contributing.md',
  'CHANGELOG.md': 'changelog.md',
};

/** Every Markdown file of docs/, and those of the repository's root. The start page is made by itself. */
export function readPages(): readonly Page[] {
  const inDocs = readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !path.startsWith('.'))
    .sort();
  return [...inDocs.map((path) => `docs/${path}`), ...Object.keys(AT_ROOT)].map(readPage);
}

/** Where the site has a file of the repository; undefined if it is not a page. */
export function targetOf(source: string): string | undefined {
  if (source === 'README.md') return 'index.md';
  const inDocs = /^docs\/(.*\.md)$/.exec(source)?.[1];
  return AT_ROOT[source] ?? inDocs?.replace(/(^|\/)README\.md$/, '$1index.md');
}

function readPage(source: string): Page {
  const text = readFileSync(root + source, 'utf8').replaceAll(/<!--[\s\S]*?-->\n*/g, '');
  const title = /^# (.+)$/m.exec(text)?.[1];
  const target = targetOf(source);
  if (title === undefined || target === undefined) throw new Error(`${source}: a page begins with a heading, "# …"`);
  return { source, target, title: plain(title), description: descriptionOf(text), text };
}

const MAX_DESCRIPTION = 160;

/** The first paragraph of text, as far as whole sentences fit. */
function descriptionOf(text: string): string {
  const blocks = text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '').split(/\n{2,}|^- /m);
  const first = blocks.find((block) => /^[A-Za-z`[]/.test(block.trim())) ?? '';
  const sentences = plain(first).split(/(?<=[.?!:]) /);
  let all = sentences[0] ?? '';
  for (const sentence of sentences.slice(1)) {
    if (all.length + sentence.length >= MAX_DESCRIPTION) break;
    all += ` ${sentence}`;
  }
  return all;
}

const plain = (text: string): string =>
  text
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[`*]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
