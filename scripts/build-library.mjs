// The exports for a third party's provider: the contract (`dns01`) and its test suite (`dns01/testing`). They need no
// other package, except that the suite runs in the third party's vitest and uses its undici.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

await build({
  absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
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
  logLevel: 'warning',
});
