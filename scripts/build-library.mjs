// The exports for a third party's provider: the contract (`dns01`) and its test suite (`dns01/testing`).
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
  // dns01's own packages are installed beside it; the third party brings vitest.
  packages: 'external',
  logLevel: 'warning',
});
