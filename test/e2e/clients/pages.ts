import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../../support/paths.ts';
import { writeProgram } from './hook-calls.ts';
import { inPrivateMounts } from './private-mounts.ts';
import type { Site } from './site.ts';

const PAGES = join(root, 'docs', 'hooks');

/** The pages that somebody sets a client up from. */
export async function clientPages(): Promise<string[]> {
  return (await readdir(PAGES)).filter((name) => name !== 'README.md').sort();
}

/** What stands in the fences of a page, with the example's domain and paths replaced by those of a site. */
export async function pasted(site: Site, page: string, language = 'sh'): Promise<string[]> {
  const text = await readFile(join(PAGES, page), 'utf8');
  const fences = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].filter(([, written]) => written === language);
  const [domain = ''] = site.zones;
  return fences.map(([, , block = '']) =>
    block
      .replaceAll('example.com', domain)
      .replaceAll('/usr/local/bin/', `${site.bin}/`)
      .replaceAll('/etc/', `${site.here.directory}/etc/`),
  );
}

/** Lets the lines of a page find the client under its name, with what is special about the laboratory around them. */
export async function putInPath(
  site: Site,
  name: string,
  command: readonly string[],
  { before = [], after = [] }: { before?: readonly string[]; after?: readonly string[] },
): Promise<void> {
  const [program, args] = await inPrivateMounts(site, [...command, ...before]);
  const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');
  await writeProgram(join(site.bin, name), [`exec ${quoted([program, ...args])} "$@" ${quoted(after)}`]);
}
