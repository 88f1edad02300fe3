import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { root } from '../../test/support/paths.ts';
import { fileTarget, pictureTarget, withLinks } from './links.ts';
import { type Page, readPages } from './pages.ts';
import { startPage } from './start.ts';

export const SITE = `${root}docs/.vitepress/`;
/** What VitePress reads: the pages under the names and with the links that they have in the site. */
const STAGE = `${SITE}pages/`;

export function clearStage(): void {
  rmSync(STAGE, { recursive: true, force: true });
}

/** Only what has changed is written: a server that shows the site notices it. */
export function stage(): void {
  put('public/icon.svg', readFileSync(`${SITE}icon.svg`));
  const start: Page = { source: 'README.md', target: 'index.md', title: '', description: '', text: startPage() };
  for (const { source, target, description, text } of [start, ...readPages()]) {
    const linked = withLinks(text, source, target);
    const head =
      source === start.source
        ? ''
        : `---\n${JSON.stringify({ description, titleTemplate: titleTemplateOf(target) })}\n---\n\n`;
    put(target, head + linked.text);
    for (const file of linked.files) put(`public/${fileTarget(file)}`, readFileSync(root + file));
    for (const file of linked.pictures) put(`public/${pictureTarget(file)}`, readFileSync(root + file));
  }
}

/** Some clients and providers have the same name. */
function titleTemplateOf(target: string): string {
  const kind = { hooks: 'client', providers: 'provider' }[dirname(target)];
  return kind === undefined || target.endsWith('/index.md') ? ':title | dns01' : `:title, a ${kind} | dns01`;
}

function put(path: string, content: string | Buffer): void {
  if (existsSync(STAGE + path) && readFileSync(STAGE + path).equals(Buffer.from(content))) return;
  mkdirSync(dirname(STAGE + path), { recursive: true });
  writeFileSync(STAGE + path, content);
}
