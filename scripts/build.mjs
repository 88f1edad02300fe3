// Bundles the command line into one file: a process that starts at night for every name should not read 500 files.
import { chmodSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { dns01: 'bin/dns01.ts', 'dns01-hook': 'bin/dns01-hook.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20.18',
  format: 'cjs',
  metafile: true,
  loader: { '.sh': 'text' },
  alias: { 'node:http2': './src/http/no-http2.cjs' },
  legalComments: 'linked',
  logLevel: 'warning',
  // cosmiconfig reaches for these when a config is code or is read by its own JSON parser, which ours never is.
  external: ['typescript', 'import-fresh', 'parse-json', './dns01.cjs'],
});
writeFileSync(`${root}/dist/meta.json`, JSON.stringify(metafile));
for (const name of ['dns01', 'dns01-hook']) chmodSync(`${root}/dist/${name}.cjs`, 0o755);
