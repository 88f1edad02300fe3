// Bundles the command line into one file, for a process that starts at night for every name should not read 500 files,
// and lays what V8 makes of it beside it, for it should not compile them either.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { withoutUnusedBuiltins } from './unused-builtins.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = `${root}dist`;
const common = {
  absWorkingDir: root,
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20.18',
  format: 'cjs',
  logLevel: 'warning',
};

const { metafile } = await build({
  ...common,
  entryPoints: { dns01: 'bin/dns01.ts' },
  metafile: true,
  loader: { '.sh': 'text' },
  plugins: [withoutUnusedBuiltins()],
  legalComments: 'linked',
  // cosmiconfig reaches for these when a config is code or is read by its own JSON parser, which ours never is.
  external: ['typescript', 'import-fresh', 'parse-json'],
});
writeFileSync(`${dist}/meta.json`, JSON.stringify(metafile));

// esbuild escapes what is not ASCII everywhere but in comments. V8 keeps pure ASCII in half the memory.
const program = readFileSync(`${dist}/dns01.cjs`, 'utf8').replace(/[^\0-\x7f]/g, '?');
writeFileSync(`${dist}/dns01.cjs`, program);
const digest = createHash('sha256').update(program).digest('hex').slice(0, 16);

await build({
  ...common,
  entryPoints: { start: 'bin/start.ts', 'dns01-hook': 'bin/dns01-hook.ts' },
  define: { BUILD: JSON.stringify(digest) },
  external: ['./start.cjs'],
});
for (const name of ['dns01', 'start', 'dns01-hook']) chmodSync(`${dist}/${name}.cjs`, 0o755);

for (const name of readdirSync(dist).filter((file) => file.endsWith('.cache'))) rmSync(`${dist}/${name}`);
try {
  const script = ['--import', 'tsx', `${root}scripts/code-cache.ts`, digest];
  execFileSync(process.execPath, script, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
} catch (error) {
  process.stderr.write(`built without compiled code, so that starts take longer: ${error.message}\n`);
}
