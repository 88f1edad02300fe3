import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { root } from './support/paths.ts';

interface Package {
  readonly integrity?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

describe.each(['package-lock.json', 'docs/.vitepress/package-lock.json'])('%s', (file) => {
  const text = readFileSync(root + file, 'utf8');
  const { '': _, ...packages } = (JSON.parse(text) as { packages: Record<string, Package> }).packages;

  it('has the integrity of every package, those of other platforms too', () => {
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

  it('names no registry, so that everybody uses their own', () => {
    expect(text).not.toContain('"resolved"');
    expect(text.match(/https?:\/\/[^"/]*(registry|npm)[^"/]*/g)).toBeNull();
  });
});
