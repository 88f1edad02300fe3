import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Packages under these ask for nothing, and may have no file that says so. */
const WITHOUT_CONDITIONS = new Set(['Unlicense', 'CC0-1.0', '0BSD']);

/**
 * The licences of the packages whose code is in the bundle, each text once. Nearly all of them have to go where the code
 * goes.
 * @param {import('esbuild').Metafile} metafile
 * @param {string} root
 * @param {readonly string[]} leftOut files that are in the bundle by name only
 */
export function licencesOf(metafile, root, leftOut) {
  /** Packages with the same text apart from the lines that name the owner. */
  const groups = new Map();
  for (const folder of foldersOf(metafile, leftOut)) {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((each) => /^licen[cs]e/i.test(each));
    if (!file && !WITHOUT_CONDITIONS.has(license)) throw new Error(`${folder} has no file with its licence`);
    const lines = (file ? readFileSync(join(root, folder, file), 'utf8') : license).split('\n');
    const text = lines
      .filter((line) => !isOwner(line))
      .join('\n')
      .trim();
    const key = text
      .replaceAll(/\W+/g, ' ')
      .toLowerCase()
      .replace(/^ ?(the )?mit license (mit )?/, '');
    const group = groups.get(key) ?? { text, packages: [] };
    group.packages.push(`${name} ${version}`, ...lines.filter(isOwner).map((line) => `  ${line.trim()}`));
    groups.set(key, group);
  }
  const parts = [...groups.values()].map(({ text, packages }) => `${packages.join('\n')}\n\n${text}\n`);
  return ['The program contains code of these packages.\n', ...parts].join(`\n${'-'.repeat(80)}\n\n`);
}

const isOwner = (line) => /^\s*copyright\s.*\d{4}|^\s*copyright \(c\)/i.test(line);

function foldersOf({ outputs }, leftOut) {
  const used = Object.values(outputs).flatMap(({ inputs }) =>
    Object.keys(inputs).filter((path) => inputs[path].bytesInOutput > 0),
  );
  const folders = used
    .filter((path) => !leftOut.some((file) => path.endsWith(`node_modules/${file}`)))
    .flatMap((path) => /^node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path) ?? []);
  return [...new Set(folders)].sort();
}
