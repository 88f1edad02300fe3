import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { root } from './support/paths.ts';

it('the package holds the program and its documents, and nothing that was made for this machine', () => {
  const cache = `${root}dist/dns01.v0-none-packed.cache`;
  writeFileSync(cache, '');
  try {
    const out = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [{ files }] = JSON.parse(out) as [{ files: { path: string }[] }];
    const paths = files.map(({ path }) => path);
    const program = ['dist/dns01.cjs', 'dist/start.cjs', 'dist/dns01-hook.cjs', 'dist/dns01.cjs.LEGAL.txt'];
    expect(paths).toEqual(expect.arrayContaining([...program, 'package.json', 'LICENSE', 'README.md', 'SECURITY.md']));
    expect(paths.filter((path) => /\.cache|meta\.json|^dist\/bench|^(test|src|scripts)\//.test(path))).toEqual([]);
  } finally {
    rmSync(cache);
  }
});
