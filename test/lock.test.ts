import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { root } from './support/paths.ts';

const text = readFileSync(`${root}package-lock.json`, 'utf8');
const { '': _, ...packages } = (JSON.parse(text) as { packages: Record<string, Package> }).packages;
interface Package {
  readonly integrity?: string;
  readonly engines?: { readonly node?: string };
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

it('the lock file has the integrity of every package, those of other platforms too', () => {
  const without = Object.entries(packages).filter(
    ([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''),
  );
  expect(without.map(([name]) => name)).toEqual([]);
  const missing = Object.entries(packages).flatMap(([folder, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !packages[`node_modules/${name}`] && !packages[`${folder}/node_modules/${name}`],
    ),
  );
  expect(missing).toEqual([]);
});

it('the lock file names no registry, so that everybody uses their own', () => {
  expect(text).not.toContain('"resolved"');
  expect(text.match(/https?:\/\/[^"/]*(registry|npm)[^"/]*/g)).toBeNull();
});
