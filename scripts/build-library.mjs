// What a third party's provider imports: the contract (`dns01`) and the suite that proves it (`dns01/testing`).
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
  // Its own packages are installed beside it; vitest is the third party's.
  packages: 'external',
  logLevel: 'warning',
});
