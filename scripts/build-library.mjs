// The exports for a third party's provider: the contract (`dns01`) and its test suite (`dns01/testing`). They need no
// other package, except that the suite runs in the third party's vitest and uses its undici.
import { readdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { withoutUnusedParts } from './unused-parts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { index: 'src/index.ts', testing: 'test/testing.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  chunkNames: 'library-[hash]',
  platform: 'node',
  target: 'node20.18',
  format: 'esm',
  minify: true,
  external: ['vitest', 'undici'],
  plugins: [withoutUnusedParts({ all: false })],
  logLevel: 'warning',
  metafile: true,
});

// The package takes all modules of dist, and a chunk that has changed has another name than before.
const made = new Set(Object.keys(metafile.outputs).map((file) => basename(file)));
for (const name of readdirSync(`${root}dist`)) {
  if (name.endsWith('.mjs') && !made.has(name)) rmSync(`${root}dist/${name}`);
}
