import { join, resolve } from 'node:path';
import { type Bag, type Found, isDirectory, type Reader } from './sources.ts';

/** The credentials files of certbot's DNS plugins: one that is named, or those that the renewal configs name. */
export function readCertbot(from: string | undefined, reader: Reader): Found {
  const path = resolve(from ?? '/etc/letsencrypt');
  if (!isDirectory(path)) return { bags: [credentials(path, reader)] };
  const renewal = join(path, 'renewal');
  const byFile = new Map<string, Bag>();
  for (const name of reader.list(renewal).filter((file) => /^[\w.-]+\.conf$/.test(file))) {
    const settings = iniValues(reader.read(join(renewal, name)));
    const [, file] = [...settings].find(([key]) => key.endsWith('_credentials')) ?? [];
    if (!file) continue;
    const known = byFile.get(file) ?? credentials(resolve(path, file), reader);
    // certbot adds -0001 to the name of a second certificate for the same domain.
    const lineage = name.replace(/\.conf$/, '');
    const certificate = { names: [lineage.replace(/-\d{4}$/, '')], lineage };
    byFile.set(file, { ...known, certificates: [...(known.certificates ?? []), certificate] });
  }
  return { bags: [...byFile.values()] };
}

const credentials = (file: string, reader: Reader): Bag => ({ from: file, values: iniValues(reader.read(file)) });

/** The `key = value` lines of ConfigObj. Older certbot versions put the plugin's name before the key. */
function iniValues(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, rest = ''] = /^\s*([\w.:-]{1,100})\s*=\s*(\S.*)?$/.exec(line) ?? [];
    if (!key) continue;
    const [, , quoted] = /^("""|"|')(.*?)\1\s*(#.*)?$/.exec(rest) ?? [];
    const value = quoted ?? rest.replace(/\s+#.*$/, '').trim();
    values.set(key.replace(/^.*:/, '').replaceAll('-', '_'), value);
  }
  return values;
}
