// Bundles the command line into one file, so that a start does not read 500 files.
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { licencesOf } from './licences.mjs';
import { withoutUnusedBuiltins } from './unused-builtins.mjs';
import { LEFT_OUT, withoutUnusedParts } from './unused-parts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @param {string} outdir
 * @param {readonly import('esbuild').Plugin[]} plugins
 */
export async function buildProgram(outdir, plugins = [withoutUnusedBuiltins()]) {
  mkdirSync(outdir, { recursive: true });
  for (const name of readdirSync(outdir).filter((file) => file.includes('.cache'))) rmSync(`${outdir}/${name}`);
  const common = {
    absWorkingDir: root,
    outdir,
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
    plugins: [...plugins, withoutUnusedParts()],
    legalComments: 'none',
    // Half the size: less to read and to check at every start.
    minify: true,
  });
  writeFileSync(`${outdir}/meta.json`, JSON.stringify(metafile));
  writeFileSync(`${outdir}/dns01.cjs.LEGAL.txt`, licencesOf(metafile, root, LEFT_OUT));

  // esbuild escapes everything outside ASCII, except in comments. V8 stores pure ASCII in half the memory.
  const program = readFileSync(`${outdir}/dns01.cjs`, 'utf8').replace(/[^\0-\x7f]/g, '?');
  writeFileSync(`${outdir}/dns01.cjs`, program);

  await build({
    ...common,
    entryPoints: { start: 'bin/start.ts', 'dns01-hook': 'bin/dns01-hook.ts' },
  });
  for (const name of ['dns01', 'start', 'dns01-hook']) chmodSync(`${outdir}/${name}.cjs`, 0o755);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildProgram(`${root}dist`);
