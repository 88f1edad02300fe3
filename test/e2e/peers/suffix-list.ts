import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SUFFIX_LISTS } from '../../../providers/lexicon/client.ts';

/** A cache of tldextract with one suffix, so that lexicon takes this zone and downloads no list. */
export async function suffixListFor(zone: string, directory: string): Promise<string> {
  const cache = join(directory, 'suffixes');
  const folder = join(cache, 'publicsuffix.org-tlds');
  await mkdir(folder, { recursive: true });
  const lists = JSON.stringify([[zone.split('.').slice(1).join('.')], []]);
  for (const list of SUFFIX_LISTS) await writeFile(join(folder, `${list}.tldextract.json`), lists);
  return cache;
}
